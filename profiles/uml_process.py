"""The host's processes of one guest of user-mode-linux: its kernel, one for each process inside, and helpers."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_GUARD = 'read -r _; kill -s KILL -- "-$1"'
"""Ends all of a guest's processes once our end of its input is closed, however that came about."""
_GONE_WITHIN_S = 10.0
_LOOK_EACH_S = 0.5


def run_guest(
    command: Sequence[str],
    console: Path,
    environment: Mapping[str, str],
    folder: Path,
    timeout_s: float,
    meanwhile: Callable[[], None],
) -> bool:
    """Run user-mode-linux in `folder`, calling `meanwhile` again and again; return whether it ended in time.

    Nothing of it is left then, nor when we are killed.
    """
    with console.open("wb") as output:
        kernel = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,  # it would make itself a session anyway, whose number we could not know
        )
    guard = None
    try:
        guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "sh", str(kernel.pid)], stdin=subprocess.PIPE, start_new_session=True
        )
        return _ends_within(kernel.pid, timeout_s, meanwhile)
    finally:
        os.killpg(kernel.pid, signal.SIGKILL)  # there is such a group: its leader was not waited for yet
        if guard is not None:
            guard.kill()
            guard.communicate()
        kernel.wait()
        _await_group_gone(kernel.pid)


def _ends_within(pid: int, timeout_s: float, meanwhile: Callable[[], None]) -> bool:
    """Return whether a child ends in time; it is not waited for, so that its number stays its own."""
    deadline = time.monotonic() + timeout_s
    handle = os.pidfd_open(pid)
    try:
        while (left_s := deadline - time.monotonic()) > 0:
            if select.select([handle], [], [], min(left_s, _LOOK_EACH_S))[0]:
                return True
            meanwhile()
    finally:
        os.close(handle)
    return False


def _await_group_gone(group: int) -> None:
    """Return when the host has freed what a guest's processes held."""
    deadline = time.monotonic() + _GONE_WITHIN_S
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.02)
