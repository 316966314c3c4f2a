"""`oomproof gate`: arguments in, exit code out."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from profiles.compare import Options
from profiles.errors import OomproofError
from profiles.gate.baseline import BASELINE_FOLDER
from profiles.gate.comparison import (
    Stored,
    beside_baselines,
    read_baselines,
    side_by_side,
)
from profiles.gate.decision import decide
from profiles.gate.heap_command import Heaps, explain_heaps
from profiles.gate.markdown import gate_markdown
from profiles.gate.measure import Contender, SideRuns, measure
from profiles.gate.options import add_shared_options, options_of, ready_to_measure, scenarios_of
from profiles.gate.outcome import GateOutcome, Side
from profiles.gate.report import MARKDOWN_FILE, print_gate, write_gate_report
from profiles.gate.revision import build_revision, build_this_tree
from profiles.gate.step_summary import add_step_summary
from profiles.gate.told_conditions import told_conditions
from profiles.progress import Progress
from profiles.scenario import Scenario

EXAMPLES = """examples:
  oomproof gate --against main                whether this tree uses more memory than main does
  oomproof gate --against HEAD~1 --heap       and, where it does, which functions hold it
  oomproof gate                               compared with the baselines in reports/baselines
  oomproof gate --runs 10                     more runs, where six could not tell
  oomproof gate my-server.toml --out build/gate
  oomproof baseline                           measure what later gates are compared with

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
        help="where it does not pass, capture both heaps and say which functions hold more (--against)",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    """Measure, compare, report; return the exit code.

    Raises:
        OomproofError: a mistake, a machine that cannot, a revision that does not build, a damaged baseline.
    """
    scenarios = scenarios_of(chosen)
    _check_together(chosen, scenarios)
    stored = (
        None if chosen.against else read_baselines(scenarios, chosen.baselines, anyway=chosen.compare_anyway)
    )
    options = options_of(chosen, scenarios)
    began = time.monotonic()
    with ready_to_measure(scenarios, options), Progress(console) as progress:
        progress.stage("gate")
        for line in stored.missing if stored else ():
            progress.line(f"{line}. Without it only the budget is checked.")
        contenders = _contenders(chosen, options, progress)
        measured = measure(
            scenarios, contenders, options, runs=chosen.runs, at_once=chosen.at_once, progress=progress
        )
        outcome = _outcome(chosen, options, stored, contenders, measured, time.monotonic() - began)
        write_gate_report(outcome, options.out)  # whatever becomes of the heaps: the verdict is there
        heaps = explain_heaps(scenarios, contenders, outcome, options, progress) if chosen.heap else None
    _tell(outcome, heaps, options.out, console)
    return outcome.exit_code


def _tell(outcome: GateOutcome, heaps: Heaps | None, out: Path, console: Console) -> None:
    """The verdict comes last: that is where people look."""
    if heaps is not None:
        heaps.write(out)
        console.print(heaps.text, soft_wrap=True, highlight=False)
    markdown = gate_markdown(outcome, {}) + ("" if heaps is None else f"\n\n{heaps.markdown}")
    add_step_summary(markdown, console.print)
    console.print(f"Report: {out / MARKDOWN_FILE}", soft_wrap=True, highlight=False)
    print_gate(outcome, console)


def _check_together(chosen: argparse.Namespace, scenarios: Sequence[Scenario]) -> None:
    for given, option in (
        (chosen.compare_anyway, "--compare-anyway"),
        (chosen.baselines != BASELINE_FOLDER, f"--baselines {chosen.baselines}"),
    ):
        if chosen.against and given:
            raise OomproofError(f"{option}: no baseline is read with --against. Leave one of them out.")
    if chosen.heap and not chosen.against:
        raise OomproofError("--heap: a baseline remembers no heap. Give --against REV too.")
    for scenario in scenarios:
        if chosen.against and scenario.target.command is not None:
            raise OomproofError(
                f"--against {chosen.against}: scenario {scenario.name!r} starts a server of its own (target.command), "
                "the same for both sides. Compare it with a baseline."
            )


def _contenders(chosen: argparse.Namespace, options: Options, progress: Progress) -> list[Contender]:
    builds = {}
    if chosen.against is not None:  # first: it may not be there
        builds["base"] = build_revision(chosen.against, progress.tell, options.cache)
    builds["head"] = build_this_tree(progress.tell, options.cache)
    return [Contender(Side(name, build.described), build) for name, build in builds.items()]


def _outcome(
    chosen: argparse.Namespace,
    options: Options,
    stored: Stored | None,
    contenders: Sequence[Contender],
    measured: Sequence[SideRuns],
    took_s: float,
) -> GateOutcome:
    if stored is None:
        base, runs = contenders[0].side, side_by_side(measured, options.vm_size)
    else:
        base = Side("base", stored.described)
        runs = beside_baselines(measured, options.vm_size, stored, chosen.at_once)
    return GateOutcome(
        scenarios=decide(runs, against=stored is None),
        base=base if any(one.base_runs for one in runs) else None,
        head=contenders[-1].side,
        took_s=took_s,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        conditions=told_conditions(measured, chosen.runs, chosen.at_once),
    )
