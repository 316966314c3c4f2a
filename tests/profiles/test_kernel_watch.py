"""The kernel's log followed during a run: whose kill it is."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from profiles.event_log import EventLog
from profiles.kernel_watch import MOST_ALIVE, KernelWatch
from profiles.kmsg import KernelLog, KernelRecord
from profiles.process_table import ProcessTable

VM = "oomproof-7-123"
HEADING = "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"


def killed(pid: int, *, whole: bool = False, name: str = "python") -> str:
    """The kernel's line of a kill."""
    message = "Out of memory" if whole else "Memory cgroup out of memory"
    sizes = "total-vm:139840kB, anon-rss:130688kB, file-rss:6068kB, shmem-rss:0kB"
    return f"{message}: Killed process {pid} ({name}) {sizes}, UID:0 pgtables:308kB oom_score_adj:0"


def chosen(pid: int, memcg: str, task_memcg: str | None = None) -> str:
    """The kernel's `oom-kill:` line."""
    groups = f"mems_allowed=0,oom_memcg={memcg},task_memcg={task_memcg or memcg}"
    return f"oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,{groups},task=x,pid={pid},uid=0"


class FakeLog(KernelLog):
    """A kernel log whose records a test writes; each is 10 ms after the one before."""

    def __init__(self) -> None:
        self.reason = None
        self.lost = 0
        self.there = True
        self.waiting: list[str] = []
        self.kernel_t = 50.0

    @property
    def readable(self) -> bool:
        """Whether it may be read."""
        return self.there

    def records(self) -> Iterator[KernelRecord]:
        """What was written since."""
        for message in self.waiting:
            self.kernel_t += 0.01
            yield KernelRecord(message, 0, self.kernel_t)
        self.waiting = []

    def close(self) -> None:
        """Nothing to close."""


class Watched:
    """A watch over a VM whose server has pid 10 and a child 11; its clock is a test's."""

    def __init__(
        self, folder: Path, vm: str = VM, *, is_group: bool = False, pids_are_ours: bool = True
    ) -> None:
        self.folder = folder
        self.log = FakeLog()
        self.t = 1000.0
        self.processes = ProcessTable(folder / "proc")
        self.processes.name_server(10)
        self.processes.known_roles[11] = "child"
        self.watch = KernelWatch(
            folder,
            vm,
            self.processes,
            EventLog(folder),
            self.log,
            self.now,
            is_group=is_group,
            pids_are_ours=pids_are_ours,
        )

    def now(self) -> float:
        """The clock."""
        return self.t

    def follow(self, *messages: str) -> list[dict[str, Any]]:
        """The events that these messages make, a tenth of a second after the look before."""
        self.log.waiting = list(messages)
        before = len(self.events())
        self.t += 0.1
        self.watch.follow()
        return self.events()[before:]

    def events(self) -> list[dict[str, Any]]:
        """All events."""
        return [json.loads(line) for line in (self.folder / "events.jsonl").read_text().splitlines()]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """A watch, closed at the end."""
    found = Watched(tmp_path)
    yield found
    found.watch.close()


@pytest.mark.parametrize(
    ("messages", "role"),
    [
        ([killed(10)], "server"),
        ([killed(11)], "child"),
        ([killed(10, whole=True)], "server"),
        ([chosen(99, f"/{VM}"), killed(99)], "child"),
        ([chosen(99, f"/user.slice/{VM}/inner"), killed(99)], "child"),
        ([chosen(99, "/docker/x", f"/docker/x/{VM}"), killed(99)], "child"),
    ],
)
def test_a_kill_in_the_vm_is_told_by_pid_or_group(watched: Watched, messages: list[str], role: str) -> None:
    """GIVEN a kill of a known process, or in the VM's group or below THEN it is the VM's, with its role."""
    (event,) = watched.follow(*messages)
    assert (event["event"], event["role"], event["anon_rss_mb"]) == ("oom_kill", role, 127.6)


@pytest.mark.parametrize(
    "messages", [[killed(99)], [chosen(99, f"/{VM}4"), killed(99)], [chosen(99, f"/x{VM}"), killed(99)]]
)
def test_another_groups_kill_is_nobodys_here(watched: Watched, messages: list[str]) -> None:
    """GIVEN a kill in another group, also one whose name begins or ends alike THEN it is left out."""
    assert watched.follow(*messages) == []


@pytest.mark.parametrize(
    ("memcg", "limit_of"), [(f"/a/{VM}", "vm"), (f"/a/{VM}/b", "vm"), ("/a", "outside"), (None, None)]
)
def test_whose_limit_was_hit_is_told(watched: Watched, memcg: str | None, limit_of: str | None) -> None:
    """GIVEN the server killed for the VM's limit, one inside, one around it, or one unknown THEN it says which."""
    messages = [killed(10)] if memcg is None else [chosen(10, memcg), killed(10)]
    (event,) = watched.follow(*messages)
    assert event["limit_of"] == limit_of


def test_a_report_may_come_in_pieces(watched: Watched) -> None:
    """GIVEN a report that is read in two looks THEN its kill still has the group of the first."""
    assert watched.follow(chosen(99, f"/{VM}")) == []
    (event,) = watched.follow(killed(99))
    assert event["memcg"] == f"/{VM}"


def test_a_kill_is_put_on_the_runs_clock(watched: Watched) -> None:
    """GIVEN a record of the kernel's met between two looks THEN its time lies between them, and says how exactly."""
    (event,) = watched.follow(killed(10))
    assert event["kernel_t"] == pytest.approx(50.01)
    assert (event["t"], event["t_within_s"]) == pytest.approx((1000.05, 0.05))


def test_who_else_was_alive_is_told_with_roles(watched: Watched) -> None:
    """GIVEN a task table longer than is kept THEN the largest are listed, known ones with their role, all counted."""
    rows = [
        f"[{pid:7}]     0 {pid:5}     1000 {pid * 256:8}    65536        0             0 p"
        for pid in range(10, 60)
    ]
    (event,) = watched.follow(HEADING, *rows, chosen(10, f"/{VM}"), killed(10))
    assert event["alive_processes"] == 49
    assert len(event["alive"]) == MOST_ALIVE
    assert event["alive"][0] == {"pid": 59, "comm": "p", "rss_mb": 59.0, "role": None}
    (event,) = watched.follow(HEADING, rows[0], rows[1], chosen(10, f"/{VM}"), killed(10))
    assert event["alive"] == [{"pid": 11, "comm": "p", "rss_mb": 11.0, "role": "child"}]


def test_the_first_victim_of_a_group_is_one_kill(watched: Watched) -> None:
    """GIVEN a whole group killed, its first victim named twice THEN the second naming is told as such."""
    group = f"Tasks in /{VM} are going to be killed due to memory.oom.group set"
    events = watched.follow(chosen(10, f"/{VM}"), killed(10), group, killed(10), killed(11))
    assert [(event["event"], event["pid"]) for event in events] == [
        ("oom_kill", 10),
        ("oom_kill_repeated", 10),
        ("oom_kill", 11),
    ]
    assert [event.get("group_kill") for event in events] == [False, None, True]


def test_a_kill_outside_is_told_where_it_concerns_the_run(watched: Watched) -> None:
    """GIVEN kills of the load, of its child, of the harness and of strangers THEN those that touch the run are told."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        watched.watch.load_pid = 4000
        assert [event["role"] for event in watched.follow(killed(4000))] == ["load"]
        watched.watch.load_pid = os.getpid()
        assert [event["role"] for event in watched.follow(killed(child.pid))] == ["load"]
        assert [event["role"] for event in watched.follow(killed(os.getppid()))] == ["harness"]
        (stranger,) = watched.follow(killed(99, whole=True))
        assert (stranger["event"], stranger["role"]) == ("outside_kill", "other")
    finally:
        child.kill()
        child.wait()


def test_where_pids_are_not_the_kernels_the_group_alone_tells(tmp_path: Path) -> None:
    """GIVEN a PID namespace of our own WHEN a stranger has our server's pid THEN that is no kill of ours."""
    watched = Watched(tmp_path, pids_are_ours=False)
    assert watched.follow(killed(10)) == []
    (event,) = watched.follow(chosen(4711, f"/{VM}"), killed(4711))
    assert (event["event"], event["role"]) == ("oom_kill", None)
    assert [event["role"] for event in watched.follow(killed(os.getppid(), whole=True))] == ["other"]
    watched.watch.close()


def test_a_pid_of_ours_that_another_group_has_now_is_not_ours(tmp_path: Path) -> None:
    """GIVEN a VM that is a group WHEN a stranger with a dead child's pid is killed THEN its group says whose it is."""
    watched = Watched(tmp_path, is_group=True)
    assert watched.follow(chosen(11, "/other"), killed(11)) == []
    (stranger,) = watched.follow(
        chosen(11, "/other").replace("oom_memcg=/other", "global_oom"), killed(11, whole=True)
    )
    assert (stranger["event"], stranger["role"]) == ("outside_kill", "other")
    (ours,) = watched.follow(chosen(11, "/around", f"/around/{VM}"), killed(11))
    assert (ours["event"], ours["role"], ours["limit_of"]) == ("oom_kill", "child", "outside")
    (ours,) = watched.follow(killed(11, name="node"))
    assert ours["event"] == "oom_kill", "a kernel that names no group leaves the pid to tell"
    watched.watch.close()


@pytest.mark.parametrize(
    ("first_namespace", "memcg", "ours"),
    [
        (True, "/slice/app", True),
        (True, "/slice/app/inner", True),
        (True, "/slice/app2", False),
        (True, "/lxc/slice/app", False),
        (False, "/lxc/slice/app", True),
        (False, "/lxc/slice/app2", False),
    ],
)
def test_a_watched_group_is_told_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memcg: str, *, first_namespace: bool, ours: bool
) -> None:
    """GIVEN a group of the same path in a container THEN it is another; seen from a container, ours has more before."""
    monkeypatch.setattr("profiles.kernel_watch._in_first_namespace", lambda kind: first_namespace)
    watched = Watched(tmp_path, "/slice/app", is_group=True)
    assert len(watched.follow(chosen(99, memcg), killed(99))) == ours
    watched.watch.close()


def test_lost_records_and_a_lost_log_are_told_once(watched: Watched) -> None:
    """GIVEN an overrun, and then a log that cannot be read any more THEN each is an event, and no more."""
    watched.log.lost = 5
    assert [(event["event"], event["lost"]) for event in watched.follow()] == [("kernel_log_overrun", 5)]
    watched.log.lost = 7
    assert [event["lost"] for event in watched.follow()] == [2]
    watched.log.there, watched.log.reason = False, "/dev/kmsg: gone"
    assert [(event["event"], event["reason"]) for event in watched.follow()] == [
        ("kernel_log_ended", "/dev/kmsg: gone")
    ]
    assert watched.follow() == []


def test_the_report_is_kept_as_dmesg_shows_it(watched: Watched) -> None:
    """GIVEN a report among other messages THEN kernel.log has the report's lines, each with the kernel's stamp."""
    row = "[     11]     0    11     1000      256    65536        0             0 p"
    watched.follow("usb 1-1: new device", HEADING, row, chosen(10, f"/{VM}"), killed(10))
    assert (watched.folder / "kernel.log").read_text().splitlines() == [
        f"[   50.020000] {HEADING}",
        f"[   50.030000] {row}",
        f"[   50.040000] {chosen(10, f'/{VM}')}",
        f"[   50.050000] {killed(10)}",
    ]
