"""A made-up /proc and cgroup tree: what is attached to is found there without root."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

UNLIMITED_V1 = "9223372036854771712"
V1_CONTROLLERS = ("memory", "cpu", "cpuacct")


class FakeMachine:
    """A machine with cgroup v1 or v2, whose processes and groups a test makes."""

    def __init__(self, root: Path, version: str) -> None:
        self.proc = root / "proc"
        self.cgroups = root / "cgroup"
        self.version = version
        (self.proc / "self").mkdir(parents=True)
        trees = V1_CONTROLLERS if version == "v1" else ("",)
        for name in trees:
            (self.cgroups / name).mkdir(parents=True)
        self.mount(dict.fromkeys(trees, "/"))
        if version == "v1":
            self.group("/")

    def mount(self, tops: dict[str, str]) -> None:
        """Write mountinfo: each tree, and the group that its top is."""
        kinds = {name: f"cgroup cgroup rw,{name}" if name else "cgroup2 cgroup2 rw" for name in tops}
        lines = [
            f"3{at} 24 0:2{at} {top} {self.cgroups / name} rw,nosuid - {kinds[name]}"
            for at, (name, top) in enumerate(tops.items())
        ]
        noise = "22 1 0:1 / / rw - ext4 /dev/root rw\nnonsense\n"
        (self.proc / "self" / "mountinfo").write_text(noise + "\n".join(lines) + "\n")

    def group(self, path: str, pids: Iterable[int] = (), *, limit: str | None = None, kills: int = 0) -> Path:
        """Make a group, and return its memory folder."""
        inside = path.lstrip("/")
        listed = "".join(f"{pid}\n" for pid in pids)
        if self.version == "v2":
            folder = self.cgroups / inside
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "memory.current").write_text("1000\n")
            (folder / "memory.max").write_text(f"{limit or 'max'}\n")
            (folder / "memory.events").write_text(f"low 0\nmax 7\noom_kill {kills}\n")
            (folder / "cgroup.procs").write_text(listed)
            return folder
        for name in V1_CONTROLLERS:
            (self.cgroups / name / inside).mkdir(parents=True, exist_ok=True)
        folder = self.cgroups / "memory" / inside
        (folder / "memory.usage_in_bytes").write_text("1000\n")
        (folder / "memory.stat").write_text(
            f"total_rss 900\nhierarchical_memory_limit {limit or UNLIMITED_V1}\n"
        )
        (folder / "memory.oom_control").write_text(f"oom_kill_disable 0\nunder_oom 0\noom_kill {kills}\n")
        (folder / "memory.failcnt").write_text("7\n")
        (folder / "cgroup.procs").write_text(listed)
        return folder

    def process(
        self,
        pid: int,
        *,
        parent: int = 1,
        group: str = "/",
        name: str = "node",
        command: str = "node",
        state: str = "S",
        start: int = 100,
    ) -> None:
        """Make a process, in a group."""
        folder = self.proc / str(pid)
        folder.mkdir(exist_ok=True)
        # pid (comm) state ppid pgrp session … utime … num_threads itrealvalue starttime
        fields = [state, parent, pid, pid, *[0] * 13, 1, 0, start, *[0] * 5]
        (folder / "stat").write_text(f"{pid} ({name}) {' '.join(map(str, fields))}\n")
        (folder / "comm").write_text(f"{name}\n")
        (folder / "cmdline").write_bytes(command.encode() + b"\0" if command else b"")
        lines = [f"{at}:{tree}:{group}" for at, tree in enumerate(V1_CONTROLLERS, 2)]
        (folder / "cgroup").write_text(
            "\n".join([*lines, "0::/"] if self.version == "v1" else [f"0::{group}"]) + "\n"
        )
