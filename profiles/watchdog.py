"""The walls of last resort: a program that looks and kills, where the kernel gives us no limit to set.

It needs no privilege. What it does is emulated, and is called so wherever its runs are shown: it can be late by what
is allocated between two looks, and it sees neither page cache nor the kernel's own memory.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

from profiles import processes
from profiles.errors import OomproofError
from profiles.event_log import EventLog
from profiles.held_memory import read_held
from profiles.offer import Offer
from profiles.process_tree import PROC, ProcessTree, enter
from profiles.vm_size import VmSize
from profiles.walls import NAME_PREFIX, Reading
from profiles.watchdog_files import FOLDER, MEMBERS, read_state, write_cpus
from profiles.watchdog_process import READY_LINE

STALE_S = 1.0
"""The watchdog writes what it sees fifty times a second: what is older than this is no longer so."""
NICENESS = 12
"""What is inside yields to the witnesses outside, about as much as a control group with a weight of 64 does."""
_UNSEEN = dict.fromkeys(
    ("file_bytes", "kernel_bytes", "peak_vm_bytes", "swap_bytes", "limit_hits"),
    "watchdog: only the kernel counts it, for a limit of its own",
)


class WatchdogWalls:
    """One VM kept by a watchdog process, which the owner starts and which ends with it."""

    backend = "watchdog"
    emulated = True
    limits_cpu = True

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._files = folder / FOLDER
        self._tree = ProcessTree(self._files / MEMBERS)
        self._process: subprocess.Popen[bytes] | None = None

    def create(self, size: VmSize) -> None:
        """Start the watchdog and wait until it watches.

        Raises:
            OomproofError: it did not start; says why.
        """
        log = self._folder / "watchdog.log"
        try:
            self._files.mkdir(exist_ok=True)
            write_cpus(self._files, size.cpus)
        except OSError as error:
            raise OomproofError(
                f"{error.filename}: {error.strerror}. The watchdog needs a run folder that can be written."
            ) from None
        command = processes.python_module("profiles.watchdog_process", self._folder)
        command += ["--limit-bytes", str(size.memory_bytes + size.swap_bytes), "--cpus", str(size.cpus)]
        self._process = processes.start(command, log, pipes=True, outlives_us=True)
        assert self._process.stdout is not None
        ready = select.select([self._process.stdout], [], [], 30.0)[0]
        if not ready or self._process.stdout.readline().strip() != READY_LINE.encode():
            self._end()
            raise OomproofError(f"watchdog: did not start: {processes.last_line(log)}. See {log}.")

    def join(self) -> None:
        """Put the calling process inside: runs between fork and exec, never in the owner itself."""
        if str(os.getpid()) == self.name.removeprefix(NAME_PREFIX).partition("-")[0]:
            raise OSError(f"{self.name}: its owner cannot enter it")
        enter(self._files / MEMBERS)
        os.nice(NICENESS)
        with contextlib.suppress(OSError):  # where each session is scheduled as one, its own niceness counts
            (PROC / "self" / "autogroup").write_text(str(NICENESS))

    def set_cpus(self, cpus: float) -> None:
        """Let the VM use `cpus` cores' worth of CPU from now on; raises OSError."""
        write_cpus(self._files, cpus)

    def pids(self) -> list[int]:
        """The processes inside; empty when the VM is gone."""
        return self._tree.pids()

    def read(self) -> Reading:
        """Return what the watchdog last saw; nothing when that is old. Anonymous memory is all that it counts."""
        state = read_state(self._files)
        if state is None or time.monotonic() - state.t > STALE_S:
            silent = dict.fromkeys(
                (*_UNSEEN, "vm_bytes", "anon_bytes", "limit_bytes", "cpu_s", "throttled_s", "oom_kills"),
                f"watchdog: it has written nothing for {STALE_S:g} s",
            )
            return Reading(why=silent)
        return Reading(
            vm_bytes=state.held_bytes,
            anon_bytes=state.held_bytes,
            limit_bytes=state.limit_bytes,
            cpu_s=state.cpu_s,
            throttled_s=state.stopped_s,
            oom_kills=state.oom_kills,
            why=_UNSEEN,
        )

    def kill_all(self, within_s: float = 10.0) -> bool:
        """Kill every process inside, also those born meanwhile; return whether the VM is empty."""
        return self._tree.kill_all(within_s)

    def destroy(self) -> None:
        """Kill what is inside and end the watchdog; a run whose watchdog had ended before is told to be no run."""
        self.kill_all()
        if self._process is None:
            return
        status = self._process.poll()
        self._end()
        if status is not None:
            reason = (
                f"watchdog: it ended early with status {status}, so nothing kept the limit. See watchdog.log."
            )
            events = EventLog(self._folder)
            events.write("failed", reason=reason)
            events.close()

    def _end(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(b"end\n")
            self._process.stdin.flush()
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(15.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        shutil.rmtree(self._files, ignore_errors=True)


def offer(proc: Path = PROC) -> Offer:
    """Return whether a watchdog can watch here: wherever processes say what they hold."""
    if read_held(proc, os.getpid()) is None:
        reason = f"{proc}: processes do not say what anonymous memory they hold"
        return Offer("watchdog", available=False, reason=reason, way_out="Mount /proc, or use Linux 4.5 or newer.",
                     emulated=True)  # fmt: skip
    reason = "a program keeps the limit, not the kernel"
    return Offer(
        "watchdog", available=True, reason=reason, way_out="See docs/guide/any-machine.md.", emulated=True
    )
