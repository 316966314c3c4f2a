"""The limits that a run passed: kills, the memory budget, stalls, each with its evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from profiles.capacity_cause import Resource, failed_as_ordered, why_late
from profiles.figures import tree_rss_bytes
from profiles.listeners import wait_of
from profiles.report_text import count, killer, kills, number
from profiles.run_folder import RunFolder
from profiles.verdict_record import VerdictRecord
from profiles.vm_size import MIB

START_SHARE = 0.1
"""Readers sit down together: what stalls in this first part of the load is their crowd's."""
MOSTLY = 0.9


@dataclass(frozen=True)
class Passed:
    """A limit that a run passed: what ran out, when (wall seconds of the load), and the evidence."""

    resource: Resource
    at_s: float | None
    text: str


def limits_passed(
    folder: RunFolder, record: VerdictRecord, budget_mb: float, stalls_below: float
) -> tuple[Passed, ...]:
    """Return the limits that a valid run passed, in the order of time; none when it carried its readers.

    Stalls are a limit when their share is above `stalls_below`, unless there was one in all and everybody heard
    something: one stall is chance. With `stalls_below` 0 that one is one too many. What came after the server's
    death is its consequence, and is left out.

    Raises:
        RunFolderError: a file of the run is damaged.
    """
    dead_s = record.killed_after_s if record.server_kills else None
    found = [
        limit
        for limit in _found(folder, record, budget_mb, stalls_below)
        if dead_s is None or limit.at_s is None or limit.at_s <= dead_s
    ]
    return tuple(sorted(found, key=lambda limit: math.inf if limit.at_s is None else limit.at_s))


def stall_share(record: VerdictRecord) -> float | None:
    """Return the share of blocks that were stalls; None where nothing was asked for.

    Stalls (docs/decisions/0002) over the blocks played after each reader's first one. A reader who heard nothing
    counts as a block and as a stall. Who still waits at the end is a stall of no block played: so at most 1.
    """
    if record.stalls is None or record.blocks_played is None or record.readers is None:
        return None
    missed = record.stalls + _unheard(record)
    return round(missed / max(_blocks(record), missed), 5) if missed else 0.0


def _unheard(record: VerdictRecord) -> int:
    return 0 if record.readers_heard is None else max(0, _people(record) - record.readers_heard)


def _blocks(record: VerdictRecord) -> int:
    """The blocks after each reader's first, and one for each reader who heard none."""
    unheard = _unheard(record)
    return max(0, (record.blocks_played or 0) - (_people(record) - unheard)) + unheard


def _people(record: VerdictRecord) -> int:
    """Whoever reads several sessions is somebody else in each."""
    return (record.readers or 0) * (record.sessions or 1)


def _found(
    folder: RunFolder, record: VerdictRecord, budget_mb: float, stalls_below: float
) -> Iterator[Passed]:
    if record.verdict == "oom_killed":
        at_s = record.killed_after_s if record.first_kill_s is None else record.first_kill_s
        yield Passed("memory", at_s, f"{killer(record)} killed {_victims(record)}{_after(at_s)}")
    elif record.verdict != "survived":
        resource: Resource = "upstream" if failed_as_ordered(folder, record) else "server"
        yield Passed(resource, None, next(iter(record.evidence), record.verdict))
    if (record.peak_tree_rss_mb or 0.0) >= budget_mb:
        peak, budget = number(record.peak_tree_rss_mb, "MB"), number(budget_mb, "MB")
        at_s = _over_budget_at_s(folder, budget_mb)
        yield Passed(
            "memory", at_s, f"the process tree reached {budget}{_after(at_s)} and {peak} at its highest"
        )
    share = stall_share(record) or 0.0
    if share > stalls_below and not _one_by_chance(record, stalls_below):
        at_s, (resource, cause) = _too_late_at_s(folder, record, stalls_below), why_late(folder, record)
        text = f"{count(record.stalls or 0, 'stall', 'stalls')}, {share:.1%} of the blocks"
        yield Passed(resource, at_s, f"{text}, too many{_after(at_s)}{_at_the_start(folder)}, while {cause}")


def _one_by_chance(record: VerdictRecord, stalls_below: float) -> bool:
    return stalls_below > 0 and record.stalls == 1 and not _unheard(record)


def _victims(record: VerdictRecord) -> str:
    return kills(record).replace("server", "the server", 1)


def _after(at_s: float | None) -> str:
    return "" if at_s is None else f" after {number(at_s, 's', 1)}"


def _over_budget_at_s(folder: RunFolder, budget_mb: float) -> float | None:
    zero_s = folder.time_zero_s or 0.0
    at = (
        sample.t - zero_s
        for sample in folder.samples
        if sample.t >= zero_s and (tree_rss_bytes(sample) or 0.0) >= budget_mb * MIB
    )
    return _rounded(next(at, None))


def _stalled_at(folder: RunFolder) -> list[float]:
    return sorted(row.t for row in folder.requests if row.kind == "play" and wait_of(row).stalled)


def _at_the_start(folder: RunFolder) -> str:
    """Say so where the crowd that sits down together stalled, and not the reading that followed."""
    stalled, (start, end) = _stalled_at(folder), folder.load_span
    start_s = (end - start) * START_SHARE
    early = sum(t < start + start_s for t in stalled)
    if not stalled or early < MOSTLY * len(stalled):
        return ""
    return f" ({early} of them in the first {number(start_s, 's')}: the crowd at the start)"


def _too_late_at_s(folder: RunFolder, record: VerdictRecord, stalls_below: float) -> float | None:
    """Return when the stall began to be heard that was one too many for the blocks of the whole run."""
    stalled = _stalled_at(folder)
    allowed = int(stalls_below * _blocks(record))
    if stalls_below > 0 and not _unheard(record):
        allowed = max(allowed, 1)
    return _rounded(stalled[allowed] - (folder.time_zero_s or 0.0)) if allowed < len(stalled) else None


def _rounded(at_s: float | None) -> float | None:
    return None if at_s is None else round(at_s, 1)
