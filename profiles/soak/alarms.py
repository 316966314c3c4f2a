"""Alarms: a threshold that the last minutes exceed, told once when it begins and once when it is over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from profiles.line_file import LineFile
from profiles.soak.moments import Moment
from profiles.soak.window import Window

ALARMS_FILE = "alarms.jsonl"
FEWEST = 20
"""Fewer requests or blocks in a window have no share."""


@dataclass(frozen=True)
class Thresholds:
    """What the last minutes may show at most; None is no threshold."""

    memory_mb: float | None = None
    growth_mb_per_hour: float | None = None
    failures: float | None = None
    restarts: int | None = 0
    stalls: float | None = None


@dataclass(frozen=True)
class Excess:
    """A threshold that is exceeded: which, by what, in words."""

    alarm: str
    value: float | None
    limit: float | None
    text: str


def excesses(window: Window, most: Thresholds) -> Iterator[Excess]:
    """Yield the thresholds that the window exceeds; exactly at a threshold is not above it."""
    minutes = f"in the last {_words(window.seconds)}"
    held_mb = window.most_held_mb()
    if most.memory_mb is not None and held_mb is not None and held_mb > most.memory_mb:
        text = f"{held_mb:.0f} MB held {minutes}, at most {most.memory_mb:g} are wanted"
        yield Excess("memory", round(held_mb, 1), most.memory_mb, text)
    slope = None if most.growth_mb_per_hour is None else window.growth_mb_per_hour()
    if most.growth_mb_per_hour is not None and slope is not None and slope.low > most.growth_mb_per_hour:
        text = (
            f"memory grows by {slope.value:.1f} MB an hour {minutes} (at least {slope.low:.1f}), "
            f"at most {most.growth_mb_per_hour:g} are wanted"
        )
        yield Excess("growth", round(slope.value, 1), most.growth_mb_per_hour, text)
    yield from _share("failures", "requests for audio failed", window.failed(), most.failures, minutes)
    yield from _share("stalls", "blocks in turn were waited for", window.stalled(), most.stalls, minutes)
    restarts = window.restarts()
    if most.restarts is not None and restarts > most.restarts:
        text = f"restarts that nobody asked for {minutes}: {restarts}, at most {most.restarts} are wanted"
        yield Excess("restarts", restarts, most.restarts, text)
    if window.silent():
        yield Excess("silence", None, None, f"nobody could tell the server's memory {minutes}")


def _share(
    alarm: str, what: str, found: tuple[int, int], most: float | None, minutes: str
) -> Iterator[Excess]:
    part, whole = found
    if most is not None and whole >= FEWEST and part > most * whole:
        text = f"{part} of {whole} {what} {minutes}, at most {most:.2%} are wanted"
        yield Excess(alarm, round(part / whole, 4), most, text)


def _words(seconds: float) -> str:
    return f"{seconds / 60:.3g} min" if seconds >= 60 else f"{seconds:g} s"


class Alarms:
    """Writes each alarm when it begins and when it is over, and knows which last."""

    def __init__(self, folder: Path, most: Thresholds) -> None:
        self._file = LineFile(folder / ALARMS_FILE)
        self._most = most
        self._lasting: dict[str, Excess] = {}
        self._waiting: list[bytes] = []
        self.raised = 0

    def look(self, window: Window, now: Moment) -> list[dict[str, object]]:
        """Return the lines of what changed, which are on disk by then if there is room."""
        found = {excess.alarm: excess for excess in excesses(window, self._most)}
        begun = [excess for name, excess in found.items() if name not in self._lasting]
        over = [excess for name, excess in self._lasting.items() if name not in found]
        self._lasting = found
        self.raised += len(begun)
        lines = [_line(excess, "raised", window, now) for excess in begun]
        lines += [_line(excess, "over", window, now) for excess in over]
        self._waiting += [(json.dumps(line, ensure_ascii=False) + "\n").encode() for line in lines]
        self._write()
        return lines

    def _write(self) -> None:
        """Write what waits, as far as the disk has room: no alarm is lost for a disk that is full just then."""
        while self._waiting and self._file.append(self._waiting[0]) is None:
            self._waiting.pop(0)

    def close(self) -> None:
        """Close the file."""
        self._write()
        self._file.close()


def _line(excess: Excess, state: str, window: Window, now: Moment) -> dict[str, object]:
    at = datetime.fromtimestamp(now.wall_s, UTC).isoformat(timespec="seconds")
    return {"t": round(now.t, 2), "at": at, "state": state, "window_s": window.seconds, **asdict(excess)}


def alarms_raised(folder: Path) -> int:
    """Return how many alarms a soak has raised so far."""
    try:
        lines = (folder / ALARMS_FILE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return 0
    return sum('"state": "raised"' in line for line in lines)
