"""cgroup v2: one unified tree."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from profiles.control_files import CGROUP_ROOT, NEEDS_ROOT, check_room, put, remove_folder
from profiles.counter_files import CounterFiles, integer, pressure, reading_of, seconds
from profiles.delegated import (
    MEMBERSHIP,
    NEEDS_DELEGATE,
    NEEDS_MEMORY,
    base_of,
    locked,
    share_out,
    take_back,
    undelegated,
)
from profiles.offer import Offer
from profiles.swap import SWAPS, check_swap_counted
from profiles.vm_size import CPU_PERIOD_US, VmSize
from profiles.walls import Reading

NAME = "cgroup v2"


class CgroupV2:
    """The unified tree, or the part of it below `base` that VMs may be made in."""

    def __init__(self, base: Path, swaps: Path = SWAPS, name: str = NAME) -> None:
        self.base = base
        self.swaps = swaps
        self.name = name
        self._files = CounterFiles()

    def folders(self, group: str) -> list[Path]:
        """The group's one folder."""
        return [self.base / group]

    def add(self, group: str) -> None:
        """Make the group, in a subtree that gives it the controllers."""
        with locked(self.base):
            share_out(self.base)
            (self.base / group).mkdir(exist_ok=True)

    def remove(self, group: str) -> None:
        """Remove the group; the last one leaves the subtree as it was found."""
        if not self.base.is_dir():
            return
        with locked(self.base):
            remove_folder(self.base / group)
            take_back(self.base)

    def limits_cpu(self, group: str) -> bool:
        """Whether the CPU controller was given to us."""
        return (self.base / group / "cpu.max").exists()

    def limit(self, group: str, size: VmSize) -> None:
        """Set the limits: the kernel kills one process (not the group), and the VM yields to the witnesses."""
        folder = self.base / group
        put(folder / "memory.max", str(size.memory_bytes))
        for above in self._above():
            check_room(above / "memory.max", size.memory_bytes)
            check_room(above / "memory.swap.max", size.swap_bytes)
        swap = folder / "memory.swap.max"
        check_swap_counted(size, counted=swap.exists(), swaps=self.swaps)
        if swap.exists():
            put(swap, str(size.swap_bytes))
        if (folder / "memory.oom.group").exists():  # from Linux 4.19 on
            put(folder / "memory.oom.group", "0")
        if self.limits_cpu(group):
            put(folder / "cpu.weight", "6")
        with contextlib.suppress(
            OSError
        ):  # systemd-oomd(8) kills for mere pressure, which is what we measure
            os.setxattr(folder, "user.oomd_omit", b"1")

    def _above(self) -> Iterator[Path]:
        for folder in (self.base, *self.base.parents):
            if not (folder / "cgroup.controllers").exists():
                break
            yield folder

    def set_cpu_quota(self, group: str, cpus: float) -> None:
        """Let the group use `cpus` cores' worth of every period."""
        put(self.base / group / "cpu.max", f"{int(cpus * CPU_PERIOD_US)} {CPU_PERIOD_US}")

    def read(self, group: str) -> Reading:
        """Read the counters."""
        folder = f"{self.base}/{group}"
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


def offer(root: Path = CGROUP_ROOT, own: Path = MEMBERSHIP) -> Offer:
    """Return whether VMs can be made on cgroup v2: at the tree's root, or in a subtree that was given to us."""
    if not (root / "cgroup.controllers").exists():
        return _refused(f"{root}: no cgroup v2 tree there", "Use another backend.")
    base = base_of(root, own)
    if complaint := undelegated(base, root):
        return _refused(complaint, NEEDS_ROOT)
    controllers = (base / "cgroup.controllers").read_text().split()
    if "memory" not in controllers:
        return _refused(f"{base / 'cgroup.controllers'}: has no memory", NEEDS_MEMORY)
    if "cpu" not in controllers:
        reason = (
            f"{base / 'cgroup.controllers'}: has no cpu, so the memory is limited and the CPU share is not"
        )
        return Offer(NAME, available=True, reason=reason, way_out=NEEDS_DELEGATE)
    return Offer(NAME, available=True)


def _refused(reason: str, way_out: str) -> Offer:
    return Offer(NAME, available=False, reason=reason, way_out=way_out)
