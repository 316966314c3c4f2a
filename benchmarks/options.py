"""`python -m benchmarks.options`: every option of the owner's plan, in real time, run by run.

Ten-minute sessions at pace 1, of the same 32 readers, each option several times, with a CPU balance of 500 s (a rested
machine) and of 5 s (a new one). Hours: so each run is a folder of its own below `--out`, a run that is finished is not
made again, and what was cut off is begun anew. Start it again until nothing is left, by `--only` in several processes
if the machine carries them; `--commit` puts each finished run into the repository.

The document's chunks are made once, at pace 1, and every run that reads them gets a cold copy.

Exit codes: 0 all there, 1 a run was invalid, 2 wrong use or a machine that cannot, 130 interrupted.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.options_commit import code_state
from benchmarks.options_publish import make_publishable
from profiles.compare import run_once
from profiles.errors import EXIT_INTERRUPTED, OomproofError
from profiles.load import Documents, build_document, own_upstream
from profiles.plan import with_pregeneration
from profiles.progress import Progress
from profiles.run import Bench
from profiles.run_file import update_run
from profiles.run_folder import RunFolder
from profiles.scenario import Expectation, Scenario, load_scenario, with_load
from profiles.vm_size import PROJECT_FLY_TOML, SHARED_SHARE_OF_CORE, VmSize, read_fly_toml

ROOT = Path(__file__).resolve().parent.parent
BALANCES_S = (500.0, 5.0)
REPETITIONS = 3
DOUBLE_VM = VmSize(8192, 4, 4 * SHARED_SHARE_OF_CORE)
"""The plan's `fly scale vm shared-cpu-4x --memory 8192`."""
COMMIT_TRIES = 20


@dataclass(frozen=True)
class Option:
    """One way to run the application, of which the plan or its critics speak."""

    name: str
    scenario: str
    vm_size: VmSize | None = None
    memray: bool = False
    expect: Expectation | None = None

    def at(self, balance_s: float) -> Scenario:
        """Return what is run: real time, with so much CPU saved at the start."""
        scenario = with_load(
            made_ahead() if self.scenario == "pregenerate" else load_scenario(self.scenario), pace=1.0
        )
        vm = scenario.vm.model_copy(update={"balance_s": balance_s})
        changes = {"name": self.name, "vm": vm, "expect": self.expect or scenario.expect}
        return scenario.model_copy(update=changes)


OPTIONS = (
    Option("pregenerate", "pregenerate"),
    Option("live", "live"),
    Option("cached", "cached"),
    Option("cached-to-the-letter", "cached-to-the-letter"),
    Option("live-8gb", "live", DOUBLE_VM),
    Option("live-bounded", "live-bounded"),
    Option("hybrid", "hybrid"),
    Option("hybrid-8gb", "hybrid", DOUBLE_VM),
    Option("cached-memray", "cached", memray=True, expect=Expectation()),
    Option("live-memray", "live", memray=True),
)
NAMES = tuple(option.name for option in OPTIONS)


def made_ahead() -> Scenario:
    """Return the pre-generation of the chapters that the cached readers read."""
    return next(
        found for found in with_pregeneration([load_scenario("cached")]) if found.name == "pregenerate"
    )


@dataclass(frozen=True)
class Cell:
    """One run that is wanted."""

    option: Option
    balance_s: float
    number: int

    def folder(self, out: Path) -> Path:
        """Where it goes."""
        return out / f"balance-{self.balance_s:g}" / f"{self.option.name}-{self.number}"


def cells(names: Sequence[str], balances_s: Sequence[float], repetitions: int) -> Iterator[Cell]:
    """Yield the runs: all options once, then again; a heap capture is taken once, on a rested machine."""
    for balance_s in balances_s:
        for number in range(1, repetitions + 1):
            for option in OPTIONS:
                once = option.memray and (number > 1 or balance_s != BALANCES_S[0])
                if option.name in names and not once:
                    yield Cell(option, balance_s, number)


def finished(folder: Path) -> bool:
    """Whether a run is there whole and measured something, and so is not to be made again."""
    return RunFolder(folder).verdict.get("verdict", "invalid") != "invalid"


def run_cell(cell: Cell, out: Path, store: Path, progress: Progress) -> str:
    """Run it, and return its verdict; what an earlier try left half done is removed first.

    Raises:
        OomproofError: the machine cannot, or its chunks are missing.
    """
    folder, option = cell.folder(out), cell.option
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scenario = option.at(cell.balance_s)
    document = build_document(ROOT / ".cache" / "document.pdf", ROOT / ".cache" / "document.log")
    with tempfile.TemporaryDirectory(dir=store.parent, prefix="work-", ignore_cleanup_errors=True) as name:
        work = Path(name)
        if scenario.target.pregenerated:
            (work / "pregenerated").symlink_to(store)
        with own_upstream(work / "upstream.log", 1.0, scenario.load.seed, scenario.upstream) as upstream:
            size = option.vm_size or read_fly_toml(PROJECT_FLY_TOML)
            bench = Bench(Documents(document), upstream, size, work, memray=option.memray)
            commit = code_state(ROOT)
            record = run_once(scenario, bench, folder, progress)
            update_run(folder, commit=commit)
            make_publishable(folder)
        if option.name == "pregenerate" and record.verdict == "survived" and not store.exists():
            (work / "pregenerated").rename(store)
    return record.verdict


def commit_run(folder: Path) -> None:
    """Put a finished run into the repository; another process may be doing the same."""
    folder = folder.resolve()
    for _ in range(COMMIT_TRIES):
        added = subprocess.run(["git", "add", folder], cwd=ROOT, check=False, capture_output=True)
        told = subprocess.run(
            ["git", "commit", "-q", "-m", f"Measured: {folder.parent.name}/{folder.name}", "--", folder],
            cwd=ROOT, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if added.returncode == 0 and told.returncode == 0:
            return
        time.sleep(1)
    raise OomproofError(f"{folder}: git does not commit it: {told.stderr.strip()}. Commit it by hand.")


def main(argv: Sequence[str] | None = None) -> int:
    """Makes what is missing; returns the exit code."""
    options = _options(sys.argv[1:] if argv is None else argv)
    out = Path(os.path.relpath(options.out))  # what a run writes down names no folder of this machine
    store = ROOT / ".cache" / "options" / "pregenerated"
    store.parent.mkdir(parents=True, exist_ok=True)
    verdicts: list[str] = []
    try:
        with Progress(Console(markup=False)) as progress:
            missing = [
                cell
                for cell in cells(options.only, options.balances, options.repetitions)
                if not finished(cell.folder(out))
            ]
            for at, cell in enumerate(missing, start=1):
                folder = cell.folder(out)
                progress.stage(f"{folder.parent.name}/{folder.name} ({at} of {len(missing)})")
                verdicts.append(run_cell(cell, out, store, progress))
                progress.line(f"{folder.parent.name}/{folder.name}: {verdicts[-1]}")
                if options.commit and finished(folder):
                    commit_run(folder)
    except OomproofError as error:
        print(f"options: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 1 if "invalid" in verdicts else 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.options",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--out", type=Path, default=ROOT / "reports" / "options", help="where the runs go")
    add("--only", nargs="+", choices=NAMES, default=NAMES, metavar="OPTION", help=f"of {', '.join(NAMES)}")
    add("--balances", nargs="+", type=float, default=BALANCES_S, help="CPU seconds saved (default 500 5)")
    add("--repetitions", type=int, default=REPETITIONS, help="runs of each (default 3)")
    add("--commit", action="store_true", help="put each finished run into the repository")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
