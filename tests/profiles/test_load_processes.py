"""A parent that forks two children which compute; their end is on our command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.load_processes import LoadProcesses

FORKS = """
import os, time
for _ in range(2):
    if os.fork() == 0:
        while time.process_time() < 0.2:
            pass
        os.write(1, b"r")
        os.read(0, 1)
        os._exit(0)
for _ in range(2):
    os.wait()
os.write(1, b"alone")
os.read(0, 1)
"""


@pytest.fixture
def forking() -> Iterator[subprocess.Popen[bytes]]:
    """The parent, once its children have computed for 0.2 s each."""
    with subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.read(1) for _ in range(2)] == [b"r", b"r"]
        yield process
        process.kill()


def test_children_count_and_still_do_when_they_are_gone(forking: subprocess.Popen[bytes]) -> None:
    """GIVEN a load that forked THEN CPU and memory are those of all; WHEN children end THEN no CPU time is lost."""
    assert forking.stdin is not None
    assert forking.stdout is not None
    load = LoadProcesses(forking.pid)
    with_children = load.values()
    forking.stdin.write(b"..")
    assert forking.stdout.read(5) == b"alone"
    alone = load.values()
    assert with_children["load_cpu_s"] is not None
    assert with_children["load_cpu_s"] >= 0.34  # of each time the kernel leaves out up to a hundredth
    assert alone["load_cpu_s"] is not None
    assert alone["load_cpu_s"] >= with_children["load_cpu_s"]
    assert alone["load_rss_bytes"] is not None
    assert with_children["load_rss_bytes"] is not None
    assert alone["load_rss_bytes"] < 0.7 * with_children["load_rss_bytes"]


def test_a_load_that_is_gone_costs_nothing() -> None:
    """GIVEN a process that has ended THEN there is nothing to write."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert LoadProcesses(process.pid).values() == {}


def test_what_a_child_starts_counts_too(tmp_path: Path) -> None:
    """GIVEN a load that is a shell's child's child THEN all three are the load."""
    for pid, parent_of in ((7, "8 "), (8, "9 "), (9, "")):
        folder = tmp_path / str(pid)
        (folder / "task" / str(pid)).mkdir(parents=True)
        (folder / "task" / str(pid) / "children").write_text(parent_of)
        (folder / "stat").write_text(f"{pid} (sh) S 1 7 7 0 -1 4 0 0 0 0 100 0 0 0 20 0 1 0 9 0 0\n")
        (folder / "statm").write_text("300 20 10 1 0 40 0\n")
    tick_s, page = 1 / os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    assert LoadProcesses(7, tmp_path).values() == {"load_cpu_s": 300 * tick_s, "load_rss_bytes": 60 * page}


def test_a_load_that_may_not_be_looked_at_is_unknown_and_not_zero(tmp_path: Path) -> None:
    """GIVEN a process whose files cannot be read THEN there is nothing to write either."""
    (tmp_path / "7").mkdir()
    assert LoadProcesses(7, tmp_path).values() == {}
