"""Processes that fork: whoever ends the first ends all."""

import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from profiles import processes

FORKS = """
import os, signal, sys
signal.signal(signal.SIGTERM, {how})
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print(os.getpid(), flush=True)
signal.pause()
"""


@pytest.mark.parametrize(
    ("how", "within_s", "status"),
    [("signal.SIG_DFL", 10.0, -signal.SIGTERM), ("signal.SIG_IGN", 0.1, -signal.SIGKILL)],
    ids=["gently", "by force"],
)
def test_what_a_process_forked_ends_with_it(tmp_path: Path, how: str, within_s: float, status: int) -> None:
    """GIVEN a child that hears no SIGTERM WHEN its parent is stopped THEN both are gone."""
    log = tmp_path / "log"
    process = processes.start([sys.executable, "-c", FORKS.format(how=how)], log)
    deadline = time.monotonic() + 20
    while not log.read_text().endswith("\n"):
        assert time.monotonic() < deadline
    child = psutil.Process(int(log.read_text()))

    assert processes.stop(process, within_s) == status

    assert psutil.wait_procs([child], timeout=10)[1] == []


def test_a_process_that_is_gone_is_stopped_without_a_word(tmp_path: Path) -> None:
    """GIVEN a process that has ended by itself THEN its own status is given."""
    process = processes.start([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log")
    process.wait()
    assert processes.stop(process) == 3
