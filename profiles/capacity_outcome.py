"""What one run of a capacity search showed: carried or not, and if not, which limits were passed, in time's order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from profiles.capacity_cause import MACHINE
from profiles.capacity_limits import Passed, limits_passed, stall_share
from profiles.capacity_search import Answer, Plan
from profiles.generator import processes_of, saturation
from profiles.report_text import number
from profiles.rules import CUT_OFF, MOST_LOAD_LATE_MS
from profiles.run_folder import RunFolder
from profiles.verdict import BUDGET_MB
from profiles.verdict_record import VerdictRecord

Showed = Literal["carried", "failed", "generator", "machine", "invalid"]


@dataclass(frozen=True)
class Aim:
    """What is sought, and what carrying means: `runs` runs of a number of readers, and all of them carry.

    A run carries when its verdict is `survived`, the RSS of its process tree stays under `budget_mb`, and at most
    the share `stalls_below` of its blocks are stalls, or one stall in all: one is no evidence of anything. It counts
    where a reader heard nothing at all, or `stalls_below` is 0.
    """

    budget_mb: float = BUDGET_MB
    stalls_below: float = 0.01
    runs: int = 1
    plan: Plan = field(default_factory=Plan)


@dataclass(frozen=True)
class Outcome:
    """One run of a number of readers. `why` says why it is not valid, where it is not.

    It shows `machine` where this machine's CPU is all that ran out: then nobody knows what the VM carries.
    """

    folder: str
    record: VerdictRecord
    run: Mapping[str, Any]
    showed: Showed
    stall_share: float | None
    passed: tuple[Passed, ...] = ()
    why: str = ""

    @property
    def readers(self) -> int:
        """How many people read."""
        return self.record.readers or 0

    @property
    def limits(self) -> tuple[Passed, ...]:
        """The limits passed that say what the VM does not carry, in the order of time."""
        return tuple(limit for limit in self.passed if limit.resource != MACHINE)

    @property
    def cut_off(self) -> bool:
        """Whether somebody ended the run before its time: then it says nothing of anything."""
        return self.record.evidence[:1] == (CUT_OFF,)


def outcome(folder: RunFolder, record: VerdictRecord, aim: Aim) -> Outcome:
    """Return what a judged run showed, from its folder alone.

    Raises:
        RunFolderError: a file of the run is damaged.
    """
    share = stall_share(record)
    if record.verdict == "invalid":
        limits = _generator_limits(folder, record)
        why = next(iter([*limits, *record.evidence]), "")
        showed: Showed = "generator" if limits else "invalid"
        return Outcome(folder.path.name, record, folder.run, showed, share, why=why)
    passed = limits_passed(folder, record, aim.budget_mb, aim.stalls_below)
    found = Outcome(folder.path.name, record, folder.run, "carried", share, passed)
    return replace(found, showed="failed" if found.limits else "machine") if passed else found


def answers(outcomes: Sequence[Outcome], aim: Aim) -> dict[int, Answer]:
    """Return the answer of each number of readers that has one; the others need another run.

    One run that fails is enough; an invalid run is repeated once. One that was cut off is as if it had not been.
    """
    by_size: dict[int, list[Showed]] = defaultdict(list)
    for found in outcomes:
        if not found.cut_off:
            by_size[found.readers].append(found.showed)
    said = {readers: _answer(showed, aim.runs) for readers, showed in by_size.items()}
    return {readers: answer for readers, answer in said.items() if answer is not None}


def _answer(showed: Sequence[Showed], runs: int) -> Answer | None:
    if "failed" in showed:
        return "failed"
    if "generator" in showed:
        return "generator"
    if "machine" in showed:
        return "machine"
    if showed.count("invalid") > 1:
        return "broken"
    return "carried" if showed.count("carried") >= runs else None


def _generator_limits(folder: RunFolder, record: VerdictRecord) -> list[str]:
    limits = saturation(processes_of(folder))
    if (record.load_late_p99_ms or 0.0) > MOST_LOAD_LATE_MS:
        limits.append(
            f"load: one request in 100 was sent {number(record.load_late_p99_ms, 'ms')} late or more"
        )
    return limits
