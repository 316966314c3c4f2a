"""Listeners who take a chunk as fast as it plays: thousands of open streams, read by one thread.

Four times a second each stream takes what has been played since its first byte. A visit is one system call, so a loop
over plain sockets carries all: they are visited in turn, some at every tick, and none is waited for.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Self

from benchmarks.store import BYTES_PER_S

RECEIVE_BUFFER_BYTES = 8 * 1024
"""Asked of the kernel for each socket: half a second of sound. With more, the sender's kernel holds more too."""

SEGMENT_BYTES = 1460
"""Of a TCP segment on Ethernet. On loopback it would be 64 kB, and the kernel would take a whole chunk from the server
at once, to have ten segments ready: no stream would be open any more."""

OPENED_PER_S = 1000
LATE_S = 1.5
"""Whoever is so much behind what has been played, hears nothing: it is more than the visits explain."""

_TICK_S = 0.01
_TICKS = 25
"""From one visit of a stream to the next."""

_BUFFER = bytearray(64 * 1024)
_OK = b"HTTP/1.1 200 "
_NOT_YET = frozenset({errno.EAGAIN, errno.ENOTCONN})


@dataclass(frozen=True)
class Wanted:
    """A chunk that somebody wants to hear: its request as it goes over the wire, and its size."""

    request: bytes
    size_bytes: int


class Stream:
    """One listener's connection; `taken_bytes` are those read, `failed` how it ended before its time."""

    __slots__ = ("_asked", "_began_s", "_socket", "failed", "taken_bytes", "wanted")

    def __init__(self, port: int, wanted: Wanted) -> None:
        """Begin to connect to a server on loopback."""
        self.wanted = wanted
        self.taken_bytes = 0
        self.failed: str | None = None
        self._asked = False
        self._began_s: float | None = None
        self._socket = socket.socket()
        self._socket.settimeout(0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        self._socket.connect_ex(("127.0.0.1", port))  # what is wrong with it shows when the request is sent

    @property
    def has_begun(self) -> bool:
        """Whether its first byte has come."""
        return self._began_s is not None

    @property
    def port(self) -> int:
        """Its own end's port."""
        return int(self._socket.getsockname()[1])

    def visit(self, now_s: float) -> None:
        """Ask, once the connection is there, and take what has been played by now (monotonic clock)."""
        if self.failed:
            return
        try:
            if not self._asked:
                self._socket.send(self.wanted.request)
                self._asked = True
            wanted = self._due_bytes(now_s) - self.taken_bytes
            if wanted > 0:
                self._took(self._socket.recv_into(_BUFFER, min(wanted, len(_BUFFER))), now_s)
        except OSError as error:
            if error.errno not in _NOT_YET:
                self.failed = error.strerror or str(error)

    def is_late(self, now_s: float) -> bool:
        """Return whether there is nothing to be heard: the server has sent less than was to be played long ago."""
        return self._due_bytes(now_s - LATE_S) > self.taken_bytes

    def close(self) -> None:
        """Leave, whatever has come."""
        self._socket.close()

    def _due_bytes(self, now_s: float) -> int:
        if self._began_s is None:
            return len(_OK)
        return min(round((now_s - self._began_s) * BYTES_PER_S), self.wanted.size_bytes)

    def _took(self, count: int, now_s: float) -> None:
        if self._began_s is None:
            self._began_s = now_s
            if not _BUFFER.startswith(_OK):
                self.failed = f"answered {bytes(_BUFFER[:count])!r}"
        self.taken_bytes += count
        if not count:
            self.failed = "the server closed the connection"


class Listeners:
    """Listeners to one server; they leave at the end of the `with`."""

    def __init__(self, port: int) -> None:
        self.streams: list[Stream] = []
        self._port = port
        self._tick = 0
        self._due_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for stream in self.streams:
            stream.close()

    def listen(self, seconds: float, newcomers: Iterable[Wanted] = ()) -> None:
        """Let everybody listen for some seconds, and `OPENED_PER_S` more join each second while there are newcomers."""
        end_s, newcomers = time.monotonic() + seconds, iter(newcomers)
        while (now_s := time.monotonic()) < end_s:
            for wanted in islice(newcomers, round(OPENED_PER_S * _TICK_S)):
                self.streams.append(Stream(self._port, wanted))
                self.streams[-1].visit(now_s)
            for number in range(self._tick % _TICKS, len(self.streams), _TICKS):
                self.streams[number].visit(now_s)
            self._tick += 1
            self._due_s = max(self._due_s + _TICK_S, now_s)
            time.sleep(max(0.0, self._due_s - time.monotonic()))
