"""The processes in the VM: how much each holds, and which of them is the server."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from profiles.proc_files import PROC, ProcessFiles
from profiles.vm_size import MIB

RSS_COLUMNS = ("server_rss_bytes", "children_rss_bytes")
Role = Literal["server", "child"]
MOST_REMEMBERED = 10_000
"""Roles of ended processes that are kept for the kernel's line about their end, which comes within a sample."""


class TreeSample(NamedTuple):
    """The processes of a VM at one moment. None: no server, or unknown, and then `why` says so by the field's name."""

    server_rss_bytes: int | None = None
    children_rss_bytes: int | None = None
    processes: int | None = None
    why: Mapping[str, str] = {}


class TreeCounts(NamedTuple):
    """Open files and threads of the same, as above."""

    server_fds: int | None = None
    children_fds: int | None = None
    server_threads: int | None = None
    children_threads: int | None = None
    why: Mapping[str, str] = {}


class Followed:
    """One process, followed from sample to sample."""

    __slots__ = ("command", "files", "role", "rss_bytes")

    def __init__(self, files: ProcessFiles, role: Role) -> None:
        self.files = files
        self.role: Role = role
        self.rss_bytes = 0
        self.command: str | None = None


class ProcessTable:
    """Follows the processes of a VM from sample to sample."""

    def __init__(self, proc: Path = PROC) -> None:
        self.known_roles: dict[int, str] = {}
        self.server_peak_rss_bytes: int | None = None
        """The most that a server ever held, as the kernel noted it: of any, where it was restarted."""
        self.unknown_because = ""
        """Why nobody could say at the last sample what runs in the VM; empty when it was seen."""
        self._proc = proc
        self._server_pid: int | None = None
        self._followed: dict[int, Followed] = {}

    @property
    def followed(self) -> list[Followed]:
        """The processes of the last sample, the server first."""
        return sorted(self._followed.values(), key=lambda process: process.role != "server")

    def name_server(self, pid: int) -> None:
        """Take the process that has this pid now, or will, for the server."""
        self._forget(pid)
        self._server_pid = pid
        self._remember(pid, "server")

    def unknown(self, reason: str) -> TreeSample:
        """Note that nobody can say what runs in the VM now; who was followed is, until it is seen again."""
        self.unknown_because = reason
        return TreeSample(why=dict.fromkeys((*RSS_COLUMNS, "processes"), reason))

    def sample(self, pids: Iterable[int]) -> TreeSample:
        """Read the resident memory of each process; one that ended meanwhile is left out."""
        self.unknown_because = ""
        server, children, reason = None, 0, ""
        found = set()
        for pid in pids:
            try:
                process = self._read(pid)
            except ProcessLookupError:
                continue
            except OSError as error:
                reason = f"{self._proc}/{pid}: {error.strerror}"
                found.add(pid)
                continue
            found.add(pid)
            if process.role == "server":
                server = process.rss_bytes
            else:
                children += process.rss_bytes
        for pid in self._followed.keys() - found:
            self._forget(pid)
        if reason:  # a sum without one of its parts would look like all of it
            return TreeSample(processes=len(found), why=dict.fromkeys(RSS_COLUMNS, reason))
        return TreeSample(server, children, len(found))

    def counts(self) -> TreeCounts:
        """Count the open files and threads of the processes of the last sample, and note the server's peak."""
        if self.unknown_because:
            return TreeCounts(why=dict.fromkeys(TreeCounts._fields[:4], self.unknown_because))
        self._note_peak()
        server_fds, children_fds, no_fds = self._totals(ProcessFiles.fds)
        server_threads, children_threads, no_threads = self._totals(ProcessFiles.threads)
        why = dict.fromkeys(("server_fds", "children_fds"), no_fds) if no_fds else {}
        if no_threads:
            why |= dict.fromkeys(("server_threads", "children_threads"), no_threads)
        return TreeCounts(server_fds, children_fds, server_threads, children_threads, why)

    def note_peak(self, peak_rss_bytes: int | None) -> None:
        """Keep the most that a server ever held."""
        known = [peak for peak in (self.server_peak_rss_bytes, peak_rss_bytes) if peak is not None]
        self.server_peak_rss_bytes = max(known, default=None)

    def held(self) -> dict[str, dict[str, float]]:
        """What held the memory at the last sample: by command, how many processes and their RSS in MB."""
        totals: dict[str, dict[str, float]] = defaultdict(lambda: {"processes": 0, "rss_mb": 0.0})
        for process in self._followed.values():
            name = "server" if process.role == "server" else process.command or "just started"
            totals[name]["processes"] += 1
            totals[name]["rss_mb"] = round(totals[name]["rss_mb"] + process.rss_bytes / MIB, 1)
        return dict(totals)

    def _read(self, pid: int) -> Followed:
        process = self._followed.get(pid)
        if process is not None:
            try:
                process.rss_bytes = process.files.rss_bytes()
            except ProcessLookupError:  # another may have its number by now
                self._forget(pid)
            else:
                if process.command is None:
                    process.command = command_name(process.files.command_line())
                return process
        return self._meet(pid)

    def _meet(self, pid: int) -> Followed:
        role: Role = "server" if pid == self._server_pid else "child"
        process = Followed(ProcessFiles(pid, self._proc), role)
        process.rss_bytes = process.files.rss_bytes()
        if role == "server":
            self._server_pid = None  # whoever has this number after it is somebody else
        self._followed[pid] = process
        self._remember(pid, role)
        return process

    def _forget(self, pid: int) -> None:
        process = self._followed.pop(pid, None)
        if process is not None:
            process.files.close()

    def _remember(self, pid: int, role: Role) -> None:
        self.known_roles.pop(pid, None)
        self.known_roles[pid] = role
        if len(self.known_roles) > MOST_REMEMBERED:
            oldest = next(pid for pid in self.known_roles if pid not in self._followed)
            del self.known_roles[oldest]

    def _totals(self, count: Callable[[ProcessFiles], int]) -> tuple[int | None, int | None, str]:
        server, children = None, 0
        for process in self._followed.values():
            try:
                value = count(process.files)
            except ProcessLookupError:
                continue
            except OSError as error:
                return None, None, f"{self._proc}/{process.files.pid}: {error.strerror}"
            if process.role == "server":
                server = value
            else:
                children += value
        return server, children, ""

    def _note_peak(self) -> None:
        for process in self._followed.values():
            if process.role == "server":
                with contextlib.suppress(OSError):
                    self.note_peak(process.files.peak_rss_bytes())


def command_name(cmdline: list[str]) -> str:
    """Return a short name: the module of `python -m module …`, else the program's name."""
    if "-m" in cmdline[:-1]:
        return cmdline[cmdline.index("-m") + 1]
    return cmdline[0].rpartition("/")[2] if cmdline else "ended"
