"""A process and all below it, with what each holds: looked at many times a second, from a test."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from profiles.proc_files import PROC, ProcessFiles
from profiles.process_stat import ProcessStat, read_stat
from profiles.process_tree import ProcessTree

_LONGEST_COMMAND = 60
_ENDED_AND_LEFT_ALONE = os.WEXITED | os.WNOHANG | os.WNOWAIT


class Held(NamedTuple):
    """What one process holds at a moment."""

    pid: int
    command: str
    rss_bytes: int


class Look(NamedTuple):
    """The whole tree at a moment, the process first that was named."""

    held: tuple[Held, ...]
    highest: Held | None
    """The process that held the most by the kernel's own mark (VmHWM), set since it is watched; None where none is."""

    @property
    def rss_bytes(self) -> int:
        """All of it. A page that several share counts once for each, as everywhere here."""
        return sum(process.rss_bytes for process in self.held)


@dataclass
class _Member:
    files: ProcessFiles
    words: list[str]
    mark_before: int
    """The kernel's mark when the watch began: what was held before that is nobody's concern."""
    is_copy: bool
    """Whether it may not be itself yet: between fork and exec a child's memory is its parent's."""


class BudgetTree:
    """Who was below the process once counts until it ends, also when its own parent has ended before."""

    def __init__(self, pid: int, proc: Path = PROC) -> None:
        """Raises ProcessLookupError where there is no such process, OSError where it cannot be read."""
        self.pid = pid
        self._proc = proc
        self._looked = False
        self._members: dict[tuple[int, int], _Member] = {}
        root = read_stat(proc, pid)
        if root is None or root.is_zombie:
            raise ProcessLookupError(pid)
        self.command = _shown(self._meet(root, None).words)
        self._listed = NamedTemporaryFile(prefix="memory-budget-")  # noqa: SIM115 - closed in close()
        self._listed.write(f"{pid} {root.start_ticks} root\n".encode())
        self._listed.flush()
        self._tree = ProcessTree(Path(self._listed.name), proc)

    def look(self) -> Look:
        """Return what every process holds now; raises ProcessLookupError when the one that was named is gone."""
        living = {stat.pid: stat for stat in self._tree.look() if not stat.is_zombie}
        if self.pid not in living:
            raise ProcessLookupError(self.pid)
        self._forget(living)
        held: list[Held] = []
        marks: list[Held] = []
        for stat in sorted(living.values(), key=lambda stat: stat.pid != self.pid):
            with suppress(
                ProcessLookupError
            ):  # it ended just now; if it was the first, the next look says so
                if member := self._known(stat, living):
                    command = _shown(member.words)
                    held.append(Held(stat.pid, command, member.files.rss_bytes()))
                    mark = member.files.peak_rss_bytes() or 0
                    if mark > member.mark_before:
                        marks.append(Held(stat.pid, command, mark))
        self._looked = True
        self.command = next((process.command for process in held if process.pid == self.pid), self.command)
        return Look(tuple(held), max(marks, key=lambda mark: mark.rss_bytes, default=None))

    def close(self) -> None:
        """Close all files."""
        self._listed.close()
        self._forget({})

    def _known(self, stat: ProcessStat, living: dict[int, ProcessStat]) -> _Member | None:
        """Return the process; None while it may be a copy of its parent that becomes another program at once."""
        member = self._members.get(stat.identity)
        if member is None:
            member = self._meet(stat, living.get(stat.parent))
            return None if member.is_copy else member
        if (
            member.is_copy or not member.words
        ):  # a copy that is still there is another program by now, or stays one
            member.words, member.is_copy = member.files.command_line(), False
        return member

    def _meet(self, stat: ProcessStat, parent: ProcessStat | None) -> _Member:
        files = ProcessFiles(stat.pid, self._proc)
        words = files.command_line()
        above = None if parent is None else self._members.get(parent.identity)
        mark_before = 0 if self._looked else files.peak_rss_bytes() or 0
        member = _Member(files, words, mark_before, is_copy=above is not None and above.words == words)
        self._members[stat.identity] = member
        return member

    def _forget(self, living: dict[int, ProcessStat]) -> None:
        there = {stat.identity for stat in living.values()}
        for identity in self._members.keys() - there:
            self._members.pop(identity).files.close()


def how_it_ended(pid: int) -> str | None:
    """Return how a child of ours ended, without taking its exit status from whoever waits for it.

    None while it has not ended; empty where nobody here can know.
    """
    try:
        found = os.waitid(os.P_PID, pid, _ENDED_AND_LEFT_ALONE)
    except ChildProcessError:
        return ""
    if found is None:
        return None
    if found.si_code == os.CLD_EXITED:
        return f"with status {found.si_status}"
    name = signal.Signals(found.si_status).name
    return f"by {name}, as what the kernel kills for memory" if name == "SIGKILL" else f"by {name}"


def _shown(words: list[str]) -> str:
    if not words:
        return "a process without a command"
    text = " ".join([words[0].rpartition("/")[2], *words[1:]]).replace("\n", " ")
    return text if len(text) <= _LONGEST_COMMAND else f"{text[: _LONGEST_COMMAND - 1]}…"
