import errno
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from profiles.pidfd import HeldProcess, send

TELLS = tuple(map(int, platform.release().split(".")[:2])) >= (6, 15)
"""Whether this kernel tells how a process ended that is not our child."""


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(3)", 3),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("import os; os.abort()", -signal.SIGABRT),
    ],
)
def test_how_a_process_ended_is_told_where_the_kernel_tells_it(code: str, status: int) -> None:
    """GIVEN a process WHEN it has ended and its parent has taken its status THEN it is known; never guessed before."""
    process = subprocess.Popen([sys.executable, "-c", f"input(); {code}"], stdin=subprocess.PIPE)
    held = HeldProcess(process.pid)
    assert not held.has_ended()
    assert held.exit_status() is None
    process.communicate(b"\n")
    assert held.has_ended()
    assert held.exit_status() == (status if TELLS else None)
    held.close()
    assert held.exit_status() is None


def test_one_that_waits_for_its_parent_has_ended() -> None:
    """GIVEN a zombie THEN it has ended, though nobody knows how yet."""
    process = subprocess.Popen(["true"])
    held = HeldProcess(process.pid)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert held.has_ended()
    assert held.exit_status() is None
    process.wait()
    held.close()


def test_a_process_that_never_was_has_ended(tmp_path: Path) -> None:
    """GIVEN no such process THEN it has ended, and how is not known."""
    held = HeldProcess(2**22 + 1, tmp_path)
    assert held.has_ended()
    assert held.exit_status() is None
    held.close()


def test_a_kernel_without_it_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a kernel that does not know the question THEN no status."""

    def refuse(*_: object) -> None:
        raise OSError(25, "Inappropriate ioctl for device")

    monkeypatch.setattr("fcntl.ioctl", refuse)
    process = subprocess.Popen(["true"])
    held = HeldProcess(process.pid)
    process.wait()
    assert held.exit_status() is None
    held.close()


@pytest.mark.parametrize("held", [True, False])
def test_only_the_process_that_is_meant_is_signalled(monkeypatch: pytest.MonkeyPatch, *, held: bool) -> None:
    """GIVEN a process, held or on a kernel that cannot hold one THEN it is signalled only if it is the one."""
    if not held:

        def refuse(pid: int) -> int:
            raise OSError(errno.ENOSYS, "Function not implemented")

        monkeypatch.setattr(os, "pidfd_open", refuse)
    process = subprocess.Popen(["sleep", "60"])
    try:
        assert not send(process.pid, signal.SIGKILL, lambda: False)
        assert process.poll() is None
        assert send(process.pid, signal.SIGKILL, lambda: True)
        assert process.wait(10) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    assert not send(process.pid, signal.SIGKILL, lambda: True), "it is gone"


@pytest.mark.parametrize("pid", [-1, 0, 1, pytest.param(os.getpid(), id="itself")])
def test_nobody_signals_init_a_group_or_itself(pid: int) -> None:
    """GIVEN a number that is no other process's THEN not even asked for is it signalled."""
    assert not send(pid, signal.SIGCONT, lambda: pytest.fail("asked"))
