"""What the last minutes were like: the figures that a soak's thresholds are held against."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from profiles.growth_slope import BLOCKS, Slope, block_medians, slope_of
from profiles.soak.request_tail import Counts
from profiles.vm_size import MIB

_S_PER_HOUR = 3600.0


@dataclass(frozen=True)
class Look:
    """What one interval showed; `held_bytes` None: nobody could tell. `life` counts the server's starts."""

    t: float
    held_bytes: float | None
    counts: Counts
    restarts: int
    life: int


class Window:
    """The looks of the last seconds; older ones are forgotten, so it is as large after days as after an hour."""

    def __init__(self, seconds: float, begun_t: float) -> None:
        self.seconds = seconds
        self._begun_t = begun_t
        self._looks: deque[Look] = deque()

    def add(self, look: Look) -> None:
        """Take the next look."""
        self._looks.append(look)
        while self._looks[0].t <= look.t - self.seconds:
            self._looks.popleft()

    @property
    def is_full(self) -> bool:
        """Whether as much time as the window is long has been watched."""
        return bool(self._looks) and self._looks[-1].t - self._begun_t >= self.seconds

    def most_held_mb(self) -> float | None:
        """Return the most memory that was held."""
        held = [look.held_bytes for look in self._looks if look.held_bytes is not None]
        return max(held) / MIB if held else None

    def growth_mb_per_hour(self) -> Slope | None:
        """Return the slope of the server that lives now, with its 95 % interval; None before a whole window of it."""
        if not self.is_full:
            return None
        life = self._looks[-1].life
        points = [(o.t, o.held_bytes) for o in self._looks if o.life == life and o.held_bytes is not None]
        if len(points) < BLOCKS or points[-1][0] - points[0][0] < self.seconds / 2:
            return None
        slope = slope_of(block_medians(points))
        return None if slope is None else slope.times(_S_PER_HOUR / MIB)

    def failed(self) -> tuple[int, int]:
        """Return how many requests for audio failed, of how many."""
        return sum(o.counts.failed for o in self._looks), sum(o.counts.audio for o in self._looks)

    def stalled(self) -> tuple[int, int]:
        """Return how many blocks in turn were stalls, of how many."""
        return sum(o.counts.stalls for o in self._looks), sum(o.counts.blocks for o in self._looks)

    def restarts(self) -> int:
        """Return the restarts that nobody asked for."""
        return sum(look.restarts for look in self._looks)

    def silent(self) -> bool:
        """Whether nobody could tell through a whole window what is held."""
        return self.is_full and all(look.held_bytes is None for look in self._looks)
