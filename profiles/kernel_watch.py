"""The kernel's log followed during a run: its lines kept, its kills in the VM written as events."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from profiles.event_log import EventLog
from profiles.kernel_log import KernelKill
from profiles.kill_reader import KillReader
from profiles.kmsg import KernelClock, KernelLog, KernelRecord
from profiles.line_file import LineFile
from profiles.process_table import ProcessTable

FIRST_NAMESPACES = {"pid": 0xEFFFFFFC, "cgroup": 0xEFFFFFFB}
"""The inodes of the namespaces that the kernel's pids and groups are of (PROC_PID_INIT_INO, PROC_CGROUP_INIT_INO)."""
MOST_ALIVE = 40
"""So many of the processes that were alive at a kill are written, the largest; `alive_processes` counts all."""


class KernelWatch:
    """Reads what the kernel says since it was made, and tells the kills of one VM from all others.

    A kill is the VM's when the group whose limit was hit or the victim's own is the VM's or below it, or when the
    victim is known to run there. Where the VM is a group (`is_group`) and the kernel names the victim's, that group
    decides: the pid of a process that has ended may be anybody's by now. In a PID namespace of our own, as in a
    container, the kernel's pids are not ours: the group alone tells then, and the role is left open (see
    `kill_roles`). Any other kill of the whole machine, and one of the load or of what else belongs to the run, is an
    `outside_kill`. `load_pid` is to be set once it is known.
    """

    def __init__(
        self,
        folder: Path,
        vm_name: str,
        processes: ProcessTable,
        events: EventLog,
        log: KernelLog | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        is_group: bool = False,
        pids_are_ours: bool | None = None,
    ) -> None:
        self.load_pid: int | None = None
        self._vm_name = vm_name
        self._is_group = is_group
        self._pids_are_ours = _in_first_namespace("pid") if pids_are_ours is None else pids_are_ours
        self._paths_are_ours = _in_first_namespace("cgroup")
        self._processes = processes
        self._events = events
        self._now = clock
        self._looked_t = clock()
        self._log = log or KernelLog()
        self._clock = KernelClock()
        self._reader = KillReader()
        self._lost_before = 0
        self._was_readable = self._log.readable
        self._lines = LineFile(folder / "kernel.log")

    @property
    def readable(self) -> bool:
        """Whether this process may read the kernel's log."""
        return self._log.readable

    @property
    def reason(self) -> str | None:
        """Why it may not."""
        return self._log.reason

    def follow(self) -> None:
        """Read what came since the last call, and write what it tells."""
        looked_t = self._now()
        for record in self._log.records():
            if self._reader.relevant(record.message):
                self._keep(record)
            if (kill := self._reader.read(record.message)) is not None:
                self._tell(kill, record)
        self._looked_t = looked_t
        if self._log.lost > self._lost_before:
            self._events.write("kernel_log_overrun", lost=self._log.lost - self._lost_before)
            self._lost_before = self._log.lost
        if self._was_readable and not self._log.readable:
            self._was_readable = False
            self._events.write("kernel_log_ended", reason=self._log.reason)

    def _keep(self, record: KernelRecord) -> None:
        """Keep a line in the form that `dmesg` has; a full disk costs the line, not the run."""
        self._lines.append(f"[{record.kernel_t:12.6f}] {record.message}\n".encode("utf-8", "replace"))

    def _tell(self, kill: KernelKill, record: KernelRecord) -> None:
        t, within_s = self._clock.seen(record.kernel_t, self._looked_t, self._now())
        stamps = {"kernel_t": record.kernel_t, "t_within_s": round(within_s, 4)}
        roles = self._processes.known_roles if self._pids_are_ours else {}
        facts = {name: value for name, value in asdict(kill).items() if name not in {"alive", "again"}}
        facts["limit_of"] = None if kill.memcg is None else "vm" if self._in_vm(kill.memcg) else "outside"
        runs_there = kill.pid in roles and not (self._is_group and kill.task_memcg is not None)
        if runs_there or self._in_vm(kill.memcg) or self._in_vm(kill.task_memcg):
            role = roles.get(kill.pid, "child") if self._pids_are_ours else None
            held = self._processes.held()
            if kill.again:
                self._events.write("oom_kill_repeated", t=t, pid=kill.pid, line=kill.line)
            else:
                alive = self._alive(kill)
                self._events.write("oom_kill", t=t, role=role, held=held, **facts, **stamps, **alive)
        elif not kill.again and ((role := self._role_outside(kill.pid)) != "other" or kill.whole_machine):
            self._events.write("outside_kill", t=t, role=role, **facts, **stamps)

    def _in_vm(self, memcg: str | None) -> bool:
        """Whether a group is the VM's or below it; what a run is attached to goes by its group's whole path.

        In a cgroup namespace of our own, as in a container, the kernel's path is longer at its beginning than ours.
        """
        if memcg is None:
            return False
        if not self._vm_name.startswith("/"):
            return self._vm_name in memcg.split("/")
        path, inside = f"{memcg}/", f"{self._vm_name}/"
        return path.startswith(inside) if self._paths_are_ours else inside in path

    def _alive(self, kill: KernelKill) -> dict[str, object]:
        """Return who else was alive, as the kernel's task table has it; roles are those that the recorder knows."""
        if kill.alive is None:
            return {"alive": None, "alive_processes": None}
        roles = self._processes.known_roles if self._pids_are_ours else {}
        listed = [{**asdict(task), "role": roles.get(task.pid)} for task in kill.alive[:MOST_ALIVE]]
        return {"alive": listed, "alive_processes": len(kill.alive)}

    def _role_outside(self, pid: int) -> str:
        """Return what a process outside the VM is to the run; a dead one is known as long as nobody reaped it."""
        if not self._pids_are_ours:
            return "other"
        owner = os.getppid()
        parent = _parent(pid)
        if self.load_pid is not None and self.load_pid in {pid, parent}:
            return "load"
        return "harness" if owner > 1 and owner in {pid, parent} else "other"

    def close(self) -> None:
        """Stop following."""
        self._log.close()
        self._lines.close()


def _in_first_namespace(kind: str) -> bool:
    try:
        return Path(f"/proc/self/ns/{kind}").stat().st_ino == FIRST_NAMESPACES[kind]
    except OSError:  # no namespaces: there is but one
        return True


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return int(stat.rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
