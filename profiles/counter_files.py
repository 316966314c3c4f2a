"""The kernel's small counter files, kept open: reading one again is one system call, and no name is looked up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from profiles.walls import Reading

ENOUGH_BYTES = 16384
"""No file of counters is longer; a list of processes is, and comes in pieces."""


class CounterFile:
    """One file, opened when first read and read from its start each time."""

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self._fd: int | None = None
        self.complaint: str | None = None
        """Why the last reading failed; None when it did not."""

    def read(self, offset: int = 0) -> bytes | None:
        """Return what the file says now; None where it cannot be read, and `complaint` then says why."""
        try:
            if self._fd is None:
                self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            data = os.pread(self._fd, ENOUGH_BYTES, offset)
        except OSError as error:
            self.complain(error.strerror or type(error).__name__)
            self.close()  # it may come back under its name, as the file of another group or process
            return None
        self.complaint = None
        return data

    def whole(self) -> bytes | None:
        """Return all of a list, however long it is."""
        data = self.read()
        while data and (more := self.read(len(data))):
            data += more
        return data

    def number(self) -> int | None:
        """Return the file's one number; None where there is none."""
        data = self.read()
        if data is None:
            return None
        try:
            return int(data)
        except ValueError:
            self.complain(f"says {data[:20].decode('ascii', 'replace').strip()!r}")
            return None

    def table(self) -> dict[bytes, bytes]:
        """Return the file's lines of a key and a value; empty where it cannot be read."""
        words = (self.read() or b"").split()
        return dict(zip(words[::2], words[1::2], strict=False))

    def complain(self, reason: str) -> None:
        """Note why this file gave no value."""
        self.complaint = f"{self.path}: {reason}"

    def close(self) -> None:
        """Close it; it is opened again when read again."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = None

    def __del__(self) -> None:
        self.close()


class CounterFiles:
    """The counter files of one reader, by path, each opened once."""

    def __init__(self) -> None:
        self._files: dict[str, CounterFile] = {}

    def __getitem__(self, path: str) -> CounterFile:
        """The file at `path`."""
        found = self._files.get(path)
        if found is None:
            found = self._files[path] = CounterFile(path)
        return found


def integer(text: bytes | None) -> int | None:
    """Return the number that `text` is; None where it is none."""
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


def seconds(count: int | None, per_second: float) -> float | None:
    """Return a counter of time in seconds; None where it is unknown."""
    return None if count is None else count / per_second


def pressure(data: bytes | None) -> tuple[float | None, float | None]:
    """Return `some` and `full` of a PSI file: the share of the last 10 s, in percent, that tasks waited.

    https://docs.kernel.org/accounting/psi.html
    """
    shares: dict[bytes, float] = {}
    for line in (data or b"").splitlines():
        words = line.split()
        with contextlib.suppress(ValueError, IndexError):
            shares[words[0]] = float(words[1].removeprefix(b"avg10="))
    return shares.get(b"some"), shares.get(b"full")


def reading_of(sources: Mapping[str, tuple[float | None, CounterFile]]) -> Reading:
    """Return the counters as a reading, and why those are unknown that are; each comes with the file it is from."""
    values: dict[str, object] = {name: value for name, (value, _) in sources.items()}
    why = {
        name: file.complaint or f"{file.path}: does not say"
        for name, (value, file) in sources.items()
        if value is None
    }
    return Reading(**values, why=why)  # type: ignore[arg-type]  # the names are its fields'
