"""The folder of builds that are kept: one gate at a time makes one, and what nobody uses any more is removed."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from profiles.errors import OomproofError

KEPT_UNUSED_S = 14 * 24 * 3600.0
"""A build takes 0.1 GB, or 0.8 GB where the folder and uv's cache lie on different disks."""
_LOOK_EACH_S = 0.1
_LOCK, _LOG = ".lock", ".log"


def log_of(build: Path) -> Path:
    """Return where the log of a build's making is, beside its folder."""
    return build.with_name(build.name + _LOG)


@contextlib.contextmanager
def held(build: Path, deadline: float, waiting: Callable[[], None]) -> Iterator[None]:
    """Keep a build's folder for us while its making goes on; `waiting` is called once where somebody else has it.

    The kernel lets it go with us, however we end. That it was used is noted.

    Raises:
        OomproofError: `deadline`, on the monotonic clock, passed before the other was done.
    """
    lock = build.with_name(build.name + _LOCK)
    with contextlib.ExitStack() as stack:
        if not stack.enter_context(_try(lock)):
            waiting()
            while not stack.enter_context(_try(lock)):
                if time.monotonic() > deadline:
                    raise OomproofError(f"{lock}: another gate holds it. End that one, or wait for it.")
                time.sleep(_LOOK_EACH_S)
        lock.touch()
        yield


def forget_unused(folder: Path) -> list[Path]:
    """Remove the builds that nobody used for `KEPT_UNUSED_S`, and return what was removed; somebody else's stay."""
    gone = []
    for lock in folder.glob(f"*{_LOCK}"):
        build = lock.with_suffix("")
        with contextlib.suppress(OSError):
            if build.exists() and time.time() - lock.stat().st_mtime > KEPT_UNUSED_S and _remove(build, lock):
                gone.append(build)
    return gone


def _remove(build: Path, lock: Path) -> bool:
    with _try(lock) as ours:  # its file stays: who waits for it shall not have another than who comes next
        if ours:
            shutil.rmtree(build)
            log_of(build).unlink(missing_ok=True)
        return ours


@contextlib.contextmanager
def _try(lock: Path) -> Iterator[bool]:
    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
