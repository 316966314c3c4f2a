"""A session's own time: what is due when, in seconds of any monotonic clock."""

import heapq
import math
from collections.abc import Callable
from itertools import count

Act = Callable[[float], None]
"""What happens; told the time at which it was due."""


class Timeline:
    """Timers, each acting at the time it was due, however late that is noticed.

    The generator's lag is not the listener's: the audio clock does not drift with it.

    Args:
        pace: how much faster than real time session seconds pass.
    """

    def __init__(self, pace: float) -> None:
        self.pace = pace
        self.latest_t = -math.inf
        """The latest time at which something that has happened was due."""
        self._timers: list[tuple[float, int, int, Act]] = []
        self._order = count()

    @property
    def next_t(self) -> float | None:
        """When something is due next; None where nothing is."""
        return self._timers[0][0] if self._timers else None

    def at(self, t: float, act: Act, *, before_others: bool = False) -> None:
        """Lets something happen at a time, after what was told earlier for the same time, or before all of it."""
        heapq.heappush(self._timers, (t, 0 if before_others else 1, next(self._order), act))

    def after(self, t: float, session_s: float, act: Act) -> None:
        """Lets something happen so many session seconds after a time."""
        self.at(t + session_s / self.pace, act)

    def run_due(self, now: float) -> None:
        """Lets happen what is due by now, in order."""
        while self._timers and self._timers[0][0] <= now:
            t, _, _, act = heapq.heappop(self._timers)
            self.latest_t = max(self.latest_t, t)
            act(t)

    def clear(self) -> None:
        """Forgets everything that was to happen."""
        self._timers.clear()
