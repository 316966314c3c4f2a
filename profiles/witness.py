"""What the machine did around a VM, and what watching cost: pressure, CPU time, the watcher's own CPU and memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

from profiles.counter_files import CounterFile, integer, pressure
from profiles.proc_files import PROC, TICKS_PER_S, ProcessFiles

BUSY = (0, 1, 2, 5, 6, 7)
"""Of /proc/stat's first line: user, nice, system, irq, softirq and steal; not idle and waiting for a disk."""


class Witness:
    """Reads the columns of a sample that are not the VM's, on Linux's /proc."""

    def __init__(self, proc: Path = PROC) -> None:
        self._pressure = CounterFile(proc / "pressure" / "memory")
        self._cpus = CounterFile(proc / "stat")
        self._self = ProcessFiles(os.getpid())
        self.why: dict[str, str] = {}
        """Why a column is empty, by its name."""

    def values(self) -> dict[str, float | None]:
        """Return the columns of every sample."""
        some, full = pressure(self._pressure.read())
        if some is None or full is None:
            reason = self._pressure.complaint or f"{self._pressure.path}: does not say"
            self.why |= dict.fromkeys(("host_psi_some", "host_psi_full"), reason)
        return {
            "host_psi_some": some,
            "host_psi_full": full,
            "recorder_cpu_s": time.process_time(),
            "recorder_rss_bytes": self._self.rss_bytes(),
        }

    def machine_cpu_s(self) -> float | None:
        """Return the CPU time that this machine has used, whoever for: what takes CPU from a VM need not be ours."""
        words = (self._cpus.read() or b"").partition(b"\n")[0].split()[1:]
        ticks = [integer(words[index]) for index in BUSY if index < len(words)]
        known = [count for count in ticks if count is not None]
        if len(known) < len(BUSY):
            self.why["machine_cpu_s"] = self._cpus.complaint or f"{self._cpus.path}: does not say"
            return None
        return sum(known) / TICKS_PER_S
