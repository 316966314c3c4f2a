"""What the load costs: the CPU time and the memory of all its processes."""

from __future__ import annotations

from pathlib import Path

from profiles.proc_files import PROC, ProcessFiles

LOOK_EVERY = 10
"""Every so many samples it is looked for new processes."""


class LoadProcesses:
    """The load, and the processes that it forks, and theirs.

    CPU time never falls: what a process had used when it was last seen still counts when it is gone.
    """

    def __init__(self, pid: int, proc: Path = PROC) -> None:
        self._proc = proc
        self._followed: dict[int, ProcessFiles] = {}
        self._cpu_s: dict[ProcessFiles, float] = {}
        self._ended_cpu_s = 0.0
        self._looks = 0
        self._meet(pid)

    def values(self) -> dict[str, float | None]:
        """Return the sample's columns; none once all of them are gone."""
        if self._looks % LOOK_EVERY == 0:
            self._look()
        self._looks += 1
        rss_bytes = [rss for files in list(self._cpu_s) if (rss := self._read(files)) is not None]
        if not rss_bytes:
            return {}
        return {"load_cpu_s": self._ended_cpu_s + sum(self._cpu_s.values()), "load_rss_bytes": sum(rss_bytes)}

    def _read(self, files: ProcessFiles) -> int | None:
        try:
            self._cpu_s[files] = files.cpu_s()
            return files.rss_bytes()
        except OSError:
            self._ended_cpu_s += self._cpu_s.pop(files)
            del self._followed[files.pid]
            files.close()
            return None

    def _look(self) -> None:
        """Follow every child of those that are followed, and theirs."""
        parents = list(self._followed.values())
        for parent in parents:
            try:
                children = parent.children()
            except OSError:  # it is gone, or this kernel keeps no such list
                continue
            parents += [files for child in children if (files := self._meet(child)) is not None]

    def _meet(self, pid: int) -> ProcessFiles | None:
        if pid in self._followed:
            return None
        try:
            files = ProcessFiles(pid, self._proc)
        except OSError:
            return None
        self._followed[pid] = files
        self._cpu_s[files] = 0.0
        return files
