"""What programs that are not ours took while a case ran: those that were there before it began and after it ended.

What came and went in between is not seen; it is in the looks before and after, or in the peers' own figures.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import psutil

Process = tuple[int, float]
"""Its number and when it was started, for numbers are used again."""
_KERNEL_THREADS = 2
"""Their parent. What the kernel does, it may do for us."""


def neighbours() -> dict[Process, float]:
    """Return the CPU seconds that each process has used so far which is neither us, nor ours, nor the kernel's."""
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    found = {}
    for process in psutil.process_iter():
        try:
            if process.pid in ours or _KERNEL_THREADS in {process.pid, process.ppid()}:
                continue
            used = process.cpu_times()
            found[process.pid, process.create_time()] = used.user + used.system
        except psutil.Error:
            continue
    return found


def taken(before: Mapping[Process, float], after: Mapping[Process, float], seconds: float) -> float:
    """Return the share of one core that those took who were there at both times."""
    used_s = sum(after[process] - before[process] for process in before.keys() & after.keys())
    return used_s / max(seconds, 1e-9)
