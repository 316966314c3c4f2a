"""Servers on this machine, started for a person: awaited, watched together, and ended with all they started."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import psutil

from profiles import processes
from profiles.errors import EXIT_USAGE, OomproofError, RunError
from profiles.health import healthy
from profiles.progress import Progress
from profiles.target import START_WITHIN_S

HOST = "127.0.0.1"

_PR_SET_CHILD_SUBREAPER = 36
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class LocalServer:
    """A process that serves: its name, its base URL, the path that says it is alive, and its log."""

    name: str
    url: str
    health: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise when it has ended: OomproofError if it refused what it was told, else RunError."""
        status = self.process.poll()
        if status is None:
            return
        if status == EXIT_USAGE:
            raise OomproofError(f"{self.name}: {processes.last_line(self.log)}")
        how, why = f"ended with status {status}", processes.last_line(self.log).rstrip(".")
        if status < 0:
            how = f"was killed by {signal.Signals(-status).name}"
            why = (
                "the kernel does that out of memory" if status == -signal.SIGKILL else "by whom is not known"
            )
        raise RunError(f"{self.name}: {how}: {why}. See {self.log}.")


@contextlib.contextmanager
def started(
    name: str,
    port: int,
    health: str,
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    progress: Progress,
) -> Iterator[LocalServer]:
    """Start a server on a loopback port, return it once it is alive, and end it afterwards.

    Raises:
        OomproofError: it refused what it was told. RunError: it ended, or is not alive in time.
    """
    process = processes.start(command, log, environment=environment)
    try:
        part = LocalServer(name, f"http://{HOST}:{port}", health, process, log)
        _await(part, progress)
        yield part
    finally:
        processes.stop(process)


def _await(part: LocalServer, progress: Progress) -> None:
    since = time.monotonic()
    progress.stage(part.name)
    while not healthy(part.url, part.health, timeout_s=1.0):
        part.check()
        waited_s = time.monotonic() - since
        if waited_s > START_WITHIN_S:
            raise RunError(
                f"{part.name}: no answer on {part.url} within {START_WITHIN_S:g} s. See {part.log}."
            )
        progress.tell(f"starting ({waited_s:.0f} s)")
        time.sleep(_LOOK_EVERY_S)


def watch(parts: Sequence[LocalServer]) -> NoReturn:
    """Look at all until one has ended; raises what its `check` does."""
    while True:
        for part in parts:
            part.check()
        time.sleep(_LOOK_EVERY_S)


@contextlib.contextmanager
def ending_orphans() -> Iterator[None]:
    """End what a part leaves behind: aligners have sessions of their own and outlive a killed server."""
    libc, us = ctypes.CDLL(None, use_errno=True), psutil.Process()
    before = set(us.children(recursive=True))
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        left = set(us.children(recursive=True)) - before
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=5)
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)
