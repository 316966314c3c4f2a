"""The kernel's log followed during a run: its lines kept, its kills in the VM written as events."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from profiles.event_log import EventLog
from profiles.kernel_log import KernelLog, parse_kill, parse_memcg
from profiles.process_table import ProcessTable


class KernelWatch:
    """Reads what the kernel says since it was made, and tells the kills of one VM from all others.

    `load_pid` is to be set once the load is known: a kill of it is told too.
    """

    def __init__(self, folder: Path, vm_name: str, processes: ProcessTable, events: EventLog) -> None:
        self.load_pid: int | None = None
        self._vm_name = vm_name
        self._processes = processes
        self._events = events
        self._log = KernelLog()
        self._lines = (folder / "kernel.log").open("a", encoding="utf-8", buffering=1)
        self._memcgs: dict[int, str] = {}

    @property
    def readable(self) -> bool:
        """Whether this process may read the kernel's log."""
        return self._log.readable

    def follow(self, t: float) -> None:
        """Read the lines that came since the last call; `t` is now, on the monotonic clock, in seconds."""
        for line in self._log.lines():
            if "oom" in line or "Killed process" in line:
                self._lines.write(line + "\n")
            if (constraint := parse_memcg(line)) is not None:
                self._memcgs[constraint[0]] = constraint[1]
            kill = parse_kill(line)
            if kill is None:
                continue
            roles = self._processes.known_roles
            if self._memcgs.pop(kill.pid, "").endswith(self._vm_name) or kill.pid in roles:
                role, held = roles.get(kill.pid, "child"), self._processes.held()
                self._events.write("oom_kill", t=t, role=role, held=held, **asdict(kill))

    def close(self) -> None:
        """Stop following."""
        self._log.close()
        self._lines.close()
