"""What the machine under the server holds, and its limit: that of the server's control group, or all there is.

A Fly machine is the VM, and limits nothing in it; a container or a service has a control group with a limit. Of
several, one inside the other, the tightest counts: there the kernel kills first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

VmSource = Literal["cgroup", "machine"]

_MEMORY = "memory"
_UNIFIED = ""
"""The one hierarchy of cgroup v2, as /proc/self/cgroup names it."""

_FILES = {
    _MEMORY: ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    _UNIFIED: ("memory.max", "memory.current"),
}
"""A group's limit and what it uses of it, by hierarchy; that includes its page cache."""


@dataclass(frozen=True)
class VmMemory:
    """Bytes in use of the bytes that there are."""

    used_bytes: int
    limit_bytes: int
    source: VmSource


def read_vm_memory(root: Path = Path("/")) -> VmMemory:
    """Look at the control groups of this process and at the machine; waits for /proc.

    A group whose limit is above the machine's memory has none: that is how cgroup v1 writes *unlimited*.
    """
    machine = _machine(root / "proc" / "meminfo")
    limited = [group for group in _groups(root) if 0 < group.limit_bytes <= machine.limit_bytes]
    return min(limited, key=lambda group: group.limit_bytes, default=machine)


def _machine(meminfo: Path) -> VmMemory:
    lines = (line.split() for line in meminfo.read_text().splitlines())
    kib = {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) > 1}
    total = kib["MemTotal"] * 1024
    return VmMemory(total - kib["MemAvailable"] * 1024, total, "machine")


def _groups(root: Path) -> Iterator[VmMemory]:
    """Yield the groups that this process's memory is counted in, the innermost first, as far as they have a limit."""
    paths = dict(_paths(root / "proc" / "self" / "cgroup"))
    for hierarchy, top, mounted_at in _mounts(root / "proc" / "self" / "mountinfo"):
        inside = _inside(paths.get(hierarchy), top)
        if inside is None:
            continue
        for group in (inside, *inside.parents):
            found = _read(root / mounted_at.relative_to("/") / group, *_FILES[hierarchy])
            if found is not None:
                yield found


def _paths(cgroup: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield the path of this process's group by hierarchy."""
    for line in cgroup.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, PurePosixPath(path)


def _mounts(mountinfo: Path) -> Iterator[tuple[str, PurePosixPath, PurePosixPath]]:
    """Yield the hierarchies that may count memory: which group is the top of what is mounted, and where that is."""
    for line in mountinfo.read_text().splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split()[:3]
        top, mounted_at = (PurePosixPath(word) for word in before.split()[3:5])
        if kind == "cgroup2":
            yield _UNIFIED, top, mounted_at
        elif kind == "cgroup" and _MEMORY in options.split(","):
            yield _MEMORY, top, mounted_at


def _inside(path: PurePosixPath | None, top: PurePosixPath) -> PurePosixPath | None:
    """Return where a group is below what is mounted; None where it is elsewhere, in another namespace."""
    if path is None or not path.is_relative_to(top) or ".." in path.parts:
        return None
    return path.relative_to(top)


def _read(folder: Path, limit: str, usage: str) -> VmMemory | None:
    try:
        return VmMemory(int((folder / usage).read_text()), int((folder / limit).read_text()), "cgroup")
    except (OSError, ValueError):  # the top of all has no limit, and `max` is none
        return None
