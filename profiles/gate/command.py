"""`oomproof gate`: arguments in, exit code out."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console

from profiles.compare import Options
from profiles.errors import OomproofError
from profiles.gate.baseline import BASELINE_FOLDER
from profiles.gate.comparison import (
    Stored,
    beside_baselines,
    head_conditions,
    read_baselines,
    side_by_side,
)
from profiles.gate.decision import ALPHA, decide
from profiles.gate.heap_command import explain_heaps
from profiles.gate.markdown import gate_markdown
from profiles.gate.measure import Contender, SideRuns, measure
from profiles.gate.options import add_shared_options, options_of, scenarios_of
from profiles.gate.outcome import GateOutcome, Side
from profiles.gate.report import print_gate, write_gate_report
from profiles.gate.revision import build_revision, build_this_tree
from profiles.gate.step_summary import add_step_summary
from profiles.progress import Progress
from profiles.scenario import Scenario

EXAMPLES = """examples:
  oomproof gate --against main                whether this tree uses more memory than main does
  oomproof gate --against HEAD~1 --heap       and, where it does, which lines hold it
  oomproof gate                               compared with the baselines in reports/baselines
  oomproof gate --runs 10                     more runs, where six could not tell
  oomproof gate my-server.toml --out build/gate
  oomproof baseline                           measure the baselines that are not there yet

Each scenario is run several times, of both sides by turns. Of each metric an exact rank test says whether a rise can be
chance, and its size whether it matters; the VM's headroom and the 2 GB line hold whatever the baseline says. The
results are gate.json, gate.md, junit.xml and, where something is wrong, both sides' memory as a picture.

exit codes: 0 no worse, 1 worse or over the budget, 2 wrong use, 3 the runs cannot tell, 4 nothing valid was measured,
130 interrupted"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "gate",
        help="say whether memory got worse, compared with a baseline or another revision",
        description="Measures, compares and decides: pass, regressed, inconclusive or invalid.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_shared_options(parser)
    add = parser.add_argument
    add(
        "--against",
        metavar="REV",
        help="compare with this revision, built and measured here by turns with this tree",
    )
    add("--compare-anyway", action="store_true", help="compare with a baseline of other conditions too")
    add(
        "--heap",
        action="store_true",
        help="where memory got worse, capture both heaps and say where (--against)",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    """Measure, compare, report; return the exit code.

    Raises:
        OomproofError: a mistake, a machine that cannot, a revision that does not build, a damaged baseline.
    """
    _check_together(chosen)
    scenarios = scenarios_of(chosen)
    stored = (
        None if chosen.against else read_baselines(scenarios, chosen.baselines, anyway=chosen.compare_anyway)
    )
    options = options_of(chosen)
    began = time.monotonic()
    with Progress(console) as progress:
        progress.stage("gate")
        work = _Work(chosen, options, stored, _contenders(chosen, options, progress))
        measured = measure(
            scenarios, work.contenders, options, runs=chosen.runs, at_once=chosen.at_once, progress=progress
        )
        outcome = work.outcome(measured, time.monotonic() - began)
        heaps = explain_heaps(scenarios, work.contenders, outcome, options, progress) if chosen.heap else None
    paths = write_gate_report(outcome, options.out)
    print_gate(outcome, console)
    if heaps is not None:
        paths += heaps.write(options.out)
        console.print(heaps.text, soft_wrap=True, highlight=False)
    add_step_summary(gate_markdown(outcome, {}) + ("" if heaps is None else heaps.markdown), console.print)
    console.print(f"Report: {options.out / 'gate.md'}", soft_wrap=True, highlight=False)
    return outcome.exit_code


def _check_together(chosen: argparse.Namespace) -> None:
    for given, option in (
        (chosen.compare_anyway, "--compare-anyway"),
        (chosen.baselines != BASELINE_FOLDER, f"--baselines {chosen.baselines}"),
    ):
        if chosen.against and given:
            raise OomproofError(f"{option}: no baseline is read with --against. Leave one of them out.")
    if chosen.heap and not chosen.against:
        raise OomproofError("--heap: a baseline remembers no heap. Give --against REV too.")


def _contenders(chosen: argparse.Namespace, options: Options, progress: Progress) -> list[Contender]:
    here = build_this_tree(progress.tell, options.cache)
    head = Contender(Side("head", here.described), here)
    if chosen.against is None:
        return [head]
    base = build_revision(chosen.against, progress.tell, options.cache)
    return [Contender(Side("base", base.described), base), head]


@dataclass(frozen=True)
class _Work:
    """What a gate was asked, and whom it measures."""

    chosen: argparse.Namespace
    options: Options
    stored: Stored | None
    contenders: Sequence[Contender]

    def outcome(self, measured: Sequence[SideRuns], took_s: float) -> GateOutcome:
        """Return the verdict of what was measured."""
        vm_size, at_once = self.options.vm_size, self.chosen.at_once
        if self.stored is None:
            base, runs = self.contenders[0].side, side_by_side(measured, vm_size)
        else:
            base = Side("base", self.stored.described)
            runs = beside_baselines(measured, vm_size, self.stored, at_once)
        return GateOutcome(
            scenarios=decide(runs),
            base=base if any(one.base_runs for one in runs) else None,
            head=self.contenders[-1].side,
            took_s=took_s,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            conditions=self._conditions(measured),
        )

    def _conditions(self, measured: Sequence[SideRuns]) -> dict[str, object]:
        heads = [found for found in measured if found.side.name == "head"]
        known = next((found for one in heads if (found := head_conditions(one.runs, 1))), None)
        told: dict[str, object] = {
            "runs": self.chosen.runs,
            "runs_at_once": self.chosen.at_once,
            "alpha": ALPHA,
        }
        told |= {one.scenario.name: _load(one.scenario) for one in heads}
        if known is not None:
            told["machine"] = known.machine.model_dump()
            told["python"] = known.python
            told["vm_memory_mb"] = known.vm.memory_mb
            told["vm_cpus"] = known.vm.cpus
            told["document_sha256"] = known.document_sha256
        return told


def _load(scenario: Scenario) -> str:
    load = scenario.load
    return (
        f"{load.readers} readers, {load.sessions} sessions of {load.session_s:g} s each, at pace {load.pace:g}, "
        f"{load.mode}"
    )
