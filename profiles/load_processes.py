"""What the load costs: the CPU time and the memory of all its processes."""

from __future__ import annotations

from pathlib import Path

import psutil


class LoadProcesses:
    """The load, and the processes that it forks.

    CPU time never falls: what a process had used when it was last seen still counts when it is gone.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._cpu_s: dict[psutil.Process, float] = {}

    def values(self) -> dict[str, float | None]:
        """Return the sample's columns; none once all of them are gone."""
        for pid in [self._pid, *_children(self._pid)]:
            try:
                self._cpu_s.setdefault(psutil.Process(pid), 0.0)
            except psutil.NoSuchProcess:
                continue
        rss_bytes = []
        for process in self._cpu_s:
            try:
                with process.oneshot():
                    self._cpu_s[process] = sum(process.cpu_times()[:2])
                    rss_bytes.append(process.memory_info().rss)
            except psutil.NoSuchProcess:
                continue
        if not rss_bytes:
            return {}
        return {"load_cpu_s": sum(self._cpu_s.values()), "load_rss_bytes": float(sum(rss_bytes))}


def _children(pid: int) -> list[int]:
    """Return what the process's first thread forked: a file to read, where psutil reads every process there is."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except (OSError, ValueError):
        return []
