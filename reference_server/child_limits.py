"""What a child that reads hostile files takes upon itself, before it reads the first byte of one."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path


def confine(*, memory_bytes: int, cpu_s: int, file_bytes: int) -> None:
    """Bound this process's memory, CPU time and the size of what it writes, and offer it to the kernel first.

    Past the memory an allocation fails (MemoryError, or the end of a library that expects none); past the CPU
    time SIGXCPU ends it; past the file size a write raises OSError. Without memory in the VM the kernel takes
    this process and not the server: its share of blame is the highest there is.
    """
    with contextlib.suppress(OSError):  # not on every system; the limits hold without it
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_DATA, memory_bytes)
    _lower(resource.RLIMIT_CPU, cpu_s)
    _lower(resource.RLIMIT_FSIZE, file_bytes)


def _lower(limit: int, value: int) -> None:
    _, hard = resource.getrlimit(limit)
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(limit, (most, hard))
