"""A process held by a pidfd, so that no other can take its place: whether it has ended, and how; signals to it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import struct
from collections.abc import Callable
from pathlib import Path

from profiles.proc_files import PROC
from profiles.process_stat import read_stat

_INFO_BYTES = 64
_GET_INFO = (3 << 30) | (_INFO_BYTES << 16) | (0xFF << 8) | 11
"""PIDFD_GET_INFO of the first size of its structure (linux/pidfd.h): an ioctl that reads and writes 64 bytes."""
_INFO_EXIT = 1 << 3
_EXIT_CODE_AT = 60


def send(pid: int, number: signal.Signals, is_meant: Callable[[], bool]) -> bool:
    """Signal the process that has this pid, if it is the one that is meant; return whether it was signalled.

    `is_meant` is asked while the process is held: should its pid be another's by then, that one is not hit. Neither
    init nor we ourselves are ever signalled.
    """
    if pid <= 1 or pid == os.getpid():
        return False
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    except OSError:  # a kernel before 5.3, or a container that forbids it
        handle = None
    try:
        if not is_meant():
            return False
        if handle is None:
            os.kill(pid, number)
        else:
            signal.pidfd_send_signal(handle, number)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        if handle is not None:
            os.close(handle)
    return True


class HeldProcess:
    """One process, told from a later one of its pid by its start time."""

    def __init__(self, pid: int, proc: Path = PROC) -> None:
        self.pid = pid
        self._proc = proc
        stat = read_stat(proc, pid)
        self._start_ticks = None if stat is None else stat.start_ticks
        self._fd: int | None = None
        with contextlib.suppress(OSError):  # gone already, or a kernel before 5.3
            self._fd = os.pidfd_open(pid)

    def has_ended(self) -> bool:
        """Whether all of it has ended; also when nobody has taken its exit status yet."""
        stat = read_stat(self._proc, self.pid)
        return stat is None or stat.is_zombie or stat.start_ticks != self._start_ticks

    def exit_status(self) -> int | None:
        """Return its exit status (a signal is negative); None where it is not to be known.

        Linux 6.15 and newer tell it to anybody who holds a pidfd, once its parent has taken it.
        """
        if self._fd is None:
            return None
        info = bytearray(_INFO_BYTES)
        struct.pack_into("=Q", info, 0, _INFO_EXIT)
        try:
            fcntl.ioctl(self._fd, _GET_INFO, info)
        except OSError:  # an older kernel, or its parent has not waited for it yet
            return None
        told, status = struct.unpack_from("=Q", info)[0], struct.unpack_from("=i", info, _EXIT_CODE_AT)[0]
        return os.waitstatus_to_exitcode(status) if told & _INFO_EXIT else None

    def close(self) -> None:
        """Let go of it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
