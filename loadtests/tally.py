"""What a run came to, counted row by row: the figures of its last lines, and whether the server was well."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from loadtests.request_log import Row

STALL_S = 0.25
"""A block, next in turn, that is waited for longer than this (wall seconds) is a stall (docs/decisions/0002)."""
MOST_FAILED_SHARE = 0.01
"""Of all audio requests; more have failed where the server is unwell."""
LAST_PART = 0.1
"""Of the run: a server that gives nobody audio in it any more has gone away."""
FEWEST_FAILED = 3
"""Fewer failures than the attempts at one block prove no such thing."""


@dataclass
class Tally:
    """Counts of one process, or of all of them together. Seconds are wall seconds, times the clock's.

    Attributes:
        readers: how many began.
        heard: how many heard a block.
        blocks: blocks that began to play, by where their audio came from.
        stalls: how many of them, next in turn, were waited for longer than ``STALL_S``.
        silence_s: how long in all, with every other wait of more than ``STALL_S`` that ended with no block.
        timings_too_late: blocks whose word timings had not come when they stopped playing.
        audio_requests: requests for audio that ended.
        audio_failures: how many failed; a missing chunk is an answer, and whoever gave up got none.
        begun_t: when the first row began.
        ended_t: when the last one ended.
        audio_ok_t: when audio last came.
        audio_failed_t: when the last ``FEWEST_FAILED`` requests for it failed, in time's order.
        in_vain: when waits for a block ended without one, and how long they were (``t``, seconds): those that
            no later one was as long as.
    """

    readers: int = 0
    heard: int = 0
    blocks: Counter[str] = field(default_factory=Counter)
    stalls: int = 0
    silence_s: float = 0.0
    timings_too_late: int = 0
    audio_requests: int = 0
    audio_failures: int = 0
    begun_t: float | None = None
    ended_t: float | None = None
    audio_ok_t: float | None = None
    audio_failed_t: list[float] = field(default_factory=list)
    in_vain: list[tuple[float, float]] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Counts a row."""
        self.begun_t = _first(self.begun_t, row.t)
        self.ended_t = _last(self.ended_t, row.t + (row.latency_s or 0.0))
        if row.kind == "play":
            self._add_play(row)
        elif row.kind == "unhighlighted":
            self.timings_too_late += row.status != 200
        elif row.kind in {"tts", "chunk"}:
            self._add_audio(row)

    def _add_play(self, row: Row) -> None:
        reason, _, source = row.source.rpartition(":")
        if row.status == 200:
            self.blocks[source] += 1
            self.heard += reason == "first"
        else:
            self._add_in_vain(row.t, row.late_s)
        if row.late_s > STALL_S and (not reason or row.status != 200):
            self.stalls += not reason
            self.silence_s += row.late_s

    def _add_audio(self, row: Row) -> None:
        self.audio_requests += 1
        missing = row.kind == "chunk" and row.status == 404
        answered_t = row.t + (row.latency_s or 0.0)
        if missing or row.status == 499:
            return
        if 200 <= row.status < 400 and not row.source.endswith(":unplayable"):
            self.audio_ok_t = _last(self.audio_ok_t, answered_t)
        else:
            self.audio_failures += 1
            self.audio_failed_t = sorted([*self.audio_failed_t, answered_t])[-FEWEST_FAILED:]

    def _add_in_vain(self, t: float, waited_s: float) -> None:
        if not any(t <= later_t and waited_s <= longer_s for later_t, longer_s in self.in_vain):
            shorter = [wait for wait in self.in_vain if wait[0] > t or wait[1] > waited_s]
            self.in_vain = [*shorter, (t, waited_s)]

    def unwell(self) -> str | None:
        """Returns what says that the server was not well; None where nothing does."""
        failed = f"{self.audio_failures} of {self.audio_requests} requests for audio failed"
        if not self.blocks.total():
            return f"nothing was heard, {failed}"
        if self.audio_failures > MOST_FAILED_SHARE * self.audio_requests:
            return f"{failed}, more than {MOST_FAILED_SHARE:.0%}"
        if self._gone():
            return "nobody got audio in the last tenth of the run"
        return None

    def _gone(self) -> bool:
        if self.begun_t is None or self.ended_t is None:
            return False
        part_s = LAST_PART * (self.ended_t - self.begun_t)
        last_part_t = self.ended_t - part_s
        failing = len(self.audio_failed_t) == FEWEST_FAILED and self.audio_failed_t[0] >= last_part_t
        waiting = any(t >= last_part_t and waited_s >= part_s for t, waited_s in self.in_vain)
        return (failing or waiting) and (self.audio_ok_t is None or self.audio_ok_t < last_part_t)

    def to_json(self) -> dict[str, Any]:
        """Returns the counts as they travel."""
        return {**vars(self), "blocks": dict(self.blocks)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Tally":
        """Reads what ``to_json`` wrote."""
        in_vain = [(t, waited_s) for t, waited_s in value["in_vain"]]
        return cls(**{**value, "blocks": Counter(value["blocks"]), "in_vain": in_vain})

    @classmethod
    def together(cls, tallies: Iterable["Tally"]) -> "Tally":
        """Returns the counts of all of them."""
        total = cls()
        for tally in tallies:
            for name in _SUMS:
                setattr(total, name, getattr(total, name) + getattr(tally, name))
            total.begun_t = _first(total.begun_t, tally.begun_t)
            total.ended_t = _last(total.ended_t, tally.ended_t)
            total.audio_ok_t = _last(total.audio_ok_t, tally.audio_ok_t)
            total.audio_failed_t = sorted(total.audio_failed_t + tally.audio_failed_t)[-FEWEST_FAILED:]
            for wait in tally.in_vain:
                total._add_in_vain(*wait)
        return total


_SUMS = (
    "readers", "heard", "blocks", "stalls", "silence_s", "timings_too_late", "audio_requests", "audio_failures",
)  # fmt: skip


def _first(one: float | None, other: float | None) -> float | None:
    return min((t for t in (one, other) if t is not None), default=None)


def _last(one: float | None, other: float | None) -> float | None:
    return max((t for t in (one, other) if t is not None), default=None)
