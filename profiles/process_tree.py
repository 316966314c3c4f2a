"""The processes of a VM that no control group holds: who entered it, and all that they started.

A file lists them, a line each: pid, start time, `root` or `child`. A process enters as a root between fork and exec;
whoever looks adds the descendants that it finds, so that all who read the file know of an orphan what one of them
saw. Pid and start time together are a process: a pid that was used again is never taken for it.

A process is found by its parent, or by its session where a process inside leads that. So one that forks twice and
makes a session of its own, all between two looks, escapes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from profiles import pidfd
from profiles.process_stat import ProcessStat, read_stat

PROC = Path("/proc")
SESSION_LASTS_S = 1.0
"""So long after its last process inside was seen, a session's number still stands for the same session."""


def enter(members_file: Path) -> None:
    """Put the calling process inside, as a root; runs between fork and exec. Raises OSError."""
    ours = read_stat(PROC, os.getpid())
    if ours is None:
        raise OSError(f"{PROC}: our own stat cannot be read")
    _append(members_file, [f"{ours.pid} {ours.start_ticks} root"])


class ProcessTree:
    """The living processes inside, looked up anew with every call."""

    def __init__(self, members_file: Path, proc: Path = PROC) -> None:
        self._file = members_file
        self._proc = proc
        self._read_bytes = 0
        self._members: dict[int, tuple[int, bool]] = {}
        """By pid: start time, whether it is a root."""
        self._strangers: set[int] = set()
        self._sessions: set[int] = set()
        self._looked_s = 0.0

    def pids(self) -> list[int]:
        """The living processes inside; one that only waits to be reaped holds nothing, and is left out."""
        return [process.pid for process in self.look() if not process.is_zombie]

    def look(self) -> list[ProcessStat]:
        """Every process inside, also those that wait to be reaped."""
        listed = self._listed()
        self._read_file()  # after the listing: the root of whatever was listed has entered by now
        found = {pid: stat for pid in list(self._members) if (stat := self._member(pid))}
        self._adopt(listed - self._members.keys(), found, self._sessions_led(found))
        self._strangers &= listed
        self._sessions, self._looked_s = self._sessions_led(found), time.monotonic()
        for pid in self._members.keys() - found.keys() - listed - self._sessions:
            del self._members[pid]  # a leader that ended stays while its session lasts
        return [found[pid] for pid in sorted(found)]

    def is_root(self, pid: int) -> bool:
        """Whether the process entered the VM itself, and is no descendant of one that did."""
        return self._members.get(pid, (0, False))[1]

    def send(self, process: ProcessStat, number: signal.Signals) -> bool:
        """Signal that very process; return False when it is gone, even if its pid is in use again."""

        def is_same() -> bool:
            now = read_stat(self._proc, process.pid)
            return now is not None and now.start_ticks == process.start_ticks

        return pidfd.send(process.pid, number, is_same)

    def kill_all(self, within_s: float = 10.0) -> bool:
        """Kill every process inside, also those born meanwhile; return whether none is left."""
        deadline = time.monotonic() + within_s
        while living := [process for process in self.look() if not process.is_zombie]:
            if time.monotonic() > deadline:
                return False
            for process in living:
                self.send(process, signal.SIGKILL)
            time.sleep(0.01)  # a killed process stays until the kernel has freed its memory
        return True

    def _listed(self) -> set[int]:
        try:
            names = os.listdir(self._proc)  # noqa: PTH208 - numbers are wanted, 50 times a second
        except OSError:
            return set(self._members)
        return {int(name) for name in names if name.isdecimal()}

    def _sessions_led(self, found: dict[int, ProcessStat]) -> set[int]:
        """The sessions that a process inside leads or led, while somebody inside is in them."""
        return {process.session for process in found.values() if process.session in self._members}

    def _read_file(self) -> None:
        try:
            with self._file.open("rb") as file:
                file.seek(self._read_bytes)
                text = file.read()
        except OSError:
            return
        whole = text[: text.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        for line in whole.splitlines():
            words = line.split()
            if len(words) == 3 and words[0].isdigit() and words[1].isdigit() and int(words[0]) > 1:
                self._members[int(words[0])] = (int(words[1]), words[2] == b"root")

    def _member(self, pid: int) -> ProcessStat | None:
        """Return the process; forget a member whose pid is another's now."""
        stat = read_stat(self._proc, pid)
        if stat is not None and stat.start_ticks != self._members[pid][0]:
            del self._members[pid]
            return None
        return stat

    def _adopt(self, others: set[int], found: dict[int, ProcessStat], sessions: set[int]) -> None:
        """Add the descendants of the members to `found`; who is none is not looked at again."""
        if time.monotonic() - self._looked_s < SESSION_LASTS_S:
            sessions = sessions | self._sessions
        fresh = {pid: stat for pid in others - self._strangers if (stat := read_stat(self._proc, pid))}
        adopted: list[ProcessStat] = []
        while born := [s for s in fresh.values() if s.parent in found or s.session in sessions]:
            for stat in born:
                found[stat.pid] = fresh.pop(stat.pid)
                self._members[stat.pid] = (stat.start_ticks, False)
            adopted += born
        self._strangers |= fresh.keys()
        if adopted:
            with contextlib.suppress(OSError):  # a full disk: we know them, others have to find them too
                _append(self._file, [f"{stat.pid} {stat.start_ticks} child" for stat in adopted])


def _append(members_file: Path, lines: Iterable[str]) -> None:
    handle = os.open(members_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(handle, "".join(f"{line}\n" for line in lines).encode())
    finally:
        os.close(handle)
