"""cgroup v2: one unified tree."""

from __future__ import annotations

from pathlib import Path

from profiles.cgroup import SWAP_COMPLAINT, read_number, read_table, swap_is_on
from profiles.errors import OomproofError
from profiles.vm_size import CPU_PERIOD_US, VmSize
from profiles.walls import Reading


class CgroupV2:
    """One unified tree."""

    name = "cgroup v2"

    def __init__(self, root: Path = Path("/sys/fs/cgroup"), swaps: Path = Path("/proc/swaps")) -> None:
        self.root = root
        self.swaps = swaps

    def folders(self, group: str) -> list[Path]:
        """The group's one folder."""
        return [self.root / group]

    def limit(self, group: str, size: VmSize) -> None:
        """Set the limits: no swap, kernel kills one process (not the group), and a low CPU weight."""
        (self.root / "cgroup.subtree_control").write_text("+memory +cpu")
        folder = self.root / group
        (folder / "memory.max").write_text(str(size.memory_bytes))
        swap = folder / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")
        elif swap_is_on(self.swaps):
            raise OomproofError(f"{self.swaps}: {SWAP_COMPLAINT}")
        (folder / "memory.oom.group").write_text("0")
        (folder / "cpu.weight").write_text("6")

    def set_cpu_quota(self, group: str, cpus: float) -> None:
        """Let the group use `cpus` cores' worth of every period."""
        (self.root / group / "cpu.max").write_text(f"{int(cpus * CPU_PERIOD_US)} {CPU_PERIOD_US}")

    def read(self, group: str) -> Reading:
        """Read the counters."""
        folder = self.root / group
        stat = read_table(folder / "memory.stat")
        cpu = read_table(folder / "cpu.stat")
        cpu_us, throttled_us = cpu.get("usage_usec"), cpu.get("throttled_usec")
        return Reading(
            vm_bytes=read_number(folder / "memory.current"),
            peak_vm_bytes=read_number(folder / "memory.peak"),
            anon_bytes=stat.get("anon"),
            file_bytes=stat.get("file"),
            kernel_bytes=stat.get("kernel"),
            cpu_s=None if cpu_us is None else cpu_us / 1e6,
            throttled_s=None if throttled_us is None else throttled_us / 1e6,
            oom_kills=read_table(folder / "memory.events").get("oom_kill"),
        )
