import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from profiles.process_stat import ProcessStat
from profiles.process_tree import ProcessTree, enter
from profiles.tree_cpu import TreeCpu, process_cpu_s


def stat(pid: int, parent: int = 1, *, waited: float = 0.0, start: int = 0) -> ProcessStat:
    """A made-up process."""
    return ProcessStat(pid, start or pid, parent, 1, is_zombie=False, waited_cpu_s=waited)


class Look:
    """A made-up tree and its clocks."""

    def __init__(self) -> None:
        self.own: Mapping[int, float] = {}
        self.cpu = TreeCpu(lambda pid: self.own.get(pid))  # noqa: PLW0108 - of the mapping there is then

    def __call__(self, own: Mapping[int, float], *processes: ProcessStat) -> float:
        """Look at these processes, whose own times are these; return the total."""
        self.own = own
        self.cpu.look(processes)
        return self.cpu.total_s


def test_what_lives_is_added_up() -> None:
    """GIVEN two processes THEN their times are added."""
    assert Look()({10: 1.5, 11: 0.25}, stat(10), stat(11, 10)) == 1.75


def test_a_child_that_was_waited_for_counts_once_and_whole() -> None:
    """GIVEN a child that used more after the last look WHEN its parent has waited for it THEN all of it counts."""
    look = Look()
    look({10: 1.0, 11: 2.0}, stat(10), stat(11, 10))
    assert look({10: 1.0}, stat(10, waited=2.5)) == pytest.approx(3.5)
    assert look({10: 1.0}, stat(10, waited=2.5)) == pytest.approx(3.5)


def test_a_child_that_nobody_waited_for_counts_as_last_seen() -> None:
    """GIVEN a child whose end its parent ignores THEN what was seen of it is kept."""
    look = Look()
    look({10: 1.0, 11: 2.0}, stat(10), stat(11, 10))
    assert look({10: 1.0}, stat(10)) == pytest.approx(3.0)


def test_a_child_between_two_looks_counts_by_its_parent() -> None:
    """GIVEN a child that lived between two looks THEN what its parent was told of it counts."""
    look = Look()
    look({10: 1.0}, stat(10))
    assert look({10: 1.0}, stat(10, waited=0.5)) == pytest.approx(1.5)


def test_what_a_process_was_told_before_it_was_seen_counts() -> None:
    """GIVEN a child first seen when it has waited for children of its own THEN these count."""
    look = Look()
    look({10: 1.0}, stat(10))
    assert look({10: 1.0, 11: 0.1}, stat(10), stat(11, 10, waited=0.4)) == pytest.approx(1.5)


def test_grandchildren_are_not_counted_twice() -> None:
    """GIVEN a grandchild waited for by the child, and the child by its parent THEN each second counts once."""
    look = Look()
    look({10: 1.0, 11: 1.0, 12: 1.0}, stat(10), stat(11, 10), stat(12, 11))
    look({10: 1.0, 11: 1.0}, stat(10), stat(11, 10, waited=1.0))
    assert look({10: 1.0}, stat(10, waited=2.0)) == pytest.approx(3.0)


def test_all_gone_at_once_keeps_all() -> None:
    """GIVEN a VM that is emptied THEN the total stays."""
    look = Look()
    look({10: 1.0, 11: 2.0}, stat(10), stat(11, 10))
    assert look({}) == pytest.approx(3.0)
    assert look({10: 0.5}, stat(10, start=99)) == pytest.approx(3.5)


def test_it_never_falls() -> None:
    """GIVEN a clock that cannot be read for a while, or goes back THEN the total does not."""
    look = Look()
    look({10: 1.0}, stat(10))
    assert look({}, stat(10)) == 1.0
    assert look({10: 0.5}, stat(10)) == 1.0
    look.own = {}
    look.cpu.glance()
    assert look.cpu.total_s == 1.0


def test_a_glance_sees_what_was_used_since() -> None:
    """GIVEN a look WHEN time was used since THEN a glance adds it."""
    look = Look()
    look({10: 1.0}, stat(10))
    look.own = {10: 1.25}
    look.cpu.glance()
    assert look.cpu.total_s == 1.25


BUSY = """
import os, sys, time
def burn(seconds):
    while time.process_time() < seconds: pass
for _ in range(4):
    pids = []
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            start = time.process_time()
            while time.process_time() < start + 0.05: pass
            os._exit(0)
        pids.append(pid)
    for pid in pids: os.waitpid(pid, 0)
burn(0.1)
"""


def test_real_processes_are_accounted_as_the_kernel_does(tmp_path: Path) -> None:
    """GIVEN a tree whose processes come and go WHEN looked at till its end THEN it is the kernel's own figure."""
    members = tmp_path / "members"
    process = subprocess.Popen(
        [sys.executable, "-c", BUSY],
        start_new_session=True,
        preexec_fn=lambda: enter(members),  # noqa: PLW1509 - as a VM's processes are started
    )
    tree, cpu = ProcessTree(members), TreeCpu()
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        cpu.look(tree.look())
        time.sleep(0.01)
    cpu.look(tree.look())
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert cpu.total_s == pytest.approx(used.ru_utime + used.ru_stime, abs=0.05)


def test_a_process_that_is_gone_has_no_clock() -> None:
    """GIVEN a pid that nobody has THEN its time is unknown; ours is the clock's."""
    assert process_cpu_s(2**22 + 1) is None
    ours = process_cpu_s(os.getpid())
    assert ours is not None
    assert ours == pytest.approx(time.process_time(), abs=0.05)
