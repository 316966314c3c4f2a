"""cgroup v1: one tree a controller, as older machines and some containers have it."""

from __future__ import annotations

from pathlib import Path

from profiles.control_files import CGROUP_ROOT, NEEDS_ROOT, check_room, put, remove_folder, unwritable
from profiles.counter_files import CounterFile, CounterFiles, integer, reading_of, seconds
from profiles.offer import Offer
from profiles.swap import SWAPS, check_swap_counted
from profiles.vm_size import CPU_PERIOD_US, VmSize
from profiles.walls import Reading

NO_LIMIT = 1 << 62
"""The kernel writes that there is no limit as a number above this."""


class CgroupV1:
    """One tree a controller, as older machines and some containers have it."""

    name = "cgroup v1"

    def __init__(self, root: Path = CGROUP_ROOT, swaps: Path = SWAPS) -> None:
        self.memory = root / "memory"
        self.cpu = root / "cpu"
        self.cpuacct = root / "cpuacct"
        self.swaps = swaps
        self._files = CounterFiles()

    def folders(self, group: str) -> list[Path]:
        """The group's folders: memory first."""
        trees = {tree.resolve(): tree for tree in (self.memory, self.cpu, self.cpuacct) if tree.is_dir()}
        return [tree / group for tree in trees.values()]

    def add(self, group: str) -> None:
        """Make the group's folders."""
        for folder in self.folders(group):
            folder.mkdir(exist_ok=True)

    def remove(self, group: str) -> None:
        """Remove the group's folders."""
        for folder in self.folders(group):
            remove_folder(folder)

    def limits_cpu(self, group: str) -> bool:
        """Whether the kernel has quotas (CONFIG_CFS_BANDWIDTH) and the controller is here."""
        return (self.cpu / group / "cpu.cfs_quota_us").exists()

    def limit(self, group: str, size: VmSize) -> None:
        """Set the limits: swap is counted too, and the VM yields to the witnesses outside it."""
        folder = self.memory / group
        put(folder / "memory.limit_in_bytes", str(size.memory_bytes))
        check_room(self.memory / "memory.limit_in_bytes", size.memory_bytes)
        with_swap = folder / "memory.memsw.limit_in_bytes"
        check_swap_counted(size, counted=with_swap.exists(), swaps=self.swaps)
        if with_swap.exists():
            put(with_swap, str(size.memory_bytes + size.swap_bytes))
        if not size.swap_mb:
            put(folder / "memory.swappiness", "0")
        if self.limits_cpu(group):
            put(self.cpu / group / "cpu.shares", "64")

    def set_cpu_quota(self, group: str, cpus: float) -> None:
        """Let the group use `cpus` cores' worth of every period."""
        folder = self.cpu / group
        put(folder / "cpu.cfs_period_us", str(CPU_PERIOD_US))
        put(folder / "cpu.cfs_quota_us", str(int(cpus * CPU_PERIOD_US)))

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
                "limit_hits": (_counted(hits), hits),
            }
        )


def _counted(hits: CounterFile) -> int | None:
    """Return how often the limit was met; a kernel such as 6.18 says 0 even after a kill, so 0 tells nothing."""
    if (count := hits.number()) != 0:
        return count
    hits.complain("says 0, as kernels do that do not count")
    return None


def offer(root: Path = CGROUP_ROOT) -> Offer:
    """Return whether VMs can be made on cgroup v1: by root, where the memory controller is there."""
    if not (root / "memory" / "memory.limit_in_bytes").exists():
        reason = f"{root}: the memory controller is not on cgroup v1 here"
        return Offer("cgroup v1", available=False, reason=reason, way_out="Use another backend.")
    if complaint := unwritable(root / "memory"):
        return Offer("cgroup v1", available=False, reason=complaint, way_out=NEEDS_ROOT)
    return Offer("cgroup v1", available=True)
