"""What the readers of one run heard and waited for, and how the run ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from profiles.listeners import wait_of
from profiles.report_text import count, killer, kills
from profiles.request_figures import AUDIO_KINDS
from profiles.request_rows import Request
from profiles.verdict_record import VerdictRecord

LIVE, CACHED = "live", "cached"
"""The modes, as the scenarios are called."""

INVALID = "invalid"


@dataclass(frozen=True)
class Listened:
    """One run. Milliseconds are of wall time.

    Attributes:
        mode: live or cached.
        readers: how many there were to be.
        first_ms: of each reader who sat down, how long until the first block played, or, where none did, how long it
            had been waited for when the run ended.
        heard: how many of them heard it.
        block_ms: how long each block took that was asked for and answered.
        invalid: why the run measured nothing; None where it did.
        end: how it ended, in words.
    """

    mode: str
    readers: int
    first_ms: tuple[float, ...]
    heard: int
    block_ms: tuple[float, ...]
    invalid: str | None
    end: str


def listened(rows: Iterable[Request], record: VerdictRecord) -> Listened:
    """Returns what the rows of a run say that was judged so."""
    first_ms: list[float] = []
    block_ms: list[float] = []
    heard = 0
    for row in rows:
        if row.kind == "play":
            wait = wait_of(row)
            if wait.reason == "first":
                first_ms.append(1000 * wait.waited_s)
                heard += wait.heard
        elif row.kind in AUDIO_KINDS and row.status == 200 and row.latency_s is not None:
            block_ms.append(1000 * row.latency_s)
    return Listened(
        mode=record.mode or "",
        readers=record.readers or 0,
        first_ms=tuple(first_ms),
        heard=heard,
        block_ms=tuple(block_ms),
        invalid=_why_invalid(record, first_ms),
        end=end_of(record),
    )


def end_of(record: VerdictRecord) -> str:
    """Returns how a run ended: killed, refused, late, or well."""
    if record.verdict == "oom_killed":
        after = record.killed_after_s if record.killed_after_s is not None else record.first_kill_s
        ended = f"{killer(record)} killed {kills(record)}{'' if after is None else f' after {after:.1f} s'}"
    elif record.verdict == "survived":
        ended = "it survived"
    else:
        ended = f"{record.verdict}: {record.evidence[0] if record.evidence else 'no reason told'}"
    refused = (record.failures_by_status or {}).get("503", 0)
    said = [
        count(refused, "request refused", "requests refused") if refused else "",
        count(record.stalls, "stall", "stalls") if record.stalls else "",
    ]
    return ", ".join([ended, *filter(None, said)])


def _why_invalid(record: VerdictRecord, first_ms: Sequence[float]) -> str | None:
    if record.verdict == INVALID:
        return record.evidence[0] if record.evidence else "no reason told"
    return None if first_ms else "nobody sat down"
