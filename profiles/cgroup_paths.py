"""Where a running process lives: the control group of each controller, and its folder on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiles.process_tree import PROC

MEMORY = "memory"
UNIFIED = ""
"""Stands for all controllers of the one tree of cgroup v2."""


@dataclass(frozen=True)
class Mount:
    """One mounted cgroup tree: where it is, which group its top is, and its controllers."""

    folder: Path
    top: str
    controllers: frozenset[str]

    def folder_of(self, group: str) -> Path | None:
        """Return the folder of a group; None when it lies outside of what is mounted here."""
        if self.top in ("/", group):
            inside = "" if self.top == group else group
        elif group.startswith(f"{self.top}/"):
            inside = group.removeprefix(self.top)
        else:
            return None
        parts = Path(inside.lstrip("/"))
        return None if ".." in parts.parts else self.folder / parts

    def group_of(self, folder: Path) -> str | None:
        """Return the group that a folder is; None when it lies elsewhere."""
        if not folder.is_relative_to(self.folder):
            return None
        inside = folder.relative_to(self.folder).as_posix()
        return self.top if inside == "." else f"{self.top.rstrip('/')}/{inside}"


@dataclass(frozen=True)
class Group:
    """The control group that holds a process's memory: its path as the kernel names it, and its folders.

    `folders` has one a controller on cgroup v1, and one alone, under `UNIFIED`, on cgroup v2.
    """

    path: str
    folders: Mapping[str, Path]

    @property
    def is_unified(self) -> bool:
        """Whether it is one of cgroup v2."""
        return UNIFIED in self.folders

    @property
    def memory(self) -> Path:
        """Where its memory is counted."""
        return self.folders[UNIFIED if self.is_unified else MEMORY]


def cgroup_mounts(proc: Path = PROC) -> list[Mount]:
    """Return the cgroup trees that we can see (proc(5), mountinfo)."""
    try:
        lines = (proc / "self" / "mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [mount for line in lines if (mount := _mount(line)) is not None]


def _mount(line: str) -> Mount | None:
    before, _, after = line.partition(" - ")
    words, kind = before.split(), after.split()
    if len(words) < 5 or len(kind) < 3 or kind[0] not in {"cgroup", "cgroup2"}:
        return None
    controllers = {UNIFIED} if kind[0] == "cgroup2" else set(kind[2].split(","))
    return Mount(Path(_unescaped(words[4])), _unescaped(words[3]), frozenset(controllers))


def _unescaped(text: str) -> str:
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")


def paths_of(pid: int, proc: Path = PROC) -> dict[str, str]:
    """Return the group's path of each controller of a process; empty when it is gone or not ours to see."""
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    parts = (line.split(":", 2) for line in lines)
    return {controller: part[2] for part in parts if len(part) == 3 for controller in part[1].split(",")}


def group_of(paths: Mapping[str, str], mounts: Sequence[Mount]) -> Group | None:
    """Return the group that counts the memory of who lives at these paths; None where its folder is not to be seen.

    On a machine with both versions, memory is counted on cgroup v1 where that has the controller.
    """
    folders = {
        controller: folder
        for controller, path in paths.items()
        for mount in mounts
        if controller in mount.controllers
        and (folder := mount.folder_of(path)) is not None
        and folder.is_dir()
    }
    if MEMORY in folders:
        # Another group's CPU time would say nothing of this one.
        same = {name for name in (MEMORY, "cpu", "cpuacct") if paths.get(name) == paths[MEMORY]}
        return Group(paths[MEMORY], {name: path for name, path in folders.items() if name in same})
    if UNIFIED in folders:
        return Group(paths[UNIFIED], {UNIFIED: folders[UNIFIED]})
    return None


def named_group(name: str, mounts: Sequence[Mount]) -> Group | None:
    """Return the group of a path as the kernel names it, or of a folder; None where there is none."""
    folder = Path(name)
    for mount in mounts:
        if (path := mount.group_of(folder)) is not None:
            name = path
    path = f"/{name.strip('/')}"
    return group_of({controller: path for mount in mounts for controller in mount.controllers}, mounts)


def members(folder: Path) -> list[int]:
    """Return the processes in a group and in all below it; raises OSError when the group is gone."""
    pids = _listed(folder)
    for inner in sorted(path for path in folder.rglob("*") if path.is_dir()):
        try:
            pids += _listed(inner)
        except OSError:
            continue  # it went while we looked
    return pids


def _listed(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
