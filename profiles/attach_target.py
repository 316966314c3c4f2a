"""What `oomproof attach` is to watch, found and checked: a process, a control group, a container."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from profiles.attached import Attachment
from profiles.attached_walls import counters_of
from profiles.cgroup_paths import Group, cgroup_mounts, group_of, members, named_group, paths_of
from profiles.containers import find_container
from profiles.errors import OomproofError
from profiles.process_stat import ProcessStat, read_stat
from profiles.process_tree import PROC

_KERNEL_THREADS = 2
"""The pid of kthreadd, and the parent of all other threads of the kernel."""


def attach_to_process(pid: int, proc: Path = PROC) -> Attachment:
    """Return what watches a process and its descendants, and the control group that it lives in.

    Raises:
        OomproofError: there is no such process, or it is none that can be watched.
    """
    stat = read_stat(proc, pid) if pid > 0 else None
    if stat is None:
        raise OomproofError(f"--pid {pid}: no such process, or not ours to see. Look for it with ps.")
    if stat.is_zombie:
        raise OomproofError(f"--pid {pid}: it has ended, and only waits for its parent. Name one that runs.")
    if _KERNEL_THREADS in (pid, stat.parent) and not _command(pid, proc):
        raise OomproofError(
            f"--pid {pid}: a thread of the kernel, which has no memory of its own. Name a process."
        )
    if pid in _ancestry(os.getpid(), proc):
        raise OomproofError(
            f"--pid {pid}: oomproof itself runs below it, and would be measured with it. Name the server's own pid."
        )
    group = group_of(paths_of(pid, proc), cgroup_mounts(proc))
    shared = group is not None and not _alone(stat, group, proc)
    return _counted(f"process {pid} ({_name(pid, proc)})", pid, group, by_tree=True, shared=shared)


def attach_to_group(name: str, proc: Path = PROC, *, what: str = "") -> Attachment:
    """Return what watches all that lives in a control group and below it.

    Raises:
        OomproofError: there is no such group, or it cannot be read.
    """
    group = named_group(name, cgroup_mounts(proc))
    if group is None:
        raise OomproofError(
            f"--cgroup {name}: no such group. Give its path as in /proc/PID/cgroup, or its folder below /sys/fs/cgroup."
        )
    if _is_whole_machine(group):
        raise OomproofError(
            f"--cgroup {name}: this is the whole machine. Name a group below it, or give --pid."
        )
    try:
        inside = members(group.memory)
    except (OSError, ValueError) as error:
        raise OomproofError(f"--cgroup {name}: cannot be read: {error}.") from None
    server = first_process(inside, {os.getpid()}, proc)
    shared = os.getpid() in inside
    return _counted(what or f"control group {group.path}", server, group, by_tree=False, shared=shared)


def attach_to_container(name: str, proc: Path = PROC) -> Attachment:
    """Return what watches a running container.

    Raises:
        OomproofError: it is not found, or does not run here.
    """
    return attach_to_group(find_container(name, proc), proc, what=f"container {name}")


def first_process(pids: Iterable[int], besides: set[int], proc: Path = PROC) -> int | None:
    """Return the process that the others of a group came from: of those whose parent is outside, the oldest."""
    inside = {pid: stat for pid in pids if pid not in besides and (stat := read_stat(proc, pid)) is not None}
    tops = [stat for stat in inside.values() if stat.parent not in inside and not stat.is_zombie]
    first = min(tops, key=lambda stat: stat.start_ticks, default=None)
    return None if first is None else first.pid


def _counted(
    what: str, server: int | None, group: Group | None, *, by_tree: bool, shared: bool
) -> Attachment:
    """Return the attachment, with the counters as they stand now."""
    whole = group is None or _is_whole_machine(group)
    attachment = Attachment(
        what=what,
        server_pid=server,
        group_path=None if group is None else group.path,
        folders={} if group is None or whole else _named(group.folders),
        by_tree=by_tree,
        shared=shared or whole,
        owner_pid=os.getpid(),
    )
    counters = counters_of(attachment)
    if counters is None:
        return attachment
    reading = counters.read()
    counts = {"oom_kills": reading.oom_kills, "limit_hits": reading.limit_hits}
    return replace(attachment, counted={name: count for name, count in counts.items() if count is not None})


def _is_whole_machine(group: Group) -> bool:
    """Whether it is the root group, which holds all that is in no other; the root of a container is no such."""
    if group.path != "/":
        return False
    if group.is_unified:
        return not (group.memory / "memory.current").exists()
    inside = counters_of(Attachment("", None, "/", _named(group.folders)))
    return inside is None or inside.read().limit_bytes is None


def _named(folders: Mapping[str, Path]) -> dict[str, str]:
    return {name: str(folder) for name, folder in folders.items()}


def _alone(server: ProcessStat, group: Group, proc: Path) -> bool:
    """Whether nobody lives in the group but the process and its descendants."""
    try:
        inside = members(group.memory)
    except (OSError, ValueError):
        return False
    return all(server.pid in _ancestry(pid, proc) for pid in inside)


def _ancestry(pid: int, proc: Path) -> list[int]:
    """The process, its parent, and so on."""
    chain: list[int] = []
    while pid > 0 and pid not in chain:
        chain.append(pid)
        stat = read_stat(proc, pid)
        pid = 0 if stat is None else stat.parent
    return chain


def _command(pid: int, proc: Path) -> str:
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return words[0].decode("utf-8", "replace")


def _name(pid: int, proc: Path) -> str:
    try:
        return (proc / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "not ours to see"
