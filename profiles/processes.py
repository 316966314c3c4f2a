"""The processes around a run: started so that they cannot outlive us, stopped gently and then surely."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from profiles.errors import RunError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def start(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    in_child: Callable[[], None] | None = None,
    pipes: bool = False,
    outlives_us: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a process whose output goes to `log`, which the kernel ends when we die.

    Its own session keeps Ctrl-C from reaching it: whoever runs it decides when it ends. `in_child` runs in it
    before the program starts (to enter a VM). With `pipes`, its input and output are pipes to us instead;
    with `outlives_us` it is left to notice our end on them.
    """
    us = os.getpid()

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever started us in the background had it ignored
        if not outlives_us:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != us:  # we died before the kernel knew what to do then
                os._exit(1)
        if in_child is not None:
            in_child()

    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else output,
            stderr=output,
            env=dict(os.environ if environment is None else environment),
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509  # one thread here, and both calls are plain system calls
        )


def python_module(module: str, *arguments: str | Path | float) -> list[str]:
    """Return the command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def stop(
    process: subprocess.Popen[bytes], within_s: float = 10.0, *, gently: signal.Signals = signal.SIGTERM
) -> int:
    """End a process with a signal that it can answer, with SIGKILL if it takes longer; return its exit status.

    What it forked ends with it, however it ended: the processes of a load would go on reading.
    """
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(gently)
    try:
        status = process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    with contextlib.suppress(ProcessLookupError):  # it leads a process group, which `start` made
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    return status


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    for port in random.sample(range(20000, 32000), 200):  # below those that the kernel gives to clients
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise RunError("127.0.0.1: no free port between 20000 and 32000. End what listens there.")


def last_line(log: Path) -> str:
    """Return the last line that a process left in its log, for a message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        return "it left no log"
    return lines[-1].strip() if lines else "it said nothing"
