"""What a command takes from its start to its end: CPU, time, memory."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from profiles import processes

_LOOK_EVERY_S = 0.02
_KB_PER_MB = 1e6 / 1024


@dataclass(frozen=True)
class Used:
    """CPU seconds of a command, its children's included, wall seconds, and its highest RSS in units of 10^6 bytes."""

    cpu_s: float
    wall_s: float
    rss_mb: float


def run(command: Sequence[str], log: Path, within_s: float) -> Used:
    """Run a command to its end, and return what the kernel says that it used (wait4(2)).

    Raises:
        BenchmarkError: it failed, or took longer.
    """
    began = time.monotonic()
    process = processes.start(command, log)
    try:
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            if time.monotonic() - began > within_s:
                raise BenchmarkError(f"{' '.join(command)}: not done within {within_s:g} s")
            time.sleep(_LOOK_EVERY_S)
        process.returncode = os.waitstatus_to_exitcode(ended[1])
    finally:
        if process.returncode is None:
            processes.stop(process, gently=signal.SIGKILL)
    if process.returncode != 0:
        raise BenchmarkError(f"{log}: status {process.returncode}: {processes.last_line(log)}")
    usage = ended[2]
    return Used(usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / _KB_PER_MB)
