"""A VM's walls: a control group with a memory limit and a CPU quota, on cgroup v1 or v2.

No library does this well, so the files are written here. Everything goes through a `Hierarchy` that knows the
file names of its version; paths start at a given root, so that tests use a made-up tree.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from profiles.errors import OomproofError
from profiles.vm_size import VmSize
from profiles.walls import NAME_PREFIX, Reading

CGROUP_ROOT = Path("/sys/fs/cgroup")
NEEDS_ROOT = "Run with sudo, or in a container started with --privileged."
SWAP_COMPLAINT = (
    "swap is on and not counted against the limit, which hides what kills. "
    "Run swapoff -a, or boot with swapaccount=1."
)


class Hierarchy(Protocol):
    """What differs between cgroup v1 and v2."""

    name: str

    def folders(self, group: str) -> list[Path]:
        """The group's folders, one a hierarchy; the first one lists its processes."""

    def limit(self, group: str, size: VmSize) -> None:
        """Set memory, swap and CPU weight; raises OSError."""

    def set_cpu_quota(self, group: str, cpus: float) -> None:
        """Let the group use `cpus` cores' worth of every period; raises OSError."""

    def read(self, group: str) -> Reading:
        """Read the counters."""


class Cgroup:
    """One VM's control group. `create` makes it, `destroy` leaves nothing behind."""

    def __init__(self, hierarchy: Hierarchy, name: str) -> None:
        self.hierarchy = hierarchy
        self.name = name
        self.backend = hierarchy.name
        self.emulated = False

    def create(self, size: VmSize) -> None:
        """Make the group with its limits.

        Raises:
            OomproofError: the machine does not let us; says which file.
        """
        try:
            for folder in self.hierarchy.folders(self.name):
                folder.mkdir(exist_ok=True)
            self.hierarchy.limit(self.name, size)
            self.hierarchy.set_cpu_quota(self.name, size.cpus)
        except OomproofError:
            self.destroy()
            raise
        except OSError as error:
            self.destroy()
            raise OomproofError(
                f"{error.filename}: {error.strerror}. A real limit needs root and a writable cgroup tree "
                "(run with sudo, or in a container started with --privileged)."
            ) from None

    def join(self) -> None:
        """Put the calling process inside, in every hierarchy."""
        for folder in self.hierarchy.folders(self.name):
            (folder / "cgroup.procs").write_text("0")

    def set_cpus(self, cpus: float) -> None:
        """Let the VM use `cpus` cores' worth of every period; raises OSError."""
        self.hierarchy.set_cpu_quota(self.name, cpus)

    def pids(self) -> list[int]:
        """The processes inside; empty when the group is gone."""
        try:
            text = (self.hierarchy.folders(self.name)[0] / "cgroup.procs").read_text()
        except OSError:
            return []
        return [int(line) for line in text.split()]

    def kill_all(self, within_s: float = 10.0) -> bool:
        """Kill every process inside, also those born meanwhile; return whether the group is empty."""
        deadline = time.monotonic() + within_s
        while pids := self.pids():
            if time.monotonic() > deadline:
                return False
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.02)  # a killed process stays listed until the kernel has freed its memory
        return True

    def destroy(self) -> None:
        """Kill what is inside and remove the group."""
        self.kill_all()
        for folder in self.hierarchy.folders(self.name):
            _remove(folder)

    def read(self) -> Reading:
        """Read the counters."""
        return self.hierarchy.read(self.name)


def _remove(folder: Path, within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)  # EBUSY until the kernel has let the last process go


def stale_groups(hierarchy: Hierarchy) -> Iterator[Cgroup]:
    """Groups whose owner is no longer alive."""
    trees = hierarchy.folders("")
    for name in sorted({folder.name for tree in trees for folder in tree.glob(f"{NAME_PREFIX}*")}):
        owner = name.removeprefix(NAME_PREFIX).partition("-")[0]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            yield Cgroup(hierarchy, name)


def read_number(path: Path) -> int | None:
    """Return the one number in a counter file; None where it cannot be read."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def read_table(path: Path) -> dict[str, int]:
    """Return the `key number` lines of a counter file; empty where it cannot be read."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split() for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}


def swap_is_on(swaps: Path) -> bool:
    """Return whether the machine swaps: /proc/swaps has a line below its heading."""
    try:
        return len(swaps.read_text().splitlines()) > 1
    except OSError:
        return False


def unwritable(folder: Path) -> str | None:
    """Return why no group can be made in a folder; None where it can."""
    if not folder.is_dir():
        return f"{folder}: is not there"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder}: cannot be written by this user" if os.geteuid() else f"{folder}: is read-only"
    return None
