"""The watchdog: a process of its own that keeps a VM's limits where no control group can be had.

Started as `python -m profiles.watchdog_process FOLDER --limit-bytes N --cpus N` by the walls; a line on its input
ends it. Fifty times a second it adds up what the VM's processes hold, kills the largest when that is above the
limit, and stops and continues them to keep their CPU share. When its owner is gone it kills what is in the VM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TextIO

from profiles.duty_cycle import DutyCycle
from profiles.emulated_limit import EmulatedLimit
from profiles.event_log import EventLog
from profiles.process_stat import ProcessStat
from profiles.process_tree import PROC, ProcessTree
from profiles.tree_cpu import TreeCpu
from profiles.watchdog_files import FOLDER, MEMBERS, State, StateWriter, read_cpus

READY_LINE = "watching"
LOOK_S = 0.02
LOOK_AT_DYING_S = 0.002


class Watchdog:
    """Keeps the limits of the VM whose run folder this is."""

    def __init__(self, folder: Path, limit_bytes: int, duty: DutyCycle, proc: Path = PROC) -> None:
        self.duty = duty
        self._files = folder / FOLDER
        self._tree = ProcessTree(self._files / MEMBERS, proc)
        self._limit = EmulatedLimit(self._tree, limit_bytes, EventLog(folder), proc)
        self._cpu = TreeCpu()
        self._state = StateWriter(self._files)
        self._living: Sequence[ProcessStat] = ()
        self._stopped: list[ProcessStat] = []

    def look(self) -> float:
        """Look at every process once, act, and write what was seen; return how long until the next look, in s."""
        t = time.monotonic()
        processes = self._tree.look()
        self._living = [process for process in processes if not process.is_zombie]
        self._limit.check(t, self._living)
        self._cpu.look(processes)
        if (cpus := read_cpus(self._files)) is not None:
            self.duty.cpus = cpus
        self._keep_share()
        limit, used_s, stopped_s = self._limit, self._cpu.total_s, self.duty.stopped_s
        state = State(t, limit.held_bytes, limit.limit_bytes, limit.kills, used_s, stopped_s)
        with contextlib.suppress(OSError):  # a full disk: whoever reads sees that the state is old
            self._state.write(state)
        return LOOK_AT_DYING_S if self._limit.waits else LOOK_S

    def glance(self) -> None:
        """Look at the CPU time alone, between two looks."""
        self._cpu.glance()
        self._keep_share()

    def kill_all(self) -> None:
        """Kill what is in the VM."""
        self._tree.kill_all()

    def _keep_share(self) -> None:
        self.duty.update(time.monotonic(), self._cpu.total_s)
        if self.duty.stopped:
            known = {process.identity for process in self._stopped}
            fresh = [process for process in self._living if process.identity not in known]
            self._stopped += [process for process in fresh if self._tree.send(process, signal.SIGSTOP)]
            return
        for process in self._stopped:
            self._tree.send(process, signal.SIGCONT)
        self._stopped = []


def watch(watchdog: Watchdog, commands: TextIO) -> bool:
    """Keep the limits until told to end (True) or the owner is gone (False)."""
    due = time.monotonic()
    while True:
        now = time.monotonic()
        if now >= due:
            due = now + watchdog.look()
        else:
            watchdog.glance()
        wait_s = min(due - time.monotonic(), watchdog.duty.next_s)
        if select.select([commands], [], [], max(0.0, wait_s))[0]:
            return bool(os.read(commands.fileno(), 4096))


def main() -> int:
    """Run the watchdog until its owner ends it or is gone."""
    parser = argparse.ArgumentParser(prog="python -m profiles.watchdog_process", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit-bytes", type=int, required=True)
    parser.add_argument("--cpus", type=float, required=True)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _terminate)
    duty = DutyCycle(arguments.cpus, len(os.sched_getaffinity(0)))
    watchdog = Watchdog(arguments.folder, arguments.limit_bytes, duty)
    print(READY_LINE, flush=True)
    told = False
    try:
        told = watch(watchdog, sys.stdin)
    finally:
        if not told:  # nobody keeps the limit any more, and some may be stopped
            watchdog.kill_all()
    return 0


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
