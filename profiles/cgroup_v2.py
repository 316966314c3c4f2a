"""cgroup v2: one unified tree."""

from __future__ import annotations

from pathlib import Path

from profiles.cgroup import CGROUP_ROOT, NEEDS_ROOT, SWAP_COMPLAINT, swap_is_on, unwritable
from profiles.counter_files import CounterFiles, integer, pressure, reading_of, seconds
from profiles.errors import OomproofError
from profiles.offer import Offer
from profiles.vm_size import CPU_PERIOD_US, VmSize
from profiles.walls import Reading


class CgroupV2:
    """One unified tree."""

    name = "cgroup v2"

    def __init__(self, root: Path = CGROUP_ROOT, swaps: Path = Path("/proc/swaps")) -> None:
        self.root = root
        self.swaps = swaps
        self._files = CounterFiles()

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
        folder = f"{self.root}/{group}"
        files = {
            name: self._files[f"{folder}/{name}"]
            for name in (
                "memory.current", "memory.peak", "memory.max", "memory.swap.current", "memory.stat", "memory.events",
                "memory.pressure", "cpu.stat",
            )
        }  # fmt: skip
        usage, peak, limit, swap, stat, events, psi, cpu = files.values()
        held, used, happened = stat.table(), cpu.table(), events.table()
        some, full = pressure(psi.read())
        return reading_of(
            {
                "vm_bytes": (usage.number(), usage),
                "peak_vm_bytes": (peak.number(), peak),
                "limit_bytes": (limit.number(), limit),
                "swap_bytes": (swap.number(), swap),
                "anon_bytes": (integer(held.get(b"anon")), stat),
                "file_bytes": (integer(held.get(b"file")), stat),
                "kernel_bytes": (integer(held.get(b"kernel")), stat),
                "cpu_s": (seconds(integer(used.get(b"usage_usec")), 1e6), cpu),
                "throttled_s": (seconds(integer(used.get(b"throttled_usec")), 1e6), cpu),
                "oom_kills": (integer(happened.get(b"oom_kill")), events),
                "limit_hits": (integer(happened.get(b"max")), events),
                "psi_some": (some, psi),
                "psi_full": (full, psi),
            }
        )


def offer(root: Path = CGROUP_ROOT) -> Offer:
    """Return whether VMs can be made on cgroup v2."""
    if not (root / "cgroup.controllers").exists():
        reason = f"{root}: no cgroup v2 tree there"
        return Offer("cgroup v2", available=False, reason=reason, way_out="Use another backend.")
    if complaint := unwritable(root):
        return Offer("cgroup v2", available=False, reason=complaint, way_out=NEEDS_ROOT)
    return Offer("cgroup v2", available=True)
