"""A process and all below it, in a made-up /proc: who counts, since when, and how much."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from profiles.memory_budget_tree import BudgetTree, how_it_ended
from profiles.proc_files import PAGE_BYTES

KIB = 1024
SERVER, CHILD, GRANDCHILD = 100, 101, 102


class Proc:
    """A folder like /proc, whose processes a test makes and ends."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(
        self, pid: int, parent: int, command: str, *, pages: int = 10, mark_kib: int = 40, state: str = "S"
    ) -> None:
        """Make a process, or change it in place."""
        folder = self.root / str(pid)
        (folder / "task" / str(pid)).mkdir(parents=True, exist_ok=True)
        fields = [state, parent, pid, pid, *[0] * 13, 1, 0, pid, *[0] * 5]
        (folder / "stat").write_text(f"{pid} (x) {' '.join(map(str, fields))}\n")
        (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in command.split()))
        (folder / "statm").write_text(f"1000 {pages} 5 1 0 100 0\n")
        (folder / "status").write_text(f"Name:\tx\nVmHWM:\t{mark_kib} kB\nVmRSS:\t{mark_kib} kB\n")

    def end(self, pid: int) -> None:
        """Take a process away, as when it was reaped; its open files say that it is gone."""
        for path in sorted((self.root / str(pid)).rglob("*"), reverse=True):
            path.write_text("0 0 0\n") if path.name == "statm" else None
            path.rmdir() if path.is_dir() else path.unlink()
        (self.root / str(pid)).rmdir()


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    """A machine with one server of ten pages."""
    made = Proc(tmp_path / "proc")
    made.put(SERVER, 1, "/usr/bin/node server.js")
    return made


@pytest.fixture
def tree(proc: Proc) -> Iterator[BudgetTree]:
    """The server's tree, not looked at so far."""
    made = BudgetTree(SERVER, proc.root)
    yield made
    made.close()


def test_what_each_holds_is_read_and_summed(proc: Proc, tree: BudgetTree) -> None:
    """GIVEN a server, its child and the child's child THEN all are held against the budget, the server first."""
    proc.put(CHILD, SERVER, "worker", pages=20)
    proc.put(GRANDCHILD, CHILD, "aligner --fast", pages=30)
    proc.put(103, 1, "somebody-else", pages=500)
    tree.look()
    look = tree.look()
    assert look.rss_bytes == 60 * PAGE_BYTES
    assert [(held.pid, held.command) for held in look.held] == [
        (SERVER, "node server.js"), (CHILD, "worker"), (GRANDCHILD, "aligner --fast"),
    ]  # fmt: skip
    assert tree.command == "node server.js"


def test_a_child_between_fork_and_exec_is_not_counted_as_a_second_server(
    proc: Proc, tree: BudgetTree
) -> None:
    """GIVEN a child with its parent's command WHEN it is another program by the next look THEN it counts as that."""
    tree.look()
    proc.put(CHILD, SERVER, "/usr/bin/node server.js")
    assert tree.look().rss_bytes == 10 * PAGE_BYTES
    proc.put(CHILD, SERVER, "gzip", pages=2)
    assert tree.look().rss_bytes == 12 * PAGE_BYTES
    assert tree.look().held[1].command == "gzip"


def test_a_fork_that_stays_one_counts(proc: Proc, tree: BudgetTree) -> None:
    """GIVEN a worker forked from the server WHEN it is there at the next look too THEN it counts."""
    proc.put(CHILD, SERVER, "/usr/bin/node server.js", pages=9)
    assert tree.look().rss_bytes == 10 * PAGE_BYTES
    assert tree.look().rss_bytes == 19 * PAGE_BYTES


def test_an_orphan_counts_until_it_ends(proc: Proc, tree: BudgetTree) -> None:
    """GIVEN a grandchild whose parent ends THEN it still counts; WHEN it ends too THEN the server alone does."""
    proc.put(CHILD, SERVER, "worker")
    proc.put(GRANDCHILD, CHILD, "aligner", pages=30)
    tree.look()
    proc.end(CHILD)
    proc.put(GRANDCHILD, 1, "aligner", pages=30)
    assert tree.look().rss_bytes == 40 * PAGE_BYTES
    proc.end(GRANDCHILD)
    assert tree.look().rss_bytes == 10 * PAGE_BYTES


def test_a_child_that_ended_while_it_was_read_is_left_out(proc: Proc, tree: BudgetTree) -> None:
    """GIVEN a child without memory, as the kernel shows it at its very end THEN it is no error and holds nothing."""
    proc.put(CHILD, SERVER, "worker", pages=0)
    (proc.root / str(CHILD) / "statm").write_text("0 0 0 0 0 0 0\n")
    assert [held.pid for held in tree.look().held] == [SERVER]


def test_the_kernels_mark_counts_only_where_it_was_set_under_the_watch(proc: Proc) -> None:
    """GIVEN a peak before the first look THEN it is nobody's concern; WHEN the mark rises THEN that is told."""
    proc.put(SERVER, 1, "/usr/bin/node server.js", mark_kib=5000)
    proc.put(CHILD, SERVER, "worker", mark_kib=3000)
    with closing(BudgetTree(SERVER, proc.root)) as tree:
        assert tree.look().highest is None
        proc.put(CHILD, SERVER, "worker", mark_kib=3004)
        assert tree.look().highest == (CHILD, "worker", 3004 * KIB)
        proc.put(SERVER, 1, "/usr/bin/node server.js", mark_kib=5004)
        assert tree.look().highest == (SERVER, "node server.js", 5004 * KIB)


def test_a_childs_whole_mark_counts_where_it_was_born_under_the_watch(proc: Proc, tree: BudgetTree) -> None:
    """GIVEN a child that came after the first look THEN all that it ever held was held under the watch."""
    tree.look()
    proc.put(CHILD, SERVER, "worker", mark_kib=7000)
    assert tree.look().highest == (CHILD, "worker", 7000 * KIB)


def test_a_process_whose_mark_the_kernel_does_not_tell_is_sampled_all_the_same(
    proc: Proc, tree: BudgetTree
) -> None:
    """GIVEN a status without VmHWM, as some sandboxes have THEN there is no mark, and RSS as ever."""
    (proc.root / str(SERVER) / "status").write_text("Name:\tx\n")
    assert tree.look() == (tree.look().held, None)
    assert tree.look().rss_bytes == 10 * PAGE_BYTES


def test_a_server_that_is_gone_says_so(proc: Proc, tree: BudgetTree) -> None:
    """GIVEN a server that was reaped, or only waits for it THEN there is nothing to look at."""
    tree.look()
    proc.put(SERVER, 1, "", state="Z")
    with pytest.raises(ProcessLookupError):
        tree.look()
    with pytest.raises(ProcessLookupError):
        BudgetTree(SERVER, proc.root)
    proc.end(SERVER)
    with pytest.raises(ProcessLookupError):
        tree.look()
    with pytest.raises(ProcessLookupError):
        BudgetTree(SERVER, proc.root)


def test_a_long_command_is_cut_and_an_empty_one_named(proc: Proc) -> None:
    """GIVEN a command of many words THEN its first 60 characters stand in a message; of none it says so."""
    proc.put(SERVER, 1, "/opt/bin/server " + "--option " * 40)
    with closing(BudgetTree(SERVER, proc.root)) as tree:
        assert tree.command.startswith("server --option")
        assert (len(tree.command), tree.command[-1]) == (60, "…")
    proc.put(SERVER, 1, "")
    with closing(BudgetTree(SERVER, proc.root)) as tree:
        assert tree.command == "a process without a command"
        assert tree.look().held[0].command == tree.command


def test_a_command_that_is_not_known_at_once_is_read_later(proc: Proc) -> None:
    """GIVEN a process in the middle of its exec, whose command is empty WHEN it is looked at again THEN it is known."""
    proc.put(SERVER, 1, "")
    with closing(BudgetTree(SERVER, proc.root)) as tree:
        tree.look()
        proc.put(SERVER, 1, "/usr/bin/node server.js")
        assert tree.look().held[0].command == tree.command == "node server.js"


Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start children of ours that run a line of Python; all end with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(code: str) -> subprocess.Popen[bytes]:
        running.append(subprocess.Popen([sys.executable, "-S", "-c", code], stdin=subprocess.PIPE))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("raise SystemExit(3)", "with status 3"),
        (f"import os; os.kill(os.getpid(), {signal.SIGTERM:d})", "by SIGTERM"),
        (
            f"import os; os.kill(os.getpid(), {signal.SIGKILL:d})",
            "by SIGKILL, as what the kernel kills for memory",
        ),
    ],
)
def test_how_a_child_ended_is_known_and_left_to_its_parent(start: Start, code: str, told: str) -> None:
    """GIVEN a child that ended THEN it is told how, and whoever waits for it still has its status."""
    child = start(code)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert how_it_ended(child.pid) == told
    assert child.wait() in (3, -signal.SIGTERM, -signal.SIGKILL)
    assert how_it_ended(child.pid) == ""


@pytest.mark.slow
def test_a_child_that_runs_has_not_ended(start: Start) -> None:
    """GIVEN a child that waits THEN nothing is known of its end so far."""
    assert how_it_ended(start("import sys; sys.stdin.read()").pid) is None
