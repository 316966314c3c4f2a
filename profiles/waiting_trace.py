"""How many of a run's readers waited for a block, over time: the listeners' side of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from profiles.listeners import STALL_S
from profiles.run_folder import RunFolder

STEPS = 150
"""A panel is some 300 points wide; more steps than this would not be seen."""


@dataclass(frozen=True, slots=True)
class WaitingTrace:
    """The mean share of all readers who wanted to hear a block and waited for it, in equal steps of the load.

    Whatever they wanted it for; waits that nobody hears (`STALL_S`) are left out. `edges_s` are the steps'
    bounds in seconds since the load started, one more than there are shares.
    """

    edges_s: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()


def read_waiting_trace(folder: RunFolder) -> WaitingTrace:
    """Return the trace of one run; an empty one where nobody listened."""
    readers = _at_once(folder) or len({row.reader for row in folder.requests if row.kind == "play"})
    start, end = folder.load_span
    step_s = (end - start) / STEPS
    if not readers or not 0 < step_s < float("inf"):
        return WaitingTrace()
    waited_s = [0.0] * STEPS
    for row in folder.requests:
        if row.kind == "play" and row.late_s is not None and row.late_s > STALL_S:
            _add(waited_s, row.t - row.late_s - start, row.t - start, step_s)
    edges_s = tuple(round(step * step_s, 3) for step in range(STEPS + 1))
    return WaitingTrace(edges_s, tuple(min(1.0, seconds / step_s / readers) for seconds in waited_s))


def _at_once(folder: RunFolder) -> int:
    """Return how many read at once where sessions follow each other, each as another reader; else 0."""
    target: Any = folder.run.get("target") or {}
    scenario: Any = folder.run.get("scenario") or {}
    if target.get("kind") != "soak" or not any(row.kind == "play" for row in folder.requests):
        return 0
    return int((scenario.get("load") or {}).get("readers") or 0)


def _add(waited_s: list[float], from_s: float, to_s: float, step_s: float) -> None:
    """Add a wait to the steps that it lies in."""
    first = max(0, int(from_s / step_s))
    for step in range(first, min(STEPS, int(to_s / step_s) + 1)):
        waited_s[step] += max(0.0, min(to_s, (step + 1) * step_s) - max(from_s, step * step_s))
