"""The whole machine's memory, CPU time and kills, as /proc has them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from profiles.counter_files import CounterFile, CounterFiles, integer, reading_of
from profiles.process_tree import PROC
from profiles.walls import Reading

_KB = 1024
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Start:
    """What had been counted when the VM began; None where nobody said."""

    cpu_s: float | None = None
    oom_kills: int | None = None


class MachineCounters:
    """The counters of one machine; `proc` is where its kernel shows them."""

    def __init__(self, proc: Path = PROC) -> None:
        self._files = CounterFiles()
        self._proc = proc

    def now(self) -> Start:
        """Return what the machine has counted since it was started."""
        return Start(self._cpu_s()[0], self._oom_kills()[0])

    def read(self, start: Start) -> Reading:
        """Return the counters, those that only rise from `start` on (proc_meminfo(5), proc_vmstat(5))."""
        meminfo = self._files[str(self._proc / "meminfo")]
        lines = (line.split() for line in (meminfo.read() or b"").splitlines())
        held = {words[0].rstrip(b":").decode(): integer(words[1]) for words in lines if len(words) > 1}
        (cpu_s, stat), (oom_kills, vmstat) = self._cpu_s(), self._oom_kills()
        return reading_of(
            {
                "vm_bytes": (_bytes(held, "MemTotal", minus="MemFree"), meminfo),
                "limit_bytes": (_bytes(held, "MemTotal"), meminfo),
                "swap_bytes": (_bytes(held, "SwapTotal", minus="SwapFree"), meminfo),
                "anon_bytes": (_bytes(held, "AnonPages"), meminfo),
                "file_bytes": (_bytes(held, "Cached", "Buffers"), meminfo),
                "kernel_bytes": (_bytes(held, "Slab", "KernelStack", "PageTables"), meminfo),
                "cpu_s": (_since(start.cpu_s, cpu_s), stat),
                "oom_kills": (_since(start.oom_kills, oom_kills), vmstat),
            }
        )

    def _cpu_s(self) -> tuple[float | None, CounterFile]:
        """The time that the CPUs were busy: of proc_stat(5)'s first seven, all but idle and iowait."""
        stat = self._files[str(self._proc / "stat")]
        ticks = [integer(word) for word in (stat.read() or b"").partition(b"\n")[0].split()[1:8]]
        busy = [tick for at, tick in enumerate(ticks) if at not in {3, 4} and tick is not None]
        return (sum(busy) / _TICKS if len(busy) == 5 else None), stat

    def _oom_kills(self) -> tuple[int | None, CounterFile]:
        vmstat = self._files[str(self._proc / "vmstat")]
        return integer(vmstat.table().get(b"oom_kill")), vmstat


def _bytes(held: Mapping[str, int | None], *names: str, minus: str | None = None) -> int | None:
    """Return the sum of these lines of /proc/meminfo less another; None where one is missing."""
    known = [value for name in names if (value := held.get(name)) is not None]
    less = held.get(minus) if minus else 0
    return None if less is None or len(known) < len(names) else (sum(known) - less) * _KB


def _since(start: float | None, now: float | None) -> float | None:
    return None if start is None or now is None else now - start
