"""The soak's one axis of time: seconds since its first start, whatever wall clocks and restarts of the soak do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

JUMP_S = 2.0
"""A wall clock that moves by more than this beside the monotonic one was set."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Return seconds of a clock that nobody sets."""

    def wall(self) -> float:
        """Return seconds since 1970."""

    def boot(self) -> float:
        """Return seconds of a clock that nobody sets, and that goes on while this machine sleeps."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The real clocks."""

    def monotonic(self) -> float:
        """Return the monotonic clock."""
        return time.monotonic()

    def wall(self) -> float:
        """Return the wall clock."""
        return time.time()

    def boot(self) -> float:
        """Return the clock since the machine's start."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Moment:
    """One moment: on the soak's axis, and by this machine's wall clock."""

    t: float
    wall_s: float

    def of_wall(self, wall_s: float, skew_s: float = 0.0) -> float:
        """Return when something was, on the axis, that a clock ahead of ours by `skew_s` has a time for."""
        return self.t - (self.wall_s + skew_s - wall_s)


@dataclass(frozen=True)
class Anchor:
    """A moment of the axis by all clocks, kept on disk so that the next start can go on from it."""

    t: float
    wall_s: float
    boot_s: float
    boot_id: str


class Axis:
    """Seconds since the first start, also those in which this machine slept, and those between two starts of a soak.

    Those go by the clock that goes on in sleep, across another start of the machine by the wall clock.
    """

    def __init__(self, clock: Clock, before: Anchor | None = None, not_before_t: float = 0.0) -> None:
        self._clock = clock
        self._boot_id = boot_id()
        now, wall_s = clock.monotonic(), clock.wall()
        self._asleep_s = clock.boot() - now
        self._shift_s = -now
        self.went_back_s = 0.0
        """How far the wall clock stood before the last moment that was noted; the axis then stands still there."""
        if before is not None:
            boot_s = clock.boot()
            same_boot = before.boot_id == self._boot_id and boot_s >= before.boot_s
            passed_s = boot_s - before.boot_s if same_boot else wall_s - before.wall_s
            self.went_back_s = max(0.0, -passed_s)
            self._shift_s = max(before.t + max(0.0, passed_s), not_before_t) - now
        self._ahead_s = wall_s - now

    @property
    def shift_s(self) -> float:
        """What is added to the monotonic clock of this machine for the axis."""
        return self._shift_s

    def now(self) -> Moment:
        """Return this moment."""
        return Moment(self._clock.monotonic() + self._shift_s, self._clock.wall())

    def anchor(self) -> Anchor:
        """Return this moment by all clocks."""
        return Anchor(self.now().t, self._clock.wall(), self._clock.boot(), self._boot_id)

    def slept_s(self) -> float:
        """Return how long this machine slept since this was asked last, and move the axis on by that."""
        asleep_s = self._clock.boot() - self._clock.monotonic()
        by_s = asleep_s - self._asleep_s
        if by_s <= JUMP_S:
            return 0.0
        self._asleep_s = asleep_s
        self._shift_s += by_s
        self._ahead_s += by_s  # the wall clock went on too: it was not set
        return by_s

    def jumped_s(self) -> float:
        """Return how far the wall clock was set since this was asked last; 0 where it was not."""
        ahead_s = self._clock.wall() - self._clock.monotonic()
        by_s = ahead_s - self._ahead_s
        if abs(by_s) <= JUMP_S:
            return 0.0
        self._ahead_s = ahead_s
        return by_s


def boot_id() -> str:
    """Return what tells this start of the machine from every other; empty where nobody says."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
