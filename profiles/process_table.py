"""The processes in the VM: how much each holds, and which of them is the server."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from profiles.vm_size import MIB


@dataclass(frozen=True)
class ProcessSample:
    """One process at one moment."""

    pid: int
    role: str
    rss_bytes: int


class ProcessTable:
    """Follows the processes of a VM from sample to sample."""

    def __init__(self) -> None:
        self.server_pid: int | None = None
        self.known_roles: dict[int, str] = {}
        self.last: list[ProcessSample] = []
        self._handles: dict[int, psutil.Process] = {}
        self._commands: dict[int, str] = {}

    def sample(self, pids: Iterable[int]) -> list[ProcessSample]:
        """Read the resident memory of each process; one that ended meanwhile is left out."""
        found = []
        for pid in pids:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                handle = self._handles.get(pid) or psutil.Process(pid)
                found.append(ProcessSample(pid, self._role(pid), handle.memory_info().rss))
                if pid in self._handles and pid not in self._commands:
                    self._commands[pid] = command_name(
                        handle.cmdline()
                    )  # a fork shows its parent's until it execs
                self._handles[pid] = handle
        alive = {process.pid for process in found}
        self._handles = {pid: handle for pid, handle in self._handles.items() if pid in alive}
        self.last = found
        return found

    def _role(self, pid: int) -> str:
        return self.known_roles.setdefault(pid, "server" if pid == self.server_pid else "child")

    def held(self) -> dict[str, dict[str, float]]:
        """What held the memory at the last sample: by command, how many processes and their RSS in MB."""
        totals: dict[str, dict[str, float]] = defaultdict(lambda: {"processes": 0, "rss_mb": 0.0})
        for process in self.last:
            name = "server" if process.role == "server" else self._commands.get(process.pid, "just started")
            totals[name]["processes"] += 1
            totals[name]["rss_mb"] = round(totals[name]["rss_mb"] + process.rss_bytes / MIB, 1)
        return dict(totals)


def command_name(cmdline: list[str]) -> str:
    """Return a short name: the module of `python -m module …`, else the program's name."""
    if "-m" in cmdline[:-1]:
        return cmdline[cmdline.index("-m") + 1]
    return cmdline[0].rpartition("/")[2] if cmdline else "ended"
