"""The recorder: a process of its own that samples the VM, follows the kernel log and keeps the CPU balance.

Started as `python -m profiles.recorder FOLDER NAME …`; takes `server PID`, `load PID`, `end` on its input.
Every sample is on disk before the next is taken. When its owner dies without an `end`, it removes the VM.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import TextIO

import psutil

from profiles.backends import walls_of
from profiles.balance import CpuBalance
from profiles.event_log import EventLog
from profiles.kernel_watch import KernelWatch
from profiles.load_processes import LoadProcesses
from profiles.process_table import ProcessTable
from profiles.run_folder import SAMPLE_COLUMNS
from profiles.vm_size import VmSize
from profiles.walls import Reading, Walls

READY_LINE = "recording"
PSI_FILE = Path("/proc/pressure/memory")


class Recorder:
    """Samples one VM into one run folder."""

    def __init__(self, folder: Path, walls: Walls, balance: CpuBalance) -> None:
        self.walls = walls
        self.balance = balance
        self.processes = ProcessTable()
        self.events = EventLog(folder)
        self.kernel = KernelWatch(folder, walls.name, self.processes, self.events)
        self.load: LoadProcesses | None = None
        self._self = psutil.Process()
        self._samples = os.open(folder / "samples.csv", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(self._samples, (",".join(SAMPLE_COLUMNS) + "\n").encode())
        self.events.write("recording", kernel_log_readable=self.kernel.readable)

    def sample(self, late_s: float) -> None:
        """Take one sample, write it, and act on the CPU balance."""
        t = time.monotonic()
        reading = self.walls.read()
        if reading.cpu_s is not None and self.balance.update(t, reading.cpu_s):
            self.walls.set_cpus(self.balance.cpus)
            self.events.write(
                "throttled" if self.balance.throttled else "bursting", t=t, cpus=self.balance.cpus
            )
        self.kernel.follow(t)
        processes = self.processes.sample(self.walls.pids())
        values: dict[str, float | None] = {
            "t": t,
            "server_rss_bytes": _sum(p.rss_bytes for p in processes if p.role == "server"),
            "children_rss_bytes": _sum(p.rss_bytes for p in processes if p.role == "child"),
            "processes": len(processes),
            "balance_s": self.balance.balance_s,
            "late_s": late_s,
            "recorder_cpu_s": sum(self._self.cpu_times()[:2]),
            "machine_cpu_s": _machine_cpu_s(),
            **_reading_values(reading),
            **_psi(PSI_FILE),
            **(self.load.values() if self.load is not None else {}),
        }
        row = ",".join(_cell(values.get(column)) for column in SAMPLE_COLUMNS)
        os.write(self._samples, (row + "\n").encode())

    def command(self, line: str) -> bool:
        """Obey a line of the owner's; return whether to go on."""
        word, _, value = line.strip().partition(" ")
        if word == "server":
            self.processes.server_pid = int(value)
            self.processes.known_roles[int(value)] = "server"
        elif word == "load":
            self.load = LoadProcesses(int(value))
            self.kernel.load_pid = int(value)
        return word != "end"


def record(recorder: Recorder, commands: TextIO, interval_s: float) -> bool:
    """Sample until told to end (True) or the owner is gone (False)."""
    due = time.monotonic()
    buffer = b""
    while True:
        recorder.sample(max(0.0, time.monotonic() - due))
        due = max(due + interval_s, time.monotonic() - interval_s)
        while (wait_s := due - time.monotonic()) > 0:
            if not select.select([commands], [], [], wait_s)[0]:
                break
            received = os.read(commands.fileno(), 4096)
            if not received:
                return False
            *lines, buffer = (buffer + received).split(b"\n")
            if not all(recorder.command(line.decode()) for line in lines):
                recorder.sample(0.0)
                return True


def _sum(values: object) -> float:
    return float(sum(values))  # type: ignore[call-overload]  # a generator of ints


def _machine_cpu_s() -> float:
    """The CPU time that this machine has used, whoever for: what takes the CPU from a VM need not be ours."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq + times.steal


def _reading_values(reading: Reading) -> dict[str, float | None]:
    return {name: value for name, value in vars(reading).items() if name in SAMPLE_COLUMNS}


def _psi(path: Path) -> dict[str, float | None]:
    """Return the machine's memory pressure: the share of the last 10 s, in percent, that tasks waited."""
    try:
        lines = path.read_text().splitlines()
        shares = {line.split()[0]: float(line.split()[1].removeprefix("avg10=")) for line in lines}
    except (OSError, ValueError, IndexError):
        return {}
    return {"host_psi_some": shares.get("some"), "host_psi_full": shares.get("full")}


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() else f"{value:.4f}"


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
    parser.add_argument("--interval-s", type=float, default=0.1)
    arguments = parser.parse_args()
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches the whole terminal; the owner says when to end
    size = VmSize(arguments.memory_mb, arguments.cpus, arguments.share_of_core)
    walls = walls_of(arguments.backend, arguments.name, arguments.folder)
    recorder = Recorder(arguments.folder, walls, CpuBalance(size, arguments.balance_s))
    print(READY_LINE, flush=True)
    ended = record(recorder, sys.stdin, arguments.interval_s)
    reading = walls.read()
    facts = {"oom_kills": reading.oom_kills, "peak_vm_bytes": reading.peak_vm_bytes}
    recorder.events.write("recorded", owner_gone=not ended, **facts)
    if not ended:
        walls.destroy()
    return 0


if __name__ == "__main__":
    sys.exit(main())
