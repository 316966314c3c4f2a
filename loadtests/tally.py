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
"""Of the run: a server that answers no audio request in it any more has gone away."""


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
        audio_requests: requests for audio that were answered, or failed.
        audio_failures: how many failed; a missing chunk is an answer.
        begun_t: when the first request was sent or block was played.
        ended_t: when the last was.
        audio_ok_t: when the last request for audio that was answered was sent.
        audio_failed_t: when the last one that failed was sent.
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
    audio_failed_t: float | None = None

    def add(self, row: Row) -> None:
        """Counts a row."""
        self.begun_t = _first(self.begun_t, row.t)
        self.ended_t = _last(self.ended_t, row.t)
        if row.kind == "play":
            self._add_play(row)
        elif row.kind == "unhighlighted":
            self.timings_too_late += row.status != 200
        elif row.kind in {"tts", "chunk"} and row.status != 499:
            self._add_audio(row)

    def _add_play(self, row: Row) -> None:
        reason, _, source = row.source.rpartition(":")
        if row.status == 200:
            self.blocks[source] += 1
            self.heard += reason == "first"
        if row.late_s > STALL_S and (not reason or row.status != 200):
            self.stalls += not reason
            self.silence_s += row.late_s

    def _add_audio(self, row: Row) -> None:
        self.audio_requests += 1
        missing = row.kind == "chunk" and row.status == 404
        if not missing and (row.status != 200 or row.source.endswith(":unplayable")):
            self.audio_failures += 1
            self.audio_failed_t = _last(self.audio_failed_t, row.t)
        else:
            self.audio_ok_t = _last(self.audio_ok_t, row.t)

    def unwell(self) -> str | None:
        """Returns what says that the server was not well; None where nothing does."""
        failed = f"{self.audio_failures} of {self.audio_requests} requests for audio failed"
        if not self.blocks.total():
            return f"nothing was heard, {failed}"
        if self.audio_failures > MOST_FAILED_SHARE * self.audio_requests:
            return f"{failed}, more than {MOST_FAILED_SHARE:.0%}"
        if self._gone():
            return "all requests for audio failed at the end of the run"
        return None

    def _gone(self) -> bool:
        if self.begun_t is None or self.ended_t is None or self.audio_failed_t is None:
            return False
        last_part_t = self.ended_t - LAST_PART * (self.ended_t - self.begun_t)
        return self.audio_failed_t >= last_part_t and (self.audio_ok_t or 0.0) < last_part_t

    def to_json(self) -> dict[str, Any]:
        """Returns the counts as they travel."""
        return {**vars(self), "blocks": dict(self.blocks)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Tally":
        """Reads what ``to_json`` wrote."""
        return cls(**{**value, "blocks": Counter(value["blocks"])})

    @classmethod
    def together(cls, tallies: Iterable["Tally"]) -> "Tally":
        """Returns the counts of all of them."""
        total = cls()
        for tally in tallies:
            for name in ("readers", "heard", "stalls", "silence_s", "timings_too_late"):
                setattr(total, name, getattr(total, name) + getattr(tally, name))
            total.audio_requests += tally.audio_requests
            total.audio_failures += tally.audio_failures
            total.blocks += tally.blocks
            total.begun_t = _first(total.begun_t, tally.begun_t)
            for name in ("ended_t", "audio_ok_t", "audio_failed_t"):
                setattr(total, name, _last(getattr(total, name), getattr(tally, name)))
        return total


def _first(one: float | None, other: float | None) -> float | None:
    return min((t for t in (one, other) if t is not None), default=None)


def _last(one: float | None, other: float | None) -> float | None:
    return max((t for t in (one, other) if t is not None), default=None)
