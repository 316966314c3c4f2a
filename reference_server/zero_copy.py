"""A file's bytes on the wire without passing through the process: the kernel sends them from its page cache.

It is ASGI's extension `http.response.zerocopysend`, which uvicorn does not have, and needs a plain TCP
connection. Not `http.response.pathsend`: that takes a path, under which another file may lie by then, and no range.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any, BinaryIO, cast

from starlette.types import Message, Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from reference_server.threads import run_to_end

ZERO_COPY = "http.response.zerocopysend"

BODY_FOLLOWS = "reference_server.body_follows"
"""In `http.response.start`: the body is sent next, so the head may wait for it. Sent alone it would be a segment of its
own, for which the kernel wakes the client: a third of the CPU that a chunk costs. Other servers pass over it."""

_WINDOW_BYTES = 1024 * 1024
"""Sent in one go: then it is the turn of others."""

_PIECE_BYTES = 256
"""What waits in the process for a client that takes nothing at the moment: its going tells that more may follow."""

_READ_BYTES = 128 * 1024
_PROBE = [bytearray(1)]
_LENGTH = b"content-length"
_CANNOT = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})


def can_send_files(scope: Scope) -> bool:
    """Return whether the server takes an open file for a body."""
    return ZERO_COPY in scope.get("extensions", ())


class FileCycle(RequestResponseCycle):
    """uvicorn's cycle of a request and its answer, which takes an open file for (a part of) the body.

    Of a message's `count` it leaves what went out: less than was asked for only where the client has left.
    """

    _head = b""
    """Waits for the body."""

    async def send(self, message: Message) -> None:  # type: ignore[override]
        """Send a message of the application's."""
        if message["type"] == ZERO_COPY:
            await self._send_part(message)
        elif message.get(BODY_FOLLOWS) and self._may_wait():
            self._head = self._head_of(message)
        elif self._head:
            head, self._head = self._head, b""
            self.expected_content_length += len(head)
            await super().send(cast("Any", {**message, "body": head + message.get("body", b"")}))
        else:
            await super().send(cast("Any", message))

    def _may_wait(self) -> bool:
        return not (self.response_started or self.access_log) and self.scope["method"] != "HEAD"

    def _head_of(self, message: Message) -> bytes:
        """Begin the answer, and return its head; the application gives its length, if it has a body."""
        self.response_started, self.waiting_for_100_continue = True, False
        headers = [*self.default_headers, *message["headers"]]
        if not self.keep_alive:
            headers.append((b"connection", b"close"))
        self.chunked_encoding = False
        self.expected_content_length = next((int(value) for name, value in headers if name == _LENGTH), 0)
        lines = [STATUS_LINE[message["status"]], *(b"%b: %b\r\n" % header for header in headers), b"\r\n"]
        head = b"".join(lines)
        if not head.count(b"\r") == head.count(b"\n") == len(lines):
            raise RuntimeError("A header holds the end of a line.")
        return head

    async def _send_part(self, message: Message) -> None:
        count = message["count"]
        if self.chunked_encoding or not self.response_started or count > self.expected_content_length:
            raise RuntimeError("A file is sent after the headers, and within the Content-Length.")
        if self.flow.write_paused:
            await self.flow.drain()
        message["count"] = sent = 0 if self.disconnected else await self._send_file(message, count)
        self.expected_content_length -= sent
        if sent < count:
            self.disconnected = True
        elif not message.get("more_body", False):
            await super().send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_file(self, message: Message, count: int) -> int:
        file: BinaryIO = message["file"]
        connection = self.flow._transport  # noqa: SLF001 - the cycle's own `transport` may be a stand-in for it
        if self._head:
            head, self._head = self._head, b""
            _send_before_file(connection, head)
            if self.flow.write_paused:
                await self.flow.drain()
        return await send_file(connection, self.flow.drain, file.fileno(), message["offset"], count)


def _send_before_file(transport: asyncio.Transport, head: bytes) -> None:
    """Have the kernel send these bytes with those that come next; what it does not take, the transport sends."""
    connection: socket.socket = transport.get_extra_info("socket")._sock  # noqa: SLF001 - what asyncio shows cannot send
    taken = 0
    try:
        taken = connection.send(head, socket.MSG_MORE)
    except BlockingIOError:
        pass
    except OSError:
        transport.abort()
        return
    if taken < len(head):
        transport.write(head[taken:])


async def send_file(
    transport: asyncio.Transport, drain: Callable[[], Awaitable[None]], file: int, offset: int, count: int
) -> int:
    """Send a part of a file, and return how many bytes the kernel took, fewer only where the connection ends.

    `drain` waits until the transport has nothing left to write. When the socket is full, a piece is given to the
    transport: whatever watches over its writing so watches over the file's.

    Raises:
        OSError: the file cannot be read, or is shorter than that.
    """
    at, end = offset, offset + count
    while at < end and not transport.is_closing():
        window = min(end - at, _WINDOW_BYTES)
        if not _is_in_memory(file, at, window):
            await run_to_end(_read_into_memory, file, at, window)
            if transport.is_closing():
                break
        taken = _sendfile(transport, file, at, window)
        at += taken
        if transport.is_closing():
            break
        if taken < window:
            piece = os.pread(file, min(window - taken, _PIECE_BYTES), at)
            if not piece:
                raise OSError(errno.EIO, "The file is shorter than it was")
            transport.write(piece)
            at += len(piece)
            del piece  # the transport has a copy, and thousands may wait here
            await drain()
        elif at < end:
            await asyncio.sleep(0)
    return at - offset


def _sendfile(transport: asyncio.Transport, file: int, at: int, size_bytes: int) -> int:
    try:
        return os.sendfile(transport.get_extra_info("socket").fileno(), file, at, size_bytes)
    except BlockingIOError:
        return 0
    except OSError as error:
        if error.errno == errno.EIO:
            raise
        if error.errno not in _CANNOT:  # else it goes piece by piece
            transport.abort()
        return 0


def _is_in_memory(file: int, at: int, size_bytes: int) -> bool:
    """Return whether no disk would be waited for, by both ends; also where the file system cannot tell."""
    try:
        os.preadv(file, _PROBE, at, os.RWF_NOWAIT)
        os.preadv(file, _PROBE, at + size_bytes - 1, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _read_into_memory(file: int, at: int, size_bytes: int) -> None:
    """Wait for the disk, in a thread: on the event loop everybody would."""
    buffer = bytearray(_READ_BYTES)
    for place in range(at, at + size_bytes, _READ_BYTES):
        os.preadv(file, [buffer], place)
