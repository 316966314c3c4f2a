"""The walls around a process that runs already: found and read. Nothing is built, changed or killed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from profiles.attached import BACKEND, MEMBERS_FILE, Attachment, read_attachment
from profiles.cgroup_paths import members
from profiles.cgroup_v1 import CgroupV1
from profiles.cgroup_v2 import CgroupV2
from profiles.counter_files import CounterFiles
from profiles.process_tree import PROC, ProcessTree
from profiles.vm_size import VmSize
from profiles.walls import Reading
from profiles.whole_machine import WholeMachine


class AttachedWalls:
    """The walls that were found around a running process or control group."""

    backend = BACKEND
    emulated = False
    limits_cpu = False

    def __init__(self, name: str, folder: Path, proc: Path = PROC) -> None:
        self.name = name
        self.attachment = read_attachment(folder)
        self._tree = ProcessTree(folder / MEMBERS_FILE, proc)
        self._counters = counters_of(self.attachment) or WholeMachine(name, folder, proc)

    def create(self, size: VmSize) -> None:
        """Build nothing: they are there."""

    def join(self) -> None:
        """Put nobody inside: what is watched is not ours."""

    def set_cpus(self, cpus: float) -> None:
        """Change nothing: the CPU is not ours to limit."""

    def kill_all(self, within_s: float = 10.0) -> bool:
        """Kill nobody, and say that there is nothing left to do."""
        return True

    def destroy(self) -> None:
        """Remove nothing: they are not ours."""

    def pids(self) -> list[int]:
        """The processes that are watched; raises OSError when the group is gone."""
        group = self.attachment.group
        if self.attachment.by_tree or group is None:
            return self._tree.pids()
        ours = {os.getpid(), self.attachment.owner_pid}
        return [pid for pid in members(group.memory) if pid not in ours]

    def read(self) -> Reading:
        """Read the counters. Where others are counted too, they do not say who was killed, nor who used the CPU."""
        found = self._counters.read()
        kills, hits = self._since("oom_kills", found.oom_kills), self._since("limit_hits", found.limit_hits)
        why = (
            found.why if found.limit_bytes is not None else {**found.why, "limit_bytes": "no limit was found"}
        )
        reading = replace(found, oom_kills=kills, limit_hits=hits, why=why)
        if not self.attachment.shared:
            return reading
        others = f"{self.attachment.group_path or 'this machine'}: others are counted there too"
        why = {**why, "oom_kills": others, "cpu_s": others, "throttled_s": others}
        return replace(reading, oom_kills=None, cpu_s=None, throttled_s=None, why=why)

    def _since(self, name: str, count: int | None) -> int | None:
        """Return a counter of the group's whole life as it grew since it was attached to."""
        before = self.attachment.counted.get(name)
        if count is None or before is None:  # not known then: what was before cannot be taken off
            return None
        return count if count < before else count - before  # lower: it was made anew, so all is of our time


class GroupCounters:
    """The counters of a group of cgroup v2, with the limit that holds it: its own, or a lower one above it."""

    def __init__(self, folder: Path) -> None:
        self._group = CgroupV2(folder)
        self._files = CounterFiles()
        chain = (folder, *folder.parents)
        self._limits = [str(path / "memory.max") for path in chain if (path / "memory.max").exists()]

    def read(self) -> Reading:
        """Read them."""
        reading = self._group.read("")
        known = [limit for path in self._limits if (limit := self._files[path].number()) is not None]
        return replace(reading, limit_bytes=min(known, default=None))


class TreesCounters:
    """The counters of a group of cgroup v1, which has a folder for each controller."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self._trees = CgroupV1()
        self._trees.memory = folders["memory"]
        self._trees.cpu = folders.get("cpu", folders["memory"])
        self._trees.cpuacct = folders.get("cpuacct", folders["memory"])

    def read(self) -> Reading:
        """Read them. A kill is counted in the victim's group, and in none above it."""
        reading = self._trees.read("")
        inner = next(self._trees.memory.glob("*/memory.oom_control"), None)
        if inner is None:
            return reading
        why = {**reading.why, "oom_kills": f"{inner.parent}: cgroup v1 counts its kills there alone"}
        return replace(reading, oom_kills=None, why=why)


def counters_of(attachment: Attachment) -> GroupCounters | TreesCounters | None:
    """Return what counts the memory of the group of what is watched; None where the machine is all there is."""
    group = attachment.group
    if group is None:
        return None
    return GroupCounters(group.memory) if group.is_unified else TreesCounters(dict(group.folders))
