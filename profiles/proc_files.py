"""One process's files in /proc, kept open: so a reading is one system call, and never another process's.

A file opened there belongs to the process and not to its number: once the process is gone it says so (ESRCH), also
when the number is in use again. What each file says stands in proc(5).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_READ = os.O_RDONLY | os.O_CLOEXEC
_KB = 1024


class Proportional(NamedTuple):
    """What a process holds for itself: `pss_bytes` with its part of shared pages, `uss_bytes` without any."""

    pss_bytes: int
    uss_bytes: int


class FileTraffic(NamedTuple):
    """What a process has read since its start: all of it, or sent with sendfile; and what came from the storage."""

    read_bytes: int
    storage_bytes: int


class ProcessFiles:
    """The files of the process that has this pid now.

    Every method raises ProcessLookupError once the process is gone, and OSError where a file may not be read.
    """

    def __init__(self, pid: int, proc: Path | str = PROC) -> None:
        self.pid = pid
        self._folder: int | None = None
        self._kept: dict[str, int] = {}
        try:
            self._folder = os.open(f"{proc}/{pid}", _READ | os.O_DIRECTORY)
        except FileNotFoundError:
            if proc == PROC and _exists(pid):
                raise PermissionError(errno.EACCES, "hidden from this user (hidepid)") from None
            raise ProcessLookupError(pid) from None

    def rss_bytes(self) -> int:
        """Return its resident memory; raises ProcessLookupError too when it has ended but is not yet reaped."""
        fields = self._keep("statm", 128).split(None, 2)
        if fields[:1] == [b"0"]:
            raise ProcessLookupError(self.pid)
        return _number(fields, 1) * PAGE_BYTES

    def cpu_s(self) -> float:
        """Return the CPU time that it has used, its ended threads included."""
        after_name = self._keep("stat", 1024).rpartition(b")")[2].split(None, 13)
        return (_number(after_name, 11) + _number(after_name, 12)) / TICKS_PER_S

    def peak_rss_bytes(self) -> int | None:
        """Return the most that it ever held, as the kernel noted it; None where the kernel does not say."""
        _, _, after = self._keep("status", 8192).partition(b"\nVmHWM:")
        return _number(after.split(None, 1), 0) * _KB if after else None

    def threads(self) -> int:
        """Return how many threads it has: its `task` folder has a link for each, beside its own two."""
        return self._stat("task").st_nlink - 2

    def fds(self) -> int:
        """Return how many files and sockets it has open: the size of its `fd` folder, since Linux 6.2."""
        return self._stat("fd").st_size or self._count("fd")

    def command_line(self) -> list[str]:
        """Return its command, word by word; empty when it has ended."""
        words = self._once("cmdline", 4096).decode("utf-8", "replace").split("\0")
        return words[:-1]

    def children(self) -> list[int]:
        """Return what its first thread has forked and not yet waited for."""
        pids = self._once(f"task/{self.pid}/children", 65536).split()
        return [_number(pids, index) for index in range(len(pids))]

    def proportional(self) -> Proportional:
        """Walk its pages: 1 ms for each 100 MB, while which it cannot map memory. So rarely."""
        sizes = {}
        for line in self._once("smaps_rollup", 4096).splitlines():
            name, _, rest = line.partition(b":")
            if rest.endswith(b" kB"):
                sizes[name] = _number(rest.split(), 0) * _KB
        private = (b"Private_Clean", b"Private_Dirty", b"Private_Hugetlb")
        if b"Pss" not in sizes:
            raise OSError(errno.EIO, "does not say")
        return Proportional(sizes[b"Pss"], sum(sizes.get(name, 0) for name in private))

    def file_traffic(self) -> FileTraffic:
        """Return what it read so far: `rchar` and `read_bytes` of its `io` file.

        Read-ahead counts as storage too, and what `recv` takes from a socket as nothing.
        """
        counts = {}
        for line in self._once("io", 1024).splitlines():
            name, _, number = line.partition(b":")
            counts[name] = _number([number], 0)
        if not {b"rchar", b"read_bytes"} <= counts.keys():
            raise OSError(errno.EIO, "does not say")
        return FileTraffic(counts[b"rchar"], counts[b"read_bytes"])

    def close(self) -> None:
        """Close all of them; after this the process counts as gone."""
        for fd in (self._folder, *self._kept.values()):
            if fd is not None:
                os.close(fd)
        self._folder = None
        self._kept = {}

    def __del__(self) -> None:
        self.close()

    def _keep(self, name: str, most_bytes: int) -> bytes:
        fd = self._kept.get(name)
        if fd is None:
            fd = self._kept[name] = self._open(name)
        return os.pread(fd, most_bytes, 0)

    def _once(self, name: str, most_bytes: int) -> bytes:
        fd = self._open(name)
        try:
            return os.read(fd, most_bytes)
        finally:
            os.close(fd)

    def _open(self, name: str) -> int:
        try:
            return os.open(name, _READ, dir_fd=self._alive())
        except FileNotFoundError:
            self._alive(name)
            raise

    def _stat(self, name: str) -> os.stat_result:
        try:
            return os.stat(name, dir_fd=self._alive())
        except FileNotFoundError:
            self._alive(name)
            raise

    def _alive(self, missing: str = "") -> int:
        """Return the folder; with the name of a missing file, only if the process is there to have it."""
        if self._folder is None:
            raise ProcessLookupError(self.pid)
        if missing:
            try:
                os.stat("stat", dir_fd=self._folder)
            except FileNotFoundError:
                raise ProcessLookupError(self.pid) from None
        return self._folder

    def _count(self, name: str) -> int:
        fd = self._open(name)
        try:
            return len(os.listdir(fd))  # noqa: PTH208 - a path knows no open folder
        finally:
            os.close(fd)


def _number(fields: Sequence[bytes], index: int) -> int:
    try:
        return int(fields[index])
    except (IndexError, ValueError):
        raise OSError(errno.EIO, f"does not say: {b' '.join(fields)[:40]!r}") from None


def _exists(pid: int) -> bool:
    """Whether there is such a process, though /proc may not show it to us."""
    try:
        os.close(os.pidfd_open(pid))
    except OSError:
        return False
    return True
