"""A VM's walls: a control group with a memory limit and a CPU quota, on cgroup v1 or v2.

No library does this well, so the files are written here. Everything goes through a `Hierarchy` that knows the
file names of its version; paths start at a given root, so that tests use a made-up tree.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from profiles import pidfd
from profiles.cgroup_paths import paths_of
from profiles.control_files import put
from profiles.counter_files import CounterFile
from profiles.errors import OomproofError, RunError
from profiles.vm_size import VmSize
from profiles.walls import NAME_PREFIX, Reading


class Hierarchy(Protocol):
    """What differs between cgroup v1 and v2."""

    name: str

    def folders(self, group: str) -> list[Path]:
        """The group's folders, one a hierarchy; the first one lists its processes."""

    def add(self, group: str) -> None:
        """Make the group, which can then be given limits; raises OSError."""

    def remove(self, group: str) -> None:
        """Remove the group, which must be empty, and whatever was changed to have it."""

    def limits_cpu(self, group: str) -> bool:
        """Whether the group can be given a share of the CPU."""

    def limit(self, group: str, size: VmSize) -> None:
        """Set memory, swap and CPU weight; raises OSError."""

    def set_cpu_quota(self, group: str, cpus: float) -> None:
        """Let the group use `cpus` cores' worth of every period; raises OSError."""

    def read(self, group: str) -> Reading:
        """Read the counters."""


class Cgroup:
    """One VM's control group. `create` makes it, `destroy` leaves nothing behind."""

    def __init__(self, hierarchy: Hierarchy, name: str) -> None:
        if not name.startswith(NAME_PREFIX) or "/" in name:
            raise OomproofError(
                f"VM {name!r}: not a name of ours. All in a group of another would be killed."
            )
        self.hierarchy = hierarchy
        self.name = name
        self.backend = hierarchy.name
        self.emulated = False
        self._procs: CounterFile | None = None

    @property
    def limits_cpu(self) -> bool:
        """Whether the VM's share of the CPU is kept: not where no CPU controller was given to us."""
        return self.hierarchy.limits_cpu(self.name)

    def create(self, size: VmSize) -> None:
        """Make the group with its limits.

        Raises:
            OomproofError: the machine does not let us; says which file.
        """
        try:
            self.hierarchy.add(self.name)
            self.hierarchy.limit(self.name, size)
            self.set_cpus(size.cpus)
        except OSError as error:
            self._undo()
            raise OomproofError(
                f"{error.filename}: {error.strerror}. A real limit needs root and a writable cgroup tree "
                "(run with sudo, or in a container started with --privileged)."
            ) from None
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        with contextlib.suppress(OomproofError, OSError):  # why it could not be made says more
            self.destroy()

    def join(self) -> None:
        """Put the calling process inside, in every hierarchy."""
        for folder in self.hierarchy.folders(self.name):
            (folder / "cgroup.procs").write_text("0")

    def set_cpus(self, cpus: float) -> None:
        """Let the VM use `cpus` cores' worth of every period, where that can be limited; raises OSError."""
        if self.limits_cpu:
            self.hierarchy.set_cpu_quota(self.name, cpus)

    def pids(self) -> list[int]:
        """The processes inside; empty when the group is gone."""
        if self._procs is None:
            self._procs = CounterFile(self.hierarchy.folders(self.name)[0] / "cgroup.procs")
        lines = (self._procs.whole() or b"").split()
        self._procs.close()  # cgroup v1 shows the same list for as long as the file is open
        return [int(line) for line in lines if line != b"0"]  # 0: of another PID namespace

    def kill_all(self, within_s: float = 10.0) -> bool:
        """Kill every process inside, also those born meanwhile; return whether the group is empty."""
        deadline = time.monotonic() + within_s
        while pids := self.pids():
            if time.monotonic() > deadline:
                return False
            self._kill(pids)
            time.sleep(0.02)  # a killed process stays listed until the kernel has freed its memory
        return True

    def _kill(self, pids: Sequence[int]) -> None:
        at_once = self.hierarchy.folders(self.name)[0] / "cgroup.kill"  # v2, from Linux 5.14 on
        if at_once.exists():
            with contextlib.suppress(OSError):
                put(at_once, "1")
                return
        for pid in pids:
            pidfd.send(pid, signal.SIGKILL, functools.partial(self._holds, pid))

    def _holds(self, pid: int) -> bool:
        """Whether a process is inside; cgroup v1 no longer says where one is whose first thread has ended."""
        return any(self.name in path.split("/") for path in paths_of(pid).values()) or pid in self.pids()

    def destroy(self) -> None:
        """Kill what is inside and remove the group.

        Raises:
            RunError: something inside does not die, so that the group stays.
        """
        self.kill_all()
        self.hierarchy.remove(self.name)
        left = [folder for folder in self.hierarchy.folders(self.name) if folder.exists()]
        if left:
            inside = ", ".join(map(str, self.pids())) or "none that we see"
            raise RunError(
                f"{left[0]}: could not be removed (processes inside: {inside}). End them, then remove it with rmdir."
            )

    def read(self) -> Reading:
        """Read the counters."""
        return self.hierarchy.read(self.name)


def stale_groups(hierarchy: Hierarchy) -> Iterator[Cgroup]:
    """Groups whose owner is no longer alive."""
    trees = hierarchy.folders("")
    for name in sorted({folder.name for tree in trees for folder in tree.glob(f"{NAME_PREFIX}*")}):
        owner = name.removeprefix(NAME_PREFIX).partition("-")[0]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            yield Cgroup(hierarchy, name)
