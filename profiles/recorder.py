"""The recorder: a process of its own that samples the VM, follows the kernel log and keeps the CPU balance.

Started as `python -m profiles.recorder FOLDER NAME …`; takes `server PID`, `load PID`, `checkpoint LABEL`, `end` on
its input. Every sample is on disk before the next is taken. When its owner dies without an `end`, it removes the VM.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import select
import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import TextIO

from profiles import uml_backend, whole_machine
from profiles.backends import walls_of
from profiles.balance import CpuBalance
from profiles.cgroup import Cgroup
from profiles.checkpoints import Checkpoint
from profiles.event_log import EventLog
from profiles.kernel_watch import KernelWatch
from profiles.load_processes import LoadProcesses
from profiles.process_table import ProcessTable, TreeSample
from profiles.resident import stay_resident
from profiles.run_folder import SAMPLE_COLUMNS
from profiles.sample_writer import SampleWriter
from profiles.unmeasured import Unmeasured
from profiles.vm_size import VmSize
from profiles.walls import Reading, Walls
from profiles.witness import Witness

READY_LINE = "recording"
CHECKPOINT_LINE = "checkpoint"
"""What the recorder says on its output, with the label, once a checkpoint is in the run folder."""
SAMPLE_HZ = 10
"""Samples a second, unless told otherwise."""
SLOW_S = 1.0
"""How often it reads what moves slowly or costs much to read."""
READING_COLUMNS = {
    **{name: name for name in vars(Reading()) if name in SAMPLE_COLUMNS},
    "vm_limit_bytes": "limit_bytes",
    "vm_psi_some": "psi_some",
    "vm_psi_full": "psi_full",
}
"""The columns that the walls tell, and what they call them."""


class Recorder:
    """Samples one VM into one run folder."""

    def __init__(self, folder: Path, walls: Walls, balance: CpuBalance) -> None:
        self.walls = walls
        self.balance = balance
        self._limits_cpu = walls.limits_cpu
        self.processes = ProcessTable()
        self.events = EventLog(folder)
        is_group = isinstance(walls, Cgroup) or walls.name.startswith("/")
        self.kernel = KernelWatch(folder, walls.name, self.processes, self.events, is_group=is_group)
        self.load: LoadProcesses | None = None
        self.checkpoints: deque[Checkpoint] = deque()
        self._witness = Witness()
        self._unmeasured = Unmeasured(self.events)
        self._samples = SampleWriter(folder, self.events)
        self._slow_due = 0.0
        readable, reason = self.kernel.readable, self.kernel.reason
        self.events.write("recording", kernel_log_readable=readable, kernel_log_reason=reason)

    def sample(self, late_s: float) -> None:
        """Take one sample, write it, and act on the CPU balance."""
        t = time.monotonic()
        reading = self.walls.read()
        self._keep_balance(t, reading)
        self.kernel.follow()
        values = {column: getattr(reading, name) for column, name in READING_COLUMNS.items()}
        why = {
            column: reading.why.get(READING_COLUMNS[column], f"{self.walls.backend} does not say")
            for column, value in values.items()
            if value is None
        }
        if not self._limits_cpu:
            why["balance_s"] = f"{self.walls.backend} holds the VM to no share of the CPU"
        tree = self._tree(reading)
        values |= {
            "t": t,
            "server_rss_bytes": tree.server_rss_bytes,
            "children_rss_bytes": tree.children_rss_bytes,
            "processes": tree.processes,
            "balance_s": self.balance.balance_s if self._limits_cpu else None,
            "late_s": late_s,
            **self._witness.values(),
            **(self.load.values() if self.load is not None else {}),
        }
        if t >= self._slow_due:
            self._slow_due = t + SLOW_S
            why |= self._add_slow(values)
        self._unmeasured.note({**why, **tree.why, **self._witness.why}, t)
        self._samples.write(values)
        self.events.flush()

    def step(self) -> None:
        """Go on with the checkpoint that is due; write its event once it is done."""
        checkpoint = self.checkpoints[0]
        if checkpoint.step():
            self.checkpoints.popleft()
            self.events.write("checkpoint", t=checkpoint.t, **checkpoint.facts())
            self._unmeasured.note(checkpoint.why)
            _say(CHECKPOINT_LINE, checkpoint.label)

    def command(self, line: str) -> bool:
        """Obey a line of the owner's; return whether to go on."""
        word, _, value = line.strip().partition(" ")
        if word in {"server", "load"} and value.isdecimal():
            if word == "server":
                self.processes.name_server(int(value))
            else:
                self.load = LoadProcesses(int(value))
                self.kernel.load_pid = int(value)
        elif word == "checkpoint":
            self._tree(self.walls.read())  # of now, and not of the last sample
            self.checkpoints.append(Checkpoint(value, self.processes))
        return word != "end"

    def finish(self, *, owner_gone: bool) -> None:
        """Write how it ended, with the kernel's own peaks."""
        reading = self.walls.read()
        self._samples.tell_lost()
        self.events.write(
            "recorded",
            owner_gone=owner_gone,
            oom_kills=reading.oom_kills,
            peak_vm_bytes=reading.peak_vm_bytes,
            server_peak_rss_bytes=self.processes.server_peak_rss_bytes,
        )
        self.events.close()

    def _keep_balance(self, t: float, reading: Reading) -> None:
        if not self._limits_cpu:
            self._unmeasured.note({"balance_s": f"{self.walls.backend}: the CPU share is not limited"}, t)
            return
        if reading.cpu_s is None or not self.balance.update(t, reading.cpu_s):
            return
        try:
            self.walls.set_cpus(self.balance.cpus)
        except OSError as error:
            self._unmeasured.note({"balance_s": f"the VM's CPU share cannot be set: {error.strerror}"}, t)
        else:
            name = "throttled" if self.balance.throttled else "bursting"
            self.events.write(name, t=t, cpus=self.balance.cpus)

    def _tree(self, reading: Reading) -> TreeSample:
        try:
            pids = self.walls.pids()
        except OSError as error:
            return self.processes.unknown(f"{self.walls.name}: its processes: {error.strerror}")
        if not pids and reading.vm_bytes is None:
            return self.processes.unknown(reading.why.get("vm_bytes", f"{self.walls.name}: is gone"))
        return self.processes.sample(pids)

    def _add_slow(self, values: dict[str, float | None]) -> dict[str, str]:
        counts = self.processes.counts()._asdict()
        why: dict[str, str] = dict(counts.pop("why"))
        values |= {**counts, "machine_cpu_s": self._witness.machine_cpu_s()}
        return why


def record(recorder: Recorder, commands: TextIO, interval_s: float) -> bool:
    """Sample until told to end (True) or the owner is gone (False)."""
    due = time.monotonic()
    buffer = b""
    while True:
        recorder.sample(max(0.0, time.monotonic() - due))
        due += interval_s
        if due < (now := time.monotonic()):  # what was missed stays missed: a burst would tell nothing
            due = now + interval_s
        while True:
            wait_s = max(0.0, due - time.monotonic())
            if select.select([commands], [], [], 0.0 if recorder.checkpoints else wait_s)[0]:
                received = os.read(commands.fileno(), 4096)
                if not received:
                    return False
                *lines, buffer = (buffer + received).split(b"\n")
                if not all(recorder.command(line.decode("utf-8", "replace")) for line in lines):
                    while recorder.checkpoints:
                        recorder.step()
                    recorder.sample(0.0)
                    return True
            elif recorder.checkpoints:
                recorder.step()
            if time.monotonic() >= due:
                break


def main() -> int:
    """Run the recorder until its owner ends it or is gone."""
    parser = argparse.ArgumentParser(prog="python -m profiles.recorder", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("name", help="of the VM")
    parser.add_argument("--backend", required=True)
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--cpus", type=int, required=True)
    parser.add_argument("--share-of-core", type=float, required=True)
    parser.add_argument("--balance-s", type=float, required=True)
    parser.add_argument("--interval-s", type=float, default=1 / SAMPLE_HZ)
    arguments = parser.parse_args()
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole terminal; the owner says when to end
    _allow_many_files()
    size = VmSize(arguments.memory_mb, arguments.cpus, arguments.share_of_core)
    walls = walls_of(arguments.backend, arguments.name, arguments.folder)
    recorder = Recorder(arguments.folder, walls, CpuBalance(size, arguments.balance_s))
    if walls.backend in {whole_machine.NAME, uml_backend.NAME}:
        stay_resident()
    _say(READY_LINE)
    ended = record(recorder, sys.stdin, arguments.interval_s)
    recorder.finish(owner_gone=not ended)
    if not ended:
        walls.destroy()
    return 0


def _say(*words: str) -> None:
    """Tell the owner; one who is gone changes nothing, nor our exit status, as words left unsaid at its end would."""
    try:
        print(*words, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _allow_many_files() -> None:
    """Two files are kept open for each process of the VM."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    sys.exit(main())
