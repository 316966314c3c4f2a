"""cgroup v1: one tree a controller, as older machines and some containers have it."""

from __future__ import annotations

from pathlib import Path

from profiles.cgroup import SWAP_COMPLAINT, read_number, read_table, swap_is_on
from profiles.errors import OomproofError
from profiles.vm_size import CPU_PERIOD_US, VmSize
from profiles.walls import Reading


class CgroupV1:
    """One tree a controller, as older machines and some containers have it."""

    name = "cgroup v1"

    def __init__(self, root: Path = Path("/sys/fs/cgroup"), swaps: Path = Path("/proc/swaps")) -> None:
        self.memory = root / "memory"
        self.cpu = root / "cpu"
        self.cpuacct = root / "cpuacct"
        self.swaps = swaps

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
        """Read the counters."""
        folder = self.memory / group
        stat = read_table(folder / "memory.stat")
        cpu_ns = read_number(self.cpuacct / group / "cpuacct.usage")
        throttled_ns = read_table(self.cpu / group / "cpu.stat").get("throttled_time")
        return Reading(
            vm_bytes=read_number(folder / "memory.usage_in_bytes"),
            peak_vm_bytes=read_number(folder / "memory.max_usage_in_bytes"),
            anon_bytes=stat.get("total_rss"),
            file_bytes=stat.get("total_cache"),
            kernel_bytes=read_number(folder / "memory.kmem.usage_in_bytes"),
            cpu_s=None if cpu_ns is None else cpu_ns / 1e9,
            throttled_s=None if throttled_ns is None else throttled_ns / 1e9,
            oom_kills=read_table(folder / "memory.oom_control").get("oom_kill"),
        )
