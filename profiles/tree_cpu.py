"""The CPU time that a tree of processes has used, also of those that have ended; it never falls."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from profiles.process_stat import ProcessStat


def process_cpu_s(pid: int) -> float | None:
    """Return the CPU time of a whole process, to the nanosecond; None when it is gone.

    Its number makes a clock of its own (clock_getcpuclockid(3): the number's complement, shifted by three, and 2).
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


class _Used(NamedTuple):
    start_ticks: int
    parent: int
    own_s: float
    waited_s: float


class TreeCpu:
    """Adds up what the processes of a tree use, from look to look.

    A process that has ended counts with what it had used at the last look, or with what its parent was told when
    that waited for it, whichever is more. So what lived wholly between two looks counts too, where its parent is
    inside and waits for it. Not counted: the last moments of a process whose parent does not.
    """

    def __init__(self, clock: Callable[[int], float | None] = process_cpu_s) -> None:
        self._clock = clock
        self._living: dict[int, _Used] = {}
        self._ended_s = 0.0

    @property
    def total_s(self) -> float:
        """What all of them have used, as last looked at."""
        return self._ended_s + sum(used.own_s for used in self._living.values())

    def look(self, processes: Iterable[ProcessStat]) -> None:
        """Account for the processes that are there now."""
        before, self._living = self._living, {}
        own_s: dict[int, float] = defaultdict(float)
        told_s: dict[int, float] = defaultdict(float)
        for process in processes:
            last = before.get(process.pid)
            same = last is not None and last.start_ticks == process.start_ticks
            used = self._used(process, last if same else None)
            told_s[process.pid] += used.waited_s - (last.waited_s if last is not None and same else 0.0)
            self._living[process.pid] = used
        for pid, last in before.items():
            now = self._living.get(pid)
            if now is None or now.start_ticks != last.start_ticks:
                own_s[last.parent] += last.own_s
                told_s[last.parent] -= last.waited_s
        for parent in told_s.keys() | own_s.keys():
            self._ended_s += max(own_s[parent], told_s[parent], 0.0)

    def glance(self) -> None:
        """Account for what the processes of the last look have used since; costs a microsecond for each."""
        for pid, used in self._living.items():
            own_s = self._clock(pid)
            if own_s is not None and own_s > used.own_s:
                self._living[pid] = used._replace(own_s=own_s)

    def _used(self, process: ProcessStat, last: _Used | None) -> _Used:
        own_s = self._clock(process.pid) or 0.0
        if last is not None:
            own_s = max(own_s, last.own_s)
        return _Used(process.start_ticks, process.parent, own_s, process.waited_cpu_s)
