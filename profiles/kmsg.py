"""The kernel's log read as it happens, from `/dev/kmsg`: its records, and when on our clock they were written.

A record is `PRIORITY,NUMBER,MICROSECONDS,FLAGS;MESSAGE` and lines of properties; see the kernel's
`Documentation/ABI/testing/dev-kmsg`. Anybody who may write to the file can write a message that looks like the
kernel's: such a record has a facility of its own (the priority's bits above the lowest three) and is left out.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_RECORD = re.compile(r"(?P<priority>\d+),(?P<number>\d+),(?P<time_us>\d+),[^;]*;(?P<message>.*)")


@dataclass(frozen=True)
class KernelRecord:
    """One message of the kernel; `kernel_t` is its own stamp, in seconds since the machine started."""

    message: str
    number: int
    kernel_t: float


def parse_record(text: str) -> KernelRecord | None:
    """Return the kernel's message in a record, or None: not a record, or written by somebody else."""
    match = _RECORD.match(text.partition("\n")[0])
    if match is None or int(match["priority"]) >> 3 != 0:
        return None
    return KernelRecord(match["message"], int(match["number"]), int(match["time_us"]) / 1e6)


class KernelLog:
    """New messages of the kernel since it was opened; none where it cannot be read (`reason` says why).

    `lost` counts the records that were overwritten before they were read.
    """

    def __init__(self, path: Path = Path("/dev/kmsg")) -> None:
        self.reason: str | None = None
        self.lost = 0
        self._last: int | None = None
        self._overrun = False
        self._fd: int | None = None
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            os.lseek(self._fd, 0, os.SEEK_END)
        except OSError as error:
            self._fail(error)

    @property
    def readable(self) -> bool:
        """Whether this process may read the kernel's log."""
        return self._fd is not None

    def records(self) -> Iterator[KernelRecord]:
        """Yield the kernel's messages that came since the last call."""
        while (text := self._read()) is not None:
            number = text.split(",", 2)[1:2]
            if number and number[0].isdecimal():
                self._count(int(number[0]))
            if (record := parse_record(text)) is not None:
                yield record

    def _read(self) -> str | None:
        while self._fd is not None:
            try:
                read = os.read(self._fd, 8192)
            except (BlockingIOError, InterruptedError):
                return None
            except BrokenPipeError:
                self._overrun = True  # the ring buffer overran us: the next read gives its oldest record
            except OSError as error:
                self._fail(error)
            else:
                return read.decode(errors="replace") if read else None
        return None

    def _count(self, number: int) -> None:
        """Count what is missing before a record; the kernel numbers them one after the other."""
        if self._overrun and self._last is not None:
            self.lost += max(0, number - self._last - 1)
        elif self._overrun:
            self.lost += 1  # at least: nothing had been read before
        self._overrun, self._last = False, number

    def _fail(self, error: OSError) -> None:
        self.reason = f"/dev/kmsg: {error.strerror}"
        self.close()

    def close(self) -> None:
        """Stop reading."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


class KernelClock:
    """Puts the kernel's stamps on the monotonic clock.

    The two differ by some offset, since the kernel's stamps are from a clock that nobody sets. A record that was not
    there when we looked, and was when we looked again, was written in between: that bounds the offset, and each
    record bounds it further. A drift that contradicts an earlier bound drops it.
    """

    def __init__(self) -> None:
        self._least_s = float("-inf")
        self._most_s = float("inf")

    def seen(self, kernel_t: float, after_t: float, by_t: float) -> tuple[float, float]:
        """Return when a record that came between two looks was written, and within how many seconds that is so."""
        least_s, most_s = after_t - kernel_t, by_t - kernel_t
        self._least_s, self._most_s = max(self._least_s, least_s), min(self._most_s, most_s)
        if self._least_s > self._most_s:
            self._least_s, self._most_s = least_s, most_s
        return kernel_t + (self._least_s + self._most_s) / 2, (self._most_s - self._least_s) / 2
