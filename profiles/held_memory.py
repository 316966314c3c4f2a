"""What one process holds that counts against an emulated limit, from /proc/PID/status (proc(5))."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_KB = 1024
_NEVER_KILLED = -1000
"""The `oom_score_adj` that keeps a process from the kernel's hand."""


class HeldMemory(NamedTuple):
    """One process's memory at one moment.

    `counted_bytes` is what the limit counts: anonymous and shared memory, in RAM or swapped out. A page that several
    processes share counts once for each of them. `weight_bytes` is what the kernel chooses its victim by: all that is
    resident or swapped out, and the page tables.
    """

    name: str
    anon_bytes: int
    counted_bytes: int
    weight_bytes: int
    rss_bytes: int


def read_held(proc: Path, pid: int) -> HeldMemory | None:
    """Return what it holds; None when it is gone, or has no memory of its own."""
    try:
        handle = os.open(f"{proc}/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return parse_status(os.read(handle, 8192))
    except OSError:
        return None
    finally:
        os.close(handle)


def parse_status(text: bytes) -> HeldMemory | None:
    """Return what a status file says; None without the lines on memory, as of a process that has ended."""
    resident, anon, shared = (_bytes(text, key) for key in (b"\nVmRSS:", b"\nRssAnon:", b"\nRssShmem:"))
    if resident is None or anon is None or shared is None:
        return None
    swapped, tables = _bytes(text, b"\nVmSwap:") or 0, _bytes(text, b"\nVmPTE:") or 0
    name = text[: text.find(b"\n")].partition(b":")[2].strip().decode("utf-8", "replace")
    return HeldMemory(name, anon, anon + shared + swapped, resident + swapped + tables, resident)


def read_score_adjustment(proc: Path, pid: int) -> int:
    """Return the process's `oom_score_adj`, from -1000 to 1000; 0 where it cannot be read."""
    try:
        return int((proc / str(pid) / "oom_score_adj").read_bytes())
    except (OSError, ValueError):
        return 0


def badness(held: HeldMemory, score_adjustment: int, limit_bytes: int) -> float | None:
    """Return how much the kernel would want to kill the process, in bytes; None: never.

    Its memory, and `score_adjustment` thousandths of the limit (mm/oom_kill.c, oom_badness).
    """
    if score_adjustment <= _NEVER_KILLED:
        return None
    return held.weight_bytes + score_adjustment * limit_bytes / 1000


def _bytes(text: bytes, key: bytes) -> int | None:
    """Return the size on that key's line; found by searching, since taking all lines apart costs five times as much."""
    at = text.find(key)
    end = text.find(b" kB", at)
    if at < 0 or end < 0:
        return None
    try:
        return int(text[at + len(key) : end]) * _KB
    except ValueError:
        return None
