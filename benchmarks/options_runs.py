"""The runs that `benchmarks.options` left behind: what is finished, and what is missing and why."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from benchmarks.options import BALANCES_S, NAMES, OPTIONS, REPETITIONS, Cell, cells
from profiles.comparison import compare
from profiles.run_folder import RunFolder
from profiles.verdict_record import VerdictRecord

PLAN = {
    "live": "as deployed",
    "live-8gb": "option 1: 8 GB, 4 vCPUs",
    "cached": "option 2, and its timings made ahead too",
    "cached-to-the-letter": "option 2 exactly as written",
    "hybrid-8gb": "option 3, first: 8 GB, 4 vCPUs",
    "hybrid": "option 3, in the end: back on 4 GB",
    "live-bounded": "not in the plan: live, one aligner",
    "pregenerate": "option 2's own work: making the chunks",
    "cached-memray": "cached, its heap captured",
    "live-memray": "live, its heap captured",
}
"""The options in the order they are shown, with what the owner's plan calls them."""
NOT_MADE = "not made"
"""Why a run is missing that nobody began."""
_FOLDER = re.compile(r"(.+)-([1-9]\d*)")


@dataclass(frozen=True)
class OptionRun:
    """A finished run: which cell of the plan it fills, where it is, and its verdict."""

    cell: Cell
    path: Path
    record: VerdictRecord

    @property
    def name(self) -> str:
        """Where it is below `--out`."""
        return f"{self.path.parent.name}/{self.path.name}"

    @cached_property
    def folder(self) -> RunFolder:
        """Everything that it left behind."""
        return RunFolder(self.path)

    @property
    def cores(self) -> int | None:
        """The cores of the machine that it ran on."""
        machine = self.folder.run.get("machine")
        cores = machine.get("cpus") if isinstance(machine, dict) else None
        return cores if isinstance(cores, int) else None

    @property
    def more_vcpus_than_cores(self) -> bool:
        """Whether its VM was to have more vCPUs than there were cores, so that it could not burst as Fly's does."""
        return self.cores is not None and self.record.vm_cpu is not None and self.record.vm_cpu > self.cores


@dataclass(frozen=True)
class Group:
    """The repetitions of one option at one balance."""

    option: str
    balance_s: float
    runs: tuple[OptionRun, ...]

    @property
    def records(self) -> tuple[VerdictRecord, ...]:
        """Their verdicts."""
        return tuple(run.record for run in self.runs)

    @property
    def more_vcpus_than_cores(self) -> bool:
        """Whether that holds of any of them."""
        return any(run.more_vcpus_than_cores for run in self.runs)


@dataclass(frozen=True)
class Found:
    """What is there: finished runs, and of every other that is wanted or was begun its name and what is wrong."""

    runs: tuple[OptionRun, ...]
    missing: tuple[tuple[str, str], ...]
    spans: tuple[tuple[datetime, datetime], ...]
    """When each run began and ended, also those that measured nothing: they used the machine too."""

    def groups(self, *, memray: bool = False) -> list[Group]:
        """Return the runs by balance, the rested machine first, and by option in the order shown.

        `memray`: those whose heap was captured, which measure nothing else; the others unless it is set.
        """
        balances = sorted({run.cell.balance_s for run in self.runs}, reverse=True)
        groups = (
            Group(option, balance_s, runs)
            for balance_s in balances
            for option in PLAN
            if (runs := tuple(self._of(option, balance_s, memray=memray)))
        )
        return list(groups)

    def _of(self, option: str, balance_s: float, *, memray: bool) -> Iterator[OptionRun]:
        wanted = (option, balance_s, memray)
        for run in self.runs:
            if (run.cell.option.name, run.cell.balance_s, run.cell.option.memray) == wanted:
                yield run

    def beside(self, run: OptionRun) -> int | None:
        """Return how many other runs were under way at once during this one, at most; None where nobody knows."""
        if (span := _span(run.path)) is None:
            return None
        began, ended = span
        others = list(self.spans)
        others.remove(span)
        return most_at_once([(max(a, began), min(b, ended)) for a, b in others if a < ended and b > began])


def read_runs(out: Path) -> Found:
    """Return what is in folder `out`: the plan's cells, and repetitions beyond them.

    Raises:
        ComparisonError: a verdict is there and cannot be read.
        RunFolderError: a file of a run is damaged.
    """
    known = {option.name: option for option in OPTIONS}
    wanted = {cell.folder(out): cell for cell in cells(NAMES, BALANCES_S, REPETITIONS)}
    for path in sorted(out.glob("balance-*/*/")):
        named, balance = _FOLDER.fullmatch(path.name), path.parent.name.removeprefix("balance-")
        if named is not None and named[1] in known and re.fullmatch(r"\d+(\.\d+)?", balance):
            wanted.setdefault(path, Cell(known[named[1]], float(balance), int(named[2])))
    runs, missing, spans = [], [], []
    for path, cell in sorted(wanted.items(), key=_order):
        spans += [span] if (span := _span(path)) is not None else []
        why = _unusable(path)
        if why is None:
            runs.append(OptionRun(cell, path, compare([RunFolder(path)]).outcomes[0]))
        else:
            missing.append((f"{path.parent.name}/{path.name}", why))
    return Found(tuple(runs), tuple(missing), tuple(spans))


def most_at_once(spans: Sequence[tuple[datetime, datetime]]) -> int:
    """Return the most that were under way at one moment; one that begins as another ends is not beside it."""
    edges = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    return max(accumulate(change for _, change in edges), default=0)


def _order(item: tuple[Path, Cell]) -> tuple[float, int, int]:
    cell = item[1]
    return -cell.balance_s, list(PLAN).index(cell.option.name), cell.number


def _unusable(path: Path) -> str | None:
    """Why a folder is no finished run; None where it is one."""
    if not path.is_dir():
        return NOT_MADE
    verdict = RunFolder(path).verdict
    if not verdict:
        return "not finished"
    evidence = verdict.get("evidence")
    first = str(evidence[0]) if isinstance(evidence, list) and evidence else "no evidence"
    return f"invalid: {first}" if verdict.get("verdict") == "invalid" else None


def _span(path: Path) -> tuple[datetime, datetime] | None:
    try:
        run = json.loads((path / "run.json").read_text(encoding="utf-8"))
        began, ended = (datetime.fromisoformat(run[key]) for key in ("started_at", "ended_at"))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return began, ended
