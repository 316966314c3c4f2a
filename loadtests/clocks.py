"""Clocks of several machines: whose monotonic clock shows what, so that all times of a run are of one clock."""

import time
from dataclasses import dataclass
from pathlib import Path

SAME_CLOCK_WITHIN_S = 1.0
"""Containers may have a monotonic clock of their own on one kernel: further apart than this, it is another clock."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Clock:
    """A machine's clock.

    Attributes:
        boot_id: what the kernel calls its own run, empty where it does not; the same for all processes that
            share its monotonic clock.
        wall_ahead_s: what the wall clock shows more than the monotonic one.
    """

    boot_id: str
    wall_ahead_s: float

    @classmethod
    def of_this_machine(cls) -> "Clock":
        """Returns this machine's."""
        try:
            boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            boot_id = ""
        return cls(boot_id, time.time() - time.monotonic())

    def shift_to(self, other: "Clock") -> float:
        """Returns what to add to our monotonic times to have the other's: as right as both wall clocks are."""
        shift_s = self.wall_ahead_s - other.wall_ahead_s
        same = self.boot_id and self.boot_id == other.boot_id and abs(shift_s) < SAME_CLOCK_WITHIN_S
        return 0.0 if same else shift_s
