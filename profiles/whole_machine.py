"""No walls: the whole machine is the VM, as on Fly.io itself, or inside user-mode-linux.

Its memory is the limit, and its kernel kills for all of it. So everything on it counts, the witnesses too; what runs
inside is known by who entered, and nothing else is ever ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from profiles.errors import OomproofError, RunError
from profiles.machine import memory_mb
from profiles.machine_counters import MachineCounters, Start
from profiles.offer import Offer
from profiles.process_tree import PROC, ProcessTree, enter
from profiles.swap import swap_total_mb
from profiles.vm_size import VmSize
from profiles.walls import NAME_PREFIX, Reading

NAME = "machine"
FOLDER = "machine"
"""In the run folder while it runs: who is inside, and the machine's counters when the VM began."""
MEMBERS = "members"
START = "start.json"
SPARED = "-900"
"""Of two processes the kernel then kills the VM's, however large the witnesses are (oom_score_adj, proc(5))."""
YIELDS = 19
"""How far the VM's processes yield the CPU to the witnesses, as other backends' groups do by their weight (nice)."""


def machine_size() -> VmSize:
    """Return the VM that this machine is: all its memory, its swap and its CPUs."""
    cpus = os.cpu_count() or 1
    return VmSize(memory_mb(), cpus, float(cpus), swap_total_mb() or 0)


def offer() -> Offer:
    """Return the offer: it can always be had, and is only right where the machine was made for the run."""
    reason = "the whole machine is the VM: all that runs on it counts, and its CPUs are not limited"
    return Offer(NAME, available=True, reason=reason, best=False)


class WholeMachine:
    """This machine, taken for the VM."""

    backend = NAME
    emulated = False
    limits_cpu = False

    def __init__(self, name: str, folder: Path, proc: Path = PROC) -> None:
        self.name = name
        self._files = folder / FOLDER
        self._proc = proc
        self._tree = ProcessTree(self._files / MEMBERS)
        self._counters = MachineCounters(proc)
        self._spared_from: str | None = None
        self._start: Start | None = None

    def create(self, size: VmSize) -> None:
        """Note the machine's counters, and have the kernel spare the witnesses.

        Raises:
            OomproofError: the VM is to have another size than this machine, or the run folder cannot be written.
        """
        if size.memory_mb != memory_mb():
            raise OomproofError(
                f"VM of {size.memory_mb} MB: with --backend {NAME} the machine is the VM, and has {memory_mb()} MB. "
                "Leave the memory out, or start the machine with as much."
            )
        try:
            self._files.mkdir(exist_ok=True)
            (self._files / START).write_text(json.dumps(asdict(self._counters.now())))
        except OSError as error:
            raise OomproofError(
                f"{error.filename}: {error.strerror}. Give a folder that can be written."
            ) from None
        score = self._proc / "self" / "oom_score_adj"
        with contextlib.suppress(
            OSError
        ):  # without the right to it, the largest process is killed, whose ever
            self._spared_from = score.read_text()
            score.write_text(SPARED)

    def join(self) -> None:
        """Put the calling process inside: runs between fork and exec, never in the owner itself."""
        if str(os.getpid()) == self.name.removeprefix(NAME_PREFIX).partition("-")[0]:
            raise OSError(f"{self.name}: its owner cannot enter it")
        enter(self._files / MEMBERS)
        with contextlib.suppress(OSError):
            (self._proc / "self" / "oom_score_adj").write_text("0")
        os.nice(YIELDS)

    def set_cpus(self, cpus: float) -> None:
        """Do nothing: the machine's CPUs are not ours to limit."""

    def pids(self) -> list[int]:
        """The processes inside: those that entered and all that they started."""
        return self._tree.pids()

    def read(self) -> Reading:
        """Read the machine's counters: what they say, they say of all that runs on it."""
        return self._counters.read(self._start_counts())

    def kill_all(self, within_s: float = 10.0) -> bool:
        """Kill every process inside, also those born meanwhile; return whether none is left."""
        return self._tree.kill_all(within_s)

    def destroy(self) -> None:
        """Kill what is inside, and let the kernel choose among the witnesses again.

        Raises:
            RunError: something inside does not die.
        """
        empty = self.kill_all()
        if self._spared_from is not None:
            with contextlib.suppress(OSError):
                (self._proc / "self" / "oom_score_adj").write_text(self._spared_from)
            self._spared_from = None
        if not empty:
            inside = ", ".join(map(str, self.pids()))
            raise RunError(f"{self.name}: processes {inside} would not die within 10 s. End them.")
        shutil.rmtree(self._files, ignore_errors=True)

    def _start_counts(self) -> Start:
        if self._start is None:
            try:
                self._start = Start(**json.loads((self._files / START).read_text()))
            except (OSError, ValueError, TypeError):  # asked again: it may be on its way
                return Start()
        return self._start
