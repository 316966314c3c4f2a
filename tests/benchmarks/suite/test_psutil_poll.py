"""psutil, polling as one would write it."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil
import pytest

from benchmarks.suite.psutil_poll import CALLS, Call, poll, rows


@pytest.mark.parametrize("call", CALLS)
def test_a_row_holds_the_memory_of_all_processes(call: Call) -> None:
    """GIVEN this process twice WHEN rows are asked for THEN each holds twice its memory, and time and CPU only rise."""
    ours = psutil.Process(os.getpid())
    found = list(islice(rows(call, [ours, ours]), 3))
    assert all(held_bytes > 2 * 1_000_000 for _, _, held_bytes in found)
    assert found == sorted(found, key=lambda row: row[:2])


def test_a_process_that_ended_ends_the_polling() -> None:
    """GIVEN a process that is gone THEN the poller says so, and does not tell of no memory."""
    process = subprocess.Popen(["sleep", "600"])
    asked = rows("memory_info", [psutil.Process(process.pid)])
    assert next(asked)[2] > 0
    process.kill()
    process.wait()
    with pytest.raises(psutil.NoSuchProcess):
        next(asked)


def test_each_row_is_written_before_the_next_is_taken() -> None:
    """GIVEN rows WHEN they are polled THEN what was written so far is there as each one is taken."""
    out, seen = io.StringIO(), list[int]()

    def three() -> Iterator[tuple[float, float, int]]:
        for number in range(3):
            seen.append(len(out.getvalue().splitlines()))
            yield float(number), 0.5, 7

    poll(out, three(), 0.0)
    assert seen == [0, 1, 2]
    assert out.getvalue() == "0.0,0.5,7\n1.0,0.5,7\n2.0,0.5,7\n"


def test_the_poller_is_small() -> None:
    """GIVEN the poller's module THEN it imports nothing of ours but itself: its memory is to be psutil's."""
    told = "import sys, benchmarks.suite.psutil_poll; print(*(n for n in sys.modules if n.split('.')[0] in sys.argv))"
    said = subprocess.run(
        [sys.executable, "-c", told, "benchmarks", "profiles", "loadtests", "reference_server"],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.split() == ["benchmarks", "benchmarks.suite", "benchmarks.suite.psutil_poll"]
