"""How much a server had served by a moment: sessions where they are known, else the nearest thing to them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from profiles.generator import processes_of
from profiles.listeners import FELT_KINDS
from profiles.request_figures import SESSION
from profiles.run_folder import LoadSample, RunFolder

SESSIONS = ("sessions", "session time")
"""What is counted in sessions: those that ended, or the time that was read, in sessions' lengths."""


FEWEST_COUNTED = 10
"""Sessions or requests that must have ended in the last half: below, their ends are too coarse a clock."""
SMALLEST_SHARE = 0.25
"""Of a session, that each reader must have played in the last half: before, all is still the beginning."""


@dataclass(frozen=True)
class Served:
    """What was served by each moment: `amounts[i]` from `times[i]` on, and evenly between where `even`.

    `over` says in what it is counted: `sessions`, `session time`, `requests` or `time` (in seconds); `fewest`
    how much of it the last half needs for growth to be told.
    """

    over: str
    times: Sequence[float]
    amounts: Sequence[float]
    fewest: float = 0.0
    even: bool = False

    def by(self, t: float) -> float:
        """Return what was served by monotonic time `t`."""
        if self.over == "time":
            return t
        at = bisect_right(self.times, t) - 1
        if at < 0:
            return 0.0
        if not self.even or at + 1 == len(self.times):
            return self.amounts[at]
        share = (t - self.times[at]) / (self.times[at + 1] - self.times[at])
        return self.amounts[at] + share * (self.amounts[at + 1] - self.amounts[at])

    @property
    def last_t(self) -> float:
        """When the last was served; what comes after is no load."""
        return float("inf") if self.over == "time" else self.times[-1]


def served_of(folder: RunFolder) -> Served:
    """Return what a run's server served: the best that its folder tells."""
    ends = sorted(row.t for row in folder.requests if row.kind == SESSION)
    if ends:
        return _counted("sessions", ends)
    load: Any = dict(_table(folder, "load"))
    if load.get("kind") == "readers" and (played := _session_time(folder, load)):
        return played
    ends = sorted(row.t + (row.latency_s or 0.0) for row in folder.requests if row.kind not in FELT_KINDS)
    return _counted("requests", ends) if ends else Served("time", (), ())


def _counted(over: str, ends: Sequence[float]) -> Served:
    return Served(over, ends, range(1, len(ends) + 1), FEWEST_COUNTED)


def _table(folder: RunFolder, name: str) -> Any:
    scenario: Any = folder.run.get("scenario") or {}
    return scenario.get(name) or {}


def _session_time(folder: RunFolder, load: Any) -> Served | None:
    """Session time played, in sessions: by the readers at work each second; in old runs by all, until their end."""
    start, end = folder.load_span
    per_reader_s = load["pace"] / load["session_s"]
    fewest = load["readers"] * SMALLEST_SHARE
    at_work = _readers_at_work(folder)
    if not at_work:
        ended = min(end, start + load["session_s"] / load["pace"])
        whole = load["readers"] * (ended - start) * per_reader_s
        return (
            Served("session time", (start, ended), (0.0, whole), fewest, even=True) if ended > start else None
        )
    times = [t for t, _ in at_work]
    steps = [
        readers * (after - t) * per_reader_s for (t, readers), after in zip(at_work, times[1:], strict=False)
    ]
    return Served("session time", times, [0.0, *accumulate(steps)], fewest, even=True)


def _readers_at_work(folder: RunFolder) -> list[tuple[float, float]]:
    """When the number of readers at work changed, and to what, over all processes, in time's order."""
    rows = [row for rows in processes_of(folder).values() for row in rows if row.readers is not None]
    latest: dict[str, float] = {}
    found: list[tuple[float, float]] = []
    for row in sorted(rows, key=_time):
        latest[row.process] = row.readers or 0.0
        if found and found[-1][0] == row.t:
            found.pop()
        found.append((row.t, sum(latest.values())))
    while len(found) > 1 and found[-2][1] == 0:  # nobody was at work any more
        found.pop()
    return found if any(readers for _, readers in found) else []


def _time(row: LoadSample) -> float:
    return row.t
