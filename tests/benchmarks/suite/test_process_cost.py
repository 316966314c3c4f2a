"""What a server's processes have cost."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.servers import Server
from benchmarks.suite.process_cost import ProcessCost

PARENT = """
import subprocess, sys, threading
def burn():
    for _ in range(1_000_000): pass
thread = threading.Thread(target=burn)
thread.start()
thread.join()
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print("ready", flush=True)
sys.stdin.read()
child.communicate()
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process whose thread has worked and ended, and that has a child."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        assert one.stdout is not None
        assert one.stdout.readline() == b"ready\n"
        yield one
        if one.stdin:
            one.stdin.close()


def test_a_child_counts_and_so_does_a_thread_that_has_ended(process: subprocess.Popen[bytes]) -> None:
    """GIVEN a server with a child, whose thread worked and ended THEN both are in its cost."""
    cost = ProcessCost.of(Server("http://127.0.0.1:1", (process,)))
    assert len(cost.pids) == 2
    alone = ProcessCost((process.pid,))
    assert cost.rss_bytes() > alone.rss_bytes() > 1_000_000
    main_thread_ns = int(Path(f"/proc/{process.pid}/schedstat").read_text(encoding="ascii").split()[0])
    assert alone.cpu_s() > main_thread_ns / 1e9


def test_cpu_time_is_counted_to_less_than_a_tick() -> None:
    """GIVEN this process WHEN it works for a moment THEN its CPU time has grown by no less than that thread's."""
    cost = ProcessCost((os.getpid(),))
    before_s, thread_s = cost.cpu_s(), time.thread_time()
    while time.thread_time() - thread_s < 0.001:
        pass
    assert cost.cpu_s() - before_s >= 0.001


def test_a_process_that_is_gone_is_an_error(process: subprocess.Popen[bytes]) -> None:
    """GIVEN a process that ended WHEN it is asked for THEN the error names it."""
    cost = ProcessCost((process.pid,))
    process.communicate()
    for ask in (cost.cpu_s, cost.rss_bytes):
        with pytest.raises(BenchmarkError, match=f"process {process.pid}: it ended"):
            ask()
