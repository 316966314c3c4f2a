"""cgroup v1: one tree a controller, as older machines and some containers have it."""

from __future__ import annotations

from pathlib import Path

from profiles.cgroup import CGROUP_ROOT, NEEDS_ROOT, SWAP_COMPLAINT, swap_is_on, unwritable
from profiles.counter_files import CounterFiles, integer, reading_of, seconds
from profiles.errors import OomproofError
from profiles.offer import Offer
from profiles.vm_size import CPU_PERIOD_US, VmSize
from profiles.walls import Reading

NO_LIMIT = 1 << 62
"""The kernel writes that there is no limit as a number above this."""


class CgroupV1:
    """One tree a controller, as older machines and some containers have it."""

    name = "cgroup v1"

    def __init__(self, root: Path = CGROUP_ROOT, swaps: Path = Path("/proc/swaps")) -> None:
        self.memory = root / "memory"
        self.cpu = root / "cpu"
        self.cpuacct = root / "cpuacct"
        self.swaps = swaps
        self._files = CounterFiles()

    def folders(self, group: str) -> list[Path]:
        """The group's folders: memory first."""
        trees = {tree.resolve(): tree for tree in (self.memory, self.cpu, self.cpuacct)}
        return [tree / group for tree in trees.values()]

    def limit(self, group: str, size: VmSize) -> None:
        """Set the limits: swap is counted against memory, and the VM yields to the witnesses outside it."""
        folder = self.memory / group
        (folder / "memory.limit_in_bytes").write_text(str(size.memory_bytes))
        with_swap = folder / "memory.memsw.limit_in_bytes"
        if with_swap.exists():
            with_swap.write_text(str(size.memory_bytes))
        elif swap_is_on(self.swaps):
            raise OomproofError(f"{self.swaps}: {SWAP_COMPLAINT}")
        (folder / "memory.swappiness").write_text("0")
        (self.cpu / group / "cpu.shares").write_text("64")

    def set_cpu_quota(self, group: str, cpus: float) -> None:
        """Let the group use `cpus` cores' worth of every period."""
        folder = self.cpu / group
        (folder / "cpu.cfs_period_us").write_text(str(CPU_PERIOD_US))
        (folder / "cpu.cfs_quota_us").write_text(str(int(cpus * CPU_PERIOD_US)))

    def read(self, group: str) -> Reading:
        """Read the counters. The limit is the one that counts: the group's own, or a lower one above it."""
        folder = f"{self.memory}/{group}/memory"
        stat, kills = self._files[f"{folder}.stat"], self._files[f"{folder}.oom_control"]
        usage, peak = self._files[f"{folder}.usage_in_bytes"], self._files[f"{folder}.max_usage_in_bytes"]
        kernel, hits = self._files[f"{folder}.kmem.usage_in_bytes"], self._files[f"{folder}.failcnt"]
        cpu = self._files[f"{self.cpuacct}/{group}/cpuacct.usage"]
        throttled = self._files[f"{self.cpu}/{group}/cpu.stat"]
        held = stat.table()
        limit = integer(held.get(b"hierarchical_memory_limit"))
        return reading_of(
            {
                "vm_bytes": (usage.number(), usage),
                "peak_vm_bytes": (peak.number(), peak),
                "limit_bytes": (None if limit is None or limit >= NO_LIMIT else limit, stat),
                "swap_bytes": (integer(held.get(b"total_swap")), stat),
                "anon_bytes": (integer(held.get(b"total_rss")), stat),
                "file_bytes": (integer(held.get(b"total_cache")), stat),
                "kernel_bytes": (kernel.number(), kernel),
                "cpu_s": (seconds(cpu.number(), 1e9), cpu),
                "throttled_s": (seconds(integer(throttled.table().get(b"throttled_time")), 1e9), throttled),
                "oom_kills": (integer(kills.table().get(b"oom_kill")), kills),
                "limit_hits": (hits.number(), hits),
            }
        )


def offer(root: Path = CGROUP_ROOT) -> Offer:
    """Return whether VMs can be made on cgroup v1: by root, where the memory controller is there."""
    if not (root / "memory" / "memory.limit_in_bytes").exists():
        reason = f"{root}: the memory controller is not on cgroup v1 here"
        return Offer("cgroup v1", available=False, reason=reason, way_out="Use another backend.")
    if complaint := unwritable(root / "memory"):
        return Offer("cgroup v1", available=False, reason=complaint, way_out=NEEDS_ROOT)
    return Offer("cgroup v1", available=True)
