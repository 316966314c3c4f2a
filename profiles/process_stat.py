"""One process as the kernel tells it in /proc/PID/stat (proc(5)), for those who look many times a second."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PF_FORKNOEXEC = 0x40
"""The kernel's flag of a process that was forked and has not called exec (include/linux/sched.h)."""


class ProcessStat(NamedTuple):
    """A process at one moment; `start_ticks` since the machine's start tells it from a later one of its pid."""

    pid: int
    start_ticks: int
    parent: int
    session: int
    is_zombie: bool
    """Whether all of it has ended, and only its exit status waits to be taken."""
    waited_cpu_s: float
    """CPU time of the children that it has waited for, and of theirs."""
    is_fork: bool = False
    """Whether it has started no program since it was forked: its memory is its parent's, but for what it wrote to."""

    @property
    def identity(self) -> tuple[int, int]:
        """What no other process has, whatever becomes of the pid."""
        return self.pid, self.start_ticks


def read_stat(proc: Path, pid: int) -> ProcessStat | None:
    """Return the process; None when it is gone or not ours to see."""
    try:
        handle = os.open(f"{proc}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(handle, 4096)
    except OSError:
        return None
    finally:
        os.close(handle)
    return parse_stat(pid, text)


def parse_stat(pid: int, text: bytes) -> ProcessStat | None:
    """Return the process that the line tells of; None when it is no such line."""
    fields = text[text.rfind(b")") + 1 :].split()  # the name before may hold spaces and brackets
    try:
        state, threads = fields[0], int(fields[17])
        return ProcessStat(
            pid=pid,
            start_ticks=int(fields[19]),
            parent=int(fields[1]),
            session=int(fields[3]),
            is_zombie=state in {b"Z", b"X"} and threads <= 1,  # a first thread may end before the others
            waited_cpu_s=(int(fields[13]) + int(fields[14])) / _TICKS_PER_S,
            is_fork=bool(int(fields[6]) & _PF_FORKNOEXEC),
        )
    except (IndexError, ValueError):
        return None
