"""What other programs took: only those that were there all the time, and none of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from benchmarks.suite.neighbours import neighbours, taken

SPIN = "print('on', flush=True)\nwhile True: pass"


def test_who_was_there_at_both_times_counts() -> None:
    """GIVEN a process that used 2 s, one that came, one that went, and one with a number used again THEN 2 s of 10."""
    before = {(1, 0.0): 5.0, (2, 0.0): 7.0, (3, 1.0): 9.0}
    after = {(1, 0.0): 7.0, (3, 2.0): 20.0, (4, 0.0): 30.0}
    assert taken(before, after, 10.0) == pytest.approx(0.2)


def test_nobody_takes_nothing() -> None:
    """GIVEN no other process, or no time THEN the share is 0."""
    assert taken({}, {}, 10.0) == 0
    assert taken({(1, 0.0): 1.0}, {(1, 0.0): 1.0}, 0.0) == 0


def test_neither_we_nor_ours_are_neighbours() -> None:
    """GIVEN a child of ours that spins THEN it is no neighbour, nor are we, nor the kernel's threads."""
    with subprocess.Popen([sys.executable, "-c", SPIN], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            pids = {pid for pid, _ in neighbours()}
        finally:
            child.kill()
    assert not {child.pid, os.getpid(), 2} & pids


@pytest.mark.slow
def test_a_neighbour_that_works_is_seen() -> None:
    """GIVEN a process that is nobody's child of ours and spins THEN it takes a good part of a core."""
    spinner = f"import os\nif os.fork(): os._exit(0)\nos.setsid()\nprint(os.getpid(), flush=True)\n{SPIN}"
    with subprocess.Popen([sys.executable, "-c", spinner], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        try:
            parent.stdout.readline()
            before, began = neighbours(), time.monotonic()
            time.sleep(0.5)
            share = taken(before, neighbours(), time.monotonic() - began)
        finally:
            os.kill(pid, 9)
    assert pid in {known for known, _ in before}
    assert share > 0.1
