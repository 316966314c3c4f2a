"""What this process and those that it started hold, as the kernel lists them; cheap enough for once a second."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

_STATE, _PARENT, _RSS_PAGES = 0, 1, 21
"""Places in /proc/PID/stat, counted from the state on (proc(5))."""

_DEAD = frozenset({b"Z", b"X"})


@dataclass(frozen=True)
class ProcessMemory:
    """Resident memory in bytes: the server's, and that of its child processes and theirs, with their number."""

    server_bytes: int
    children_bytes: int
    children: int


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    rss_bytes: int


def read_process_memory(pid: int | None = None, proc: Path = PROC) -> ProcessMemory:
    """Look at this process, or at `pid`, and at all that descend from it; waits for /proc."""
    root = os.getpid() if pid is None else pid
    by_parent = defaultdict[int, list[_Process]](list)
    server_bytes = 0
    for process in _processes(proc):
        by_parent[process.parent].append(process)
        if process.pid == root:
            server_bytes = process.rss_bytes
    children = list(_below(root, by_parent))
    return ProcessMemory(server_bytes, sum(child.rss_bytes for child in children), len(children))


def _below(pid: int, by_parent: dict[int, list[_Process]]) -> Iterator[_Process]:
    for child in by_parent.get(pid, ()):
        yield child
        yield from _below(child.pid, by_parent)


def _processes(proc: Path) -> Iterator[_Process]:
    """Yield the processes that are alive; one that ends meanwhile is left out."""
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    for name in os.listdir(proc):  # noqa: PTH208 - hundreds of names a second, of which no path is needed
        if not name.isdecimal():
            continue
        try:
            stat = (proc / name / "stat").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        fields = stat.rpartition(b")")[2].split()  # the name before it may hold spaces and brackets
        if fields[_STATE] not in _DEAD:
            yield _Process(int(name), int(fields[_PARENT]), int(fields[_RSS_PAGES]) * page_bytes)
