"""A memory limit kept by looking: above it, the largest process is killed, one at a time, as the kernel would."""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from profiles.event_log import EventLog
from profiles.held_memory import HeldMemory, badness, read_held, read_score_adjustment
from profiles.process_stat import ProcessStat
from profiles.process_table import command_name
from profiles.process_tree import ProcessTree
from profiles.vm_size import MIB

DIES_WITHIN_S = 5.0
"""A victim that takes longer to die is passed over for the next one, as the kernel does."""
FORK_BORROWS_S = 1.0
"""So long a process that was forked is taken to be about to start a program: what it seems to hold is its parent's."""

Held = Mapping[ProcessStat, HeldMemory]


class EmulatedLimit:
    """Keeps the processes of a tree below a limit, and writes down whom it killed."""

    def __init__(self, tree: ProcessTree, limit_bytes: int, events: EventLog, proc: Path) -> None:
        self.limit_bytes = limit_bytes
        self.held_bytes = 0
        self.kills = 0
        self._tree = tree
        self._events = events
        self._proc = proc
        self._dying: dict[tuple[int, int], float] = {}
        """Killed and not yet gone, and since when."""
        self._forks: dict[tuple[int, int], float] = {}
        """Forked, no program started yet, and seen so since when."""

    @property
    def waits(self) -> bool:
        """Whether a victim is dying, whose memory is about to come free."""
        return bool(self._dying)

    def check(self, t: float, living: Sequence[ProcessStat]) -> None:
        """Add up what the living processes hold at time `t`; above the limit, kill one and tell of it."""
        forks = [process for process in living if process.is_fork]
        self._forks = {fork.identity: self._forks.get(fork.identity, t) for fork in forks}
        held = {
            process: found
            for process in living
            if not self._borrows(t, process) and (found := read_held(self._proc, process.pid))
        }
        self.held_bytes = sum(found.counted_bytes for found in held.values())
        there = {process.identity for process in living}
        self._dying = {victim: since for victim, since in self._dying.items() if victim in there}
        if self.held_bytes > self.limit_bytes and not any(
            t - since < DIES_WITHIN_S for since in self._dying.values()
        ):
            self._kill(t, held)

    def _borrows(self, t: float, process: ProcessStat) -> bool:
        """Whether all that it seems to hold is that of whoever forked it.

        A root is the VM's owner until it has started its program, however long that takes. A worker that was forked
        and starts none is counted after a while.
        """
        return process.is_fork and (
            self._tree.is_root(process.pid) or t - self._forks[process.identity] < FORK_BORROWS_S
        )

    def _kill(self, t: float, held: Held) -> None:
        by_command = self._by_command(held)
        for victim in self._worst_first(held):
            if self._tree.send(victim, signal.SIGKILL):  # one that changed its user is not ours to kill
                self.kills += 1
                self._dying[victim.identity] = t
                self._tell(t, victim, held[victim], by_command)
                return

    def _worst_first(self, held: Held) -> list[ProcessStat]:
        points = {
            process: found_points
            for process, found in held.items()
            if process.identity not in self._dying
            and (found_points := self._points(process, found)) is not None
        }
        return sorted(points, key=points.__getitem__, reverse=True)

    def _points(self, process: ProcessStat, found: HeldMemory) -> float | None:
        return badness(found, read_score_adjustment(self._proc, process.pid), self.limit_bytes)

    def _tell(
        self, t: float, victim: ProcessStat, found: HeldMemory, held: Mapping[str, Mapping[str, float]]
    ) -> None:
        anon_mb, held_mb, limit_mb = (
            size / MIB for size in (found.anon_bytes, self.held_bytes, self.limit_bytes)
        )
        self._events.write(
            "oom_kill",
            t=t,
            role="server" if self._tree.is_root(victim.pid) else "child",
            held=held,
            pid=victim.pid,
            comm=found.name,
            anon_rss_mb=round(anon_mb, 1),
            whole_machine=False,
            emulated=True,
            over_mb=round(held_mb - limit_mb, 1),
            line=f"emulated: the watchdog, not the kernel, killed process {victim.pid} ({found.name}), "
            f"anonymous memory {anon_mb:.1f} MB: the VM held {held_mb:.1f} MB of {limit_mb:.0f} MB",
        )

    def _by_command(self, held: Held) -> dict[str, dict[str, float]]:
        """What holds the memory now: by command, how many processes and their RSS in MB."""
        totals: dict[str, dict[str, float]] = defaultdict(lambda: {"processes": 0, "rss_mb": 0.0})
        for process, found in held.items():
            name = "server" if self._tree.is_root(process.pid) else self._command(process.pid)
            totals[name]["processes"] += 1
            totals[name]["rss_mb"] = round(totals[name]["rss_mb"] + found.rss_bytes / MIB, 1)
        return dict(totals)

    def _command(self, pid: int) -> str:
        try:
            text = (self._proc / str(pid) / "cmdline").read_bytes()
        except OSError:
            return "ended"
        return command_name(text.decode("utf-8", "replace").split("\0")[:-1])
