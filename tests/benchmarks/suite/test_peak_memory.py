"""The peak of a process and its children: what was held for a moment counts, what was held before does not."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.suite.peak_memory import PeakMemory

pytestmark = pytest.mark.slow

_HOLDS = """
import subprocess, sys
for line in sys.stdin:
    what, megabytes = line.split()
    if what == "self":
        held = b"x" * (int(megabytes) * 1_000_000)
        del held
    else:
        code = f"import sys; held = b'x' * ({megabytes} * 1_000_000); print(flush=True); sys.stdin.read()"
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()
    print(flush=True)
"""


@contextmanager
def _holder() -> Iterator[subprocess.Popen[str]]:
    """A process that holds so many megabytes for a moment, or has a child that keeps them."""
    command = [sys.executable, "-c", _HOLDS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _hold(process: subprocess.Popen[str], what: str) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{what}\n")
    process.stdin.flush()
    process.stdout.readline()


def test_a_moment_between_two_looks_counts_and_one_before_does_not() -> None:
    """GIVEN 200 MB held before and 50 MB within THEN the peak is the second's, though nobody looked at that moment."""
    with _holder() as process:
        _hold(process, "self 200")
        with PeakMemory(process.pid) as peak:
            _hold(process, "self 50")
    assert 45 < peak.server_mb - peak.before_mb < 60  # the kernel counts each page, but not at once
    assert peak.server_mb < 150


def test_children_are_in_the_sum_and_not_in_the_servers_own() -> None:
    """GIVEN a child that keeps 50 MB THEN the sum has it, and the process's own peak does not."""
    with _holder() as process, PeakMemory(process.pid) as peak:
        _hold(process, "child 50")
    assert peak.tree_mb - peak.server_mb > 45
    assert peak.samples >= 1
