"""What a server has cost so far: CPU time to the nanosecond, and memory."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.errors import BenchmarkError
from benchmarks.servers import Server

_LIBC = ctypes.CDLL(None, use_errno=True)
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class ProcessCost:
    """The processes of a server, whose cost can be asked for at any time while they are there."""

    pids: tuple[int, ...]

    @classmethod
    def of(cls, server: Server) -> ProcessCost:
        """Return that of a server's processes and of those that they have started until now.

        Raises:
            BenchmarkError: one is gone.
        """
        started = [process.pid for process in server.processes]
        try:
            forked = [child.pid for pid in started for child in psutil.Process(pid).children(recursive=True)]
        except psutil.NoSuchProcess as error:
            raise _gone(error.pid) from None
        return cls((*started, *forked))

    def cpu_s(self) -> float:
        """Return their CPU seconds since they began, of all threads, also of those that have ended.

        By the clock that the kernel keeps of each process (clock_getcpuclockid(3)): /proc/PID/stat counts in hundredths
        of a second, and /proc/PID/task forgets a thread that ends.

        Raises:
            BenchmarkError: a process is gone.
        """
        return sum(map(_cpu_s, self.pids))

    def rss_bytes(self) -> int:
        """Return their resident memory. What several of them share is counted for each.

        Raises:
            BenchmarkError: a process is gone.
        """
        return sum(map(_resident_pages, self.pids)) * _PAGE_BYTES


def _cpu_s(pid: int) -> float:
    clock = ctypes.c_int()
    error = _LIBC.clock_getcpuclockid(pid, ctypes.byref(clock))
    if error:
        raise _gone(pid)
    try:
        return time.clock_gettime(clock.value)
    except OSError:
        raise _gone(pid) from None


def _resident_pages(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        raise _gone(pid) from None


def _gone(pid: int) -> BenchmarkError:
    return BenchmarkError(f"process {pid}: it ended while it was measured")
