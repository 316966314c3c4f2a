"""A file of whole lines: each is on disk entire or not at all, also when the disk is full."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class LineFile:
    """Appends lines; several processes may share the file.

    What the disk does not take whole (ENOSPC, EDQUOT, EFBIG, EIO) is cut off again, so that what comes later never
    stands behind half a line.
    """

    def __init__(self, path: Path | str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._torn: tuple[int, int] | None = None

    def append(self, line: bytes) -> str | None:
        """Append `line`, which ends in a newline; return None, or in a word or two why it is not in the file."""
        with contextlib.suppress(
            OSError
        ):  # a file system without locks: then lines are only as whole as writes
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            return self._append(line)
        except OSError as error:
            return error.strerror or type(error).__name__
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _append(self, line: bytes) -> str | None:
        self._mend()
        start = os.fstat(self._fd).st_size
        written = os.write(self._fd, line)
        try:
            while written < len(line):
                written += os.write(self._fd, line[written:])  # says why the first did not take all
        except OSError:
            self._torn = (start, start + written)
            self._mend()
            raise
        return None

    def _mend(self) -> None:
        """Cut off the half line that a write has left, unless somebody has written behind it by now."""
        if self._torn is not None:
            whole, end = self._torn
            if os.fstat(self._fd).st_size == end:
                os.ftruncate(self._fd, whole)
            self._torn = None

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
