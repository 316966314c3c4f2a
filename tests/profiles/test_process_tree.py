import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles import process_tree
from profiles.process_stat import parse_stat, read_stat
from profiles.process_tree import ProcessTree, enter

LINE = b"%d (%b) %b %d %d %d 0 -1 4194304 1 0 0 0 50 8 %d %d 20 0 %d 0 %d 50876416 11641"


class FakeProc:
    """A made-up /proc and members file."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.proc.mkdir()
        (self.proc / "meminfo").write_text("not a process")
        self.members = root / "members"
        self.tree = ProcessTree(self.members, self.proc)

    def add(
        self,
        pid: int,
        parent: int = 1,
        *,
        start: int | None = None,
        session: int = 1,
        state: bytes = b"S",
        name: bytes = b"python",
        threads: int = 1,
        waited: int = 0,
    ) -> None:
        """A process that is there from now on."""
        folder = self.proc / str(pid)
        folder.mkdir(exist_ok=True)
        facts = (
            pid,
            name,
            state,
            parent,
            parent,
            session,
            waited,
            0,
            threads,
            pid * 10 if start is None else start,
        )
        (folder / "stat").write_bytes(LINE % facts)

    def end(self, pid: int) -> None:
        """It is gone."""
        (self.proc / str(pid) / "stat").unlink()
        (self.proc / str(pid)).rmdir()

    def entered(self, pid: int, start: int | None = None) -> None:
        """A line of the members file."""
        with self.members.open("a") as file:
            file.write(f"{pid} {pid * 10 if start is None else start} root\n")


@pytest.fixture
def fake(tmp_path: Path) -> FakeProc:
    """A made-up /proc with an init, an owner, and a root inside."""
    fake = FakeProc(tmp_path)
    fake.add(1, 0)
    fake.add(90, 1, session=90)
    fake.add(100, 90, session=100)
    fake.entered(100)
    return fake


def test_who_entered_and_all_descendants_are_inside_and_nobody_else(fake: FakeProc) -> None:
    """GIVEN a root with children and grandchildren THEN they are inside, whatever the order of their pids."""
    fake.add(102, 101, session=100)
    fake.add(101, 100, session=100)
    fake.add(99, 102, session=7)
    fake.add(200, 90, session=90)
    assert fake.tree.pids() == [99, 100, 101, 102]
    assert fake.tree.is_root(100)
    assert not fake.tree.is_root(101)


def test_an_orphan_stays_inside(fake: FakeProc) -> None:
    """GIVEN a child that was seen WHEN its parent ends and it makes a session of its own THEN it is still inside."""
    fake.add(101, 100, session=100)
    assert fake.tree.pids() == [100, 101]
    fake.end(100)
    fake.add(101, 1, session=101)
    assert fake.tree.pids() == [101]


def test_an_orphan_that_only_another_saw_is_inside(fake: FakeProc) -> None:
    """GIVEN two who look WHEN one of them alone saw the parent THEN both know the orphan."""
    other = ProcessTree(fake.members, fake.proc)
    fake.add(101, 100, session=101)
    fake.tree.pids()
    fake.end(100)
    fake.add(101, 1, session=101)
    assert other.pids() == [101]


def test_an_orphan_born_between_two_looks_is_inside_by_its_session(fake: FakeProc) -> None:
    """GIVEN a fork twice, its parent never seen WHEN its session is the root's THEN it is inside, root dead or not."""
    fake.add(103, 1, session=100)
    assert fake.tree.pids() == [100, 103]
    fake.end(100)
    fake.add(104, 1, session=100)
    assert fake.tree.pids() == [103, 104]


def test_a_session_long_without_anybody_inside_is_anybodys(
    fake: FakeProc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a root that ended WHEN the next look comes late THEN a process in a session of that number is outside."""
    fake.tree.pids()
    fake.end(100)
    fake.add(300, 90, session=100)
    monkeypatch.setattr(process_tree, "SESSION_LASTS_S", 0.0)
    assert fake.tree.pids() == []


def test_a_pid_used_again_is_outside(fake: FakeProc) -> None:
    """GIVEN a root's pid with another start time THEN neither it nor its children are inside, nor ever signalled."""
    root = fake.tree.look()[0]
    fake.add(100, 90, start=5555)
    fake.add(101, 100)
    assert fake.tree.pids() == []
    assert not fake.tree.send(root, signal.SIGKILL)


def test_a_pid_used_again_for_a_child_is_inside(fake: FakeProc) -> None:
    """GIVEN a child's pid that another child got THEN it is inside again."""
    fake.add(101, 100)
    assert fake.tree.pids() == [100, 101]
    fake.add(101, 100, start=5555)
    assert fake.tree.pids() == [100, 101]


def test_who_enters_after_the_listing_is_inside(fake: FakeProc, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a root that entered while a look was under way, after its listing THEN it is inside, and stays known."""
    fake.add(105, 90)
    fake.entered(105)
    with monkeypatch.context() as patch:
        patch.setattr(fake.tree, "_listed", lambda: {1, 90, 100})
        assert fake.tree.pids() == [100, 105]
    assert fake.tree.pids() == [100, 105]


def test_what_waits_to_be_reaped_holds_nothing(fake: FakeProc) -> None:
    """GIVEN a zombie THEN it is seen and not counted; a first thread that ended before the others is counted."""
    fake.add(101, 100, state=b"Z")
    fake.add(102, 100, state=b"Z", threads=3)
    assert fake.tree.pids() == [100, 102]
    assert [process.pid for process in fake.tree.look()] == [100, 101, 102]


@pytest.mark.parametrize(
    "line", ["", "x y z\n", "1 10 root\n", "0 0 root\n", "-1 1 root\n", "90 900\n", "90 900 ro"]
)
def test_a_line_that_is_none_lets_nobody_in(fake: FakeProc, line: str) -> None:
    """GIVEN a half-written line, or one that names init or every process THEN it is passed over."""
    fake.members.write_text(line)
    assert fake.tree.pids() == []


def test_a_missing_file_or_proc_is_an_empty_tree(tmp_path: Path) -> None:
    """GIVEN neither the members file nor /proc THEN nobody is inside."""
    assert ProcessTree(tmp_path / "none", tmp_path / "proc").pids() == []


@pytest.mark.parametrize(
    "text", [b"", b"1", b"1 (x", b"1 (x) S 1 2", b"1 (x) S a b c d e f g h i j k l m n o p q"]
)
def test_a_broken_stat_is_no_process(text: bytes) -> None:
    """GIVEN a line that is cut off or no line at all THEN there is no process."""
    assert parse_stat(1, text) is None


def test_a_name_may_hold_anything() -> None:
    """GIVEN a name with spaces and brackets THEN the fields behind it are read right."""
    line = LINE % (7, b"a) Z 1 (b", b"S", 3, 3, 4, 250, 50, 2, 99)
    stat = parse_stat(7, line)
    assert stat is not None
    assert (stat.parent, stat.session, stat.start_ticks, stat.is_zombie) == (3, 4, 99, False)
    assert stat.waited_cpu_s == pytest.approx(3.0 * 100 / os.sysconf("SC_CLK_TCK"))


def test_a_fork_is_told_from_a_program() -> None:
    """GIVEN a process of our own WHEN it is forked THEN it says so, and no longer once it has started a program."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as program:
        started = read_stat(process_tree.PROC, program.pid)
        program.communicate(b"\n", timeout=10)
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    forked = read_stat(process_tree.PROC, pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert started is not None
    assert forked is not None
    assert (started.is_fork, forked.is_fork) == (False, True)


SPAWNER = """
import os, sys, time
if os.fork() == 0:
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(60)
    os._exit(0)
time.sleep(60)
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes], int]]:
    """A real process that entered, and its orphaned grandchild."""
    members = tmp_path / "members"
    process = subprocess.Popen(
        [sys.executable, "-c", SPAWNER],
        stdout=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: enter(members),  # noqa: PLW1509 - as a VM's processes are started
    )
    assert process.stdout is not None
    yield members, process, int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()


def test_real_processes_are_found_and_killed(family: tuple[Path, subprocess.Popen[bytes], int]) -> None:
    """GIVEN a process inside and an orphan of its THEN both are found, and both are gone after kill_all."""
    members, process, orphan = family
    tree = ProcessTree(members)
    assert {process.pid, orphan} <= set(tree.pids())
    assert tree.kill_all()
    assert tree.pids() == []
    stat = read_stat(process_tree.PROC, orphan)
    assert stat is None or stat.is_zombie
    assert process.wait() == -signal.SIGKILL
