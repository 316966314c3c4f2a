"""What each listener of a run felt, from `requests.csv`: one record a reader, and `listeners.csv` of them.

Every wait counts from when the listener needed the block, not from when a request was sent: a server that
answers nobody leaves few requests behind, and all of them would hide it. Who gave up or still waits at the end
counts too.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple

from profiles.run_folder import Request, RunFolder

LISTENERS_FILE = "listeners.csv"
STALL_S = 0.25
"""A wait shorter than this is no silence that a listener hears (docs/decisions/0002)."""
SOURCES = ("chunk", "live", "cache", "fallback")
"""Where the audio of a block that played came from."""
FELT_KINDS = frozenset({"play", "unhighlighted"})
"""Rows of `requests.csv` that are no requests, but what a listener heard and saw."""
_NEVER = "never"


@dataclass(frozen=True, slots=True)
class Listener:
    """One reader's session as it felt. Wall time, in seconds and milliseconds.

    Attributes:
        reader: the reader's number, as in `requests.csv`.
        began_s: seconds after the load's start when they first wanted to hear; None when they never did.
        first_audio_ms: how long it then took until they heard a block; None when they heard nothing.
        chunk, live, cache, fallback: blocks that began to play, by where the audio came from.
        stalls: blocks that came next in turn and were waited for longer than `STALL_S`.
        silence_s: how long these waits were, and all others that ended with no block.
        asked: blocks that the person asked for: skipped or jumped to, came back to, wanted in another voice.
        asked_wait_max_ms: the longest wait for one of them; None without any.
        timings_late: blocks that began without their word timings, which came while they played.
        timings_too_late: blocks whose word timings had not come when they stopped playing.
        unhighlighted_s: how long blocks played without them. None, all three, where the readers did not say.
        requests: requests that ended.
    """

    reader: str
    began_s: float | None
    first_audio_ms: float | None
    chunk: int
    live: int
    cache: int
    fallback: int
    stalls: int
    silence_s: float
    asked: int
    asked_wait_max_ms: float | None
    timings_late: int | None
    timings_too_late: int | None
    unhighlighted_s: float | None
    requests: int

    @property
    def blocks(self) -> int:
        """Blocks that began to play, whatever their source."""
        return self.chunk + self.live + self.cache + self.fallback


LISTENER_COLUMNS: tuple[str, ...] = tuple(column.name for column in fields(Listener))


class Wait(NamedTuple):
    """How long a listener waited for a block (wall seconds), why they wanted it, where it came from."""

    reason: Literal["first", "next", "asked"]
    source: str
    waited_s: float

    @property
    def heard(self) -> bool:
        """Whether the block came; else the person went on to another, or the session ended, before it did."""
        return self.source != _NEVER

    @property
    def stalled(self) -> bool:
        """Whether what was read was broken off by silence."""
        return self.reason == "next" and self.waited_s > STALL_S

    @property
    def silent(self) -> bool:
        """Whether it counts as silence: a stall, or a wait for what never came."""
        return self.stalled or (not self.heard and self.waited_s > STALL_S)


def wait_of(row: Request) -> Wait:
    """Return what a `play` row says."""
    before, _, source = row.source.rpartition(":")
    reason: Literal["first", "next", "asked"] = (
        "first" if before == "first" else "asked" if before == "asked" else "next"
    )
    return Wait(reason, source, row.late_s or 0.0)


def read_listeners(folder: RunFolder, *, tell_highlighting: bool) -> list[Listener]:
    """Return a record for each reader that a run's requests name, by number.

    `tell_highlighting`: whether its readers said which blocks they read without word timings.
    """
    felt: dict[str, list[Request]] = defaultdict(list)
    requests: Counter[str] = Counter()
    for row in folder.requests:
        if row.kind in FELT_KINDS:
            felt[row.reader].append(row)
        else:
            requests[row.reader] += 1
    zero_s = folder.time_zero_s or 0.0
    readers = sorted(felt.keys() | requests.keys(), key=lambda reader: (len(reader), reader))
    return [
        Listener(
            reader=reader,
            requests=requests[reader],
            **_heard([row for row in felt[reader] if row.kind == "play"], zero_s),
            **_seen([row for row in felt[reader] if row.kind != "play"], told=tell_highlighting),
        )
        for reader in readers
    ]


def write_listeners(listeners: Iterable[Listener], path: Path) -> None:
    """Write `listeners.csv`, aside and renamed, so that nobody finds half of it."""
    aside = path.with_suffix(".tmp")
    with aside.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(LISTENER_COLUMNS)
        writer.writerows(astuple(listener) for listener in listeners)
    aside.replace(path)


def _heard(plays: Sequence[Request], zero_s: float) -> dict[str, Any]:
    waits = [wait_of(row) for row in plays]
    sources = Counter(wait.source for wait in waits)
    asked = [wait.waited_s for wait in waits if wait.reason == "asked"]
    began_t = min((row.t - (row.late_s or 0.0) for row in plays), default=None)
    heard_t = min((row.t for row, wait in zip(plays, waits, strict=True) if wait.heard), default=None)
    return {
        "began_s": None if began_t is None else round(began_t - zero_s, 3),
        "first_audio_ms": None
        if heard_t is None or began_t is None
        else round((heard_t - began_t) * 1000, 1),
        **{source: sources[source] for source in SOURCES},
        "stalls": sum(wait.stalled for wait in waits),
        "silence_s": round(sum(wait.waited_s for wait in waits if wait.silent), 3),
        "asked": len(asked),
        "asked_wait_max_ms": round(max(asked) * 1000, 1) if asked else None,
    }


def _seen(plain: Sequence[Request], *, told: bool) -> dict[str, Any]:
    return {
        "timings_late": sum(row.status == 200 for row in plain) if told else None,
        "timings_too_late": sum(row.status != 200 for row in plain) if told else None,
        "unhighlighted_s": round(sum(row.late_s or 0.0 for row in plain), 3) if told else None,
    }
