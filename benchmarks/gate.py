"""`python -m benchmarks.gate`: measures what the gate's operating characteristic is made of.

Identical pairs: both sides of a gate are this tree, each measured as often as a gate does. Injected regressions: this
tree's server in a wrapper that holds more than it (benchmarks/injected.py). Every run's figures go into
`runs.jsonl` in `--out` as they are measured, and what is there is not measured again: start it as often as you like.
The page is made of them by `python -m benchmarks.gate_page`. About two hours, root; it ends by itself.

Exit codes: 0 all there, 2 wrong use or a machine that cannot, 4 a run measured nothing, 130 interrupted.
"""

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.report import commit
from profiles.backends import enter
from profiles.build import Build
from profiles.compare import Options, benches
from profiles.errors import EXIT_INTERRUPTED, EXIT_OK, OomproofError
from profiles.gate.conditions import conditions_of
from profiles.gate.measure import Contender, Crew
from profiles.gate.outcome import GateRun, Side
from profiles.progress import Progress
from profiles.run_folder import RunFolder
from profiles.scenario import Scenario, load_scenario
from profiles.vm_size import PROJECT_FLY_TOML, read_fly_toml

ROOT = Path(__file__).resolve().parent.parent
SCENARIO = "gate-cached"
PAIRS = 60
RUNS = 6
REPEAT = 20
RUNS_FILE = "runs.jsonl"


@dataclass(frozen=True)
class Effect:
    """A regression of known size: what it does, and how much of it."""

    kind: str
    size: float

    @property
    def name(self) -> str:
        """Such as `hold-8`."""
        return f"{self.kind}-{self.size:g}"

    def program(self, chunks_per_session: float) -> tuple[str, ...]:
        """Return the arguments that start the server with it; a leak per session is spread over its chunks."""
        option, size = {
            "hold": ("--hold-mb", self.size),
            "burst": ("--burst-mb", self.size),
            "leak": ("--leak-kib-per-chunk", self.size / chunks_per_session),
        }[self.kind]
        return ("-P", "-m", "benchmarks.injected", option, f"{size:.6f}")


EFFECTS = (
    *(Effect("hold", size) for size in (2, 4, 6, 8, 12)),
    *(Effect("leak", size) for size in (16, 32, 48, 64, 96)),
    *(Effect("burst", size) for size in (8, 16)),
)
"""MB held from the start, KiB leaked a session, MB held for half a second."""


class Runs:
    """The figures of all runs so far, in a file that grows a line a run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.lines: list[dict[str, object]] = []
        if path.exists():
            self.lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def of(self, name: str) -> list[dict[str, object]]:
        """Return the runs of a pair or an effect."""
        return [line for line in self.lines if line["of"] == name]

    def add(self, name: str, sides: Mapping[str, Sequence[GateRun]], at_once: int) -> None:
        """Write down the runs of all sides in one go: half a pair would never be made whole."""
        lines: list[dict[str, object]] = [
            {
                "of": name, "side": side, "verdict": run.verdict, "started_at": run.started_at,
                "host_psi_some": run.host_psi_some, "at_once": at_once, "figures": dict(run.figures),
            }
            for side, runs in sides.items()
            for run in runs
        ]  # fmt: skip
        self.lines += lines
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(json.dumps(line) + "\n" for line in lines))


def wanted(runs: Runs, pairs: Sequence[int], repeat: int) -> Iterator[tuple[str, Effect | None]]:
    """Yield what is missing: the pairs, and of each effect as many batches as make `repeat` runs."""
    for number in pairs:
        if not runs.of(f"pair-{number}"):
            yield f"pair-{number}", None
    for effect in EFFECTS:
        for _ in range(len(runs.of(effect.name)), repeat, RUNS):
            yield effect.name, effect


def chunks_per_session(folder: Path, scenario: Scenario) -> float:
    """Return how many chunks a session asked for in a run."""
    kinds = Counter(row.kind for row in RunFolder(folder).requests)
    return kinds["chunk"] / (scenario.load.readers * scenario.load.sessions)


@dataclass
class Measurement:
    """Takes what is missing with a crew, and keeps the figures."""

    crew: Crew
    runs: Runs
    out: Path
    chunks_a_session: float | None = None

    def take(self, name: str, effect: Effect | None, most: int) -> None:
        """Measure a pair, or a batch of at most `most` runs of an effect, and put away the runs' folders."""
        sides = [_contender("base"), _contender("head")] if effect is None else [self._injected(effect)]
        try:
            found = self.crew.take(sides, RUNS if effect is None else min(RUNS, most))
            folder = found[0].runs[0].folder
            if self.chunks_a_session is None and effect is None and folder is not None:
                self._remember(folder)
            self.runs.add(name, {one.side.name: one.runs for one in found}, self.crew.at_once)
        finally:
            shutil.rmtree(self.crew.options.out / self.crew.scenario.name, ignore_errors=True)

    def _injected(self, effect: Effect) -> Contender:
        if self.chunks_a_session is None:
            self.crew.progress.line(
                "one run of the server as it is, to see how many chunks a session asks for"
            )
            (plain,) = self.crew.take([_contender("base")], 1)
            folder = plain.runs[0].folder
            assert folder is not None
            self._remember(folder)
            shutil.rmtree(self.crew.options.out / self.crew.scenario.name)
        assert self.chunks_a_session is not None
        return Contender(Side("base", effect.name), Build(program=effect.program(self.chunks_a_session)))

    def _remember(self, folder: Path) -> None:
        """Keep the conditions of the first run beside the figures."""
        self.chunks_a_session = chunks_per_session(folder, self.crew.scenario)
        path = self.out / "conditions.json"
        if path.exists():
            return
        conditions = conditions_of(RunFolder(folder)).model_dump(mode="json")
        known = {
            "commit": commit(),
            "runs_at_once": self.crew.at_once,
            "chunks_per_session": self.chunks_a_session,
            **conditions,
        }
        path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _contender(name: str) -> Contender:
    return Contender(Side(name, "this tree"), Build())


def measure(chosen: argparse.Namespace, progress: Progress) -> None:
    """Measure what is missing.

    Raises:
        OomproofError: the machine cannot.
    """
    chosen.out.mkdir(parents=True, exist_ok=True)
    runs = Runs(chosen.out / RUNS_FILE)
    first, last = chosen.pairs
    with tempfile.TemporaryDirectory(prefix="gate-", ignore_cleanup_errors=True) as name:
        options = Options(Path(name) / "runs", read_fly_toml(PROJECT_FLY_TOML), backend=enter(None).backend)
        with contextlib.closing(benches([load_scenario(SCENARIO)], options)) as plan:
            for scenario, bench in plan:
                crew = Crew(scenario, bench, options, chosen.at_once, progress)
                if scenario.load.kind == "pregenerate":
                    crew.make_stores([_contender("base"), _contender("head")])
                    continue
                work = Measurement(crew, runs, chosen.out)
                for of, effect in wanted(runs, range(first, last + 1), chosen.repeat):
                    progress.stage(of)
                    work.take(of, effect, chosen.repeat - len(runs.of(of)))


def main(argv: Sequence[str] | None = None) -> int:
    """Measures; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--out", type=Path, default=ROOT / "reports" / "gate", help="where the figures go")
    add(
        "--pairs",
        type=int,
        nargs=2,
        default=(1, PAIRS),
        metavar=("FIRST", "LAST"),
        help="identical pairs (1 60)",
    )
    add("--repeat", type=int, default=REPEAT, help="runs of each injected regression (20; 0 for none)")
    add("--at-once", type=int, default=2, help="runs at the same time (2)")
    chosen = parser.parse_args(argv)
    try:
        with Progress(Console(markup=False)) as progress:
            measure(chosen, progress)
    except OomproofError as error:
        print(f"gate: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
