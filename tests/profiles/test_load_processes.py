"""A parent that forks two children which compute; their end is on our command."""

import subprocess
import sys
from collections.abc import Iterator

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
    assert with_children["load_cpu_s"] >= 0.39
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
