"""A guest whose deaths are written down: for tests of the machine around it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

from tests.fly.console import Console
from tests.fly.machine import Kill, Machine
from tests.fly.restart_policy import RestartPolicy

KERNEL_LINE = (
    "Memory cgroup out of memory: Killed process 680 (python) total-vm:1264772kB, anon-rss:352332kB, "
    "file-rss:10240kB, shmem-rss:0kB, UID:0 pgtables:1184kB oom_score_adj:0"
)
PAUSE_S = 5.0
EPOCH_S = 1_795_000_000.0


class ScriptedGuest:
    """A main process that ends when told to."""

    def __init__(self) -> None:
        self.starts = 0
        self.cleared = 0
        self.sent: list[signal.Signals] = []
        self.returncode: int | None = None
        self._kills: list[Kill] = []

    def start(self) -> None:
        """Start it."""
        self.starts += 1
        self.returncode = None

    def ended(self) -> int | None:
        """Return how it ended."""
        return self.returncode

    def send(self, number: signal.Signals) -> None:
        """Note the signal."""
        self.sent.append(number)

    def clear(self) -> None:
        """Note that all was ended."""
        self.cleared += 1

    def kills(self) -> list[Kill]:
        """Return what the kernel told."""
        told, self._kills = self._kills, []
        return told

    def lines(self) -> list[str]:
        """Print nothing."""
        return []

    def kill(self, *, main: bool) -> None:
        """Have the kernel kill the main process for memory, or a child of it."""
        self._kills.append(Kill(KERNEL_LINE, main))
        if main:
            self.returncode = -signal.SIGKILL


class Scripted:
    """A machine with a scripted guest, and the time that both live in."""

    def __init__(self, log: Path, policy: RestartPolicy | None = None) -> None:
        self.now = 0.0
        self.guest = ScriptedGuest()
        self.console = Console(log, "e2865134a39426", "cdg", self.wall)
        policy = policy or RestartPolicy()
        self.machine = Machine(self.guest, policy, self.console, self.wall, pause_s=PAUSE_S)
        self.machine.launch()

    def wall(self) -> float:
        """The Unix time."""
        return EPOCH_S + self.now

    def pass_time(self, seconds: float, step_s: float = 0.5) -> None:
        """Let so much time pass."""
        for _ in range(round(seconds / step_s)):
            self.now += step_s
            self.machine.tick(self.now)

    def exits(self) -> Iterator[dict[str, object]]:
        """The exit events' own facts, the newest first."""
        for event in self.machine.events.listed():
            if event["type"] == "exit":
                request = event["request"]
                assert isinstance(request, dict)
                yield request["exit_event"]
