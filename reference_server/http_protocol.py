"""The HTTP connection: uvicorn's own, with an end to every wait for the client that uvicorn leaves open.

uvicorn bounds neither the time nor the size of a request's head, lets a body that nobody reads go on for as
long as the client likes, and waits for ever for one who does not read the answer. It also loses the body of a
request that asks for another protocol. What this relies on in uvicorn 0.54's `HttpToolsProtocol`: the parser's
callbacks `on_headers_complete`, `on_body`, `on_message_complete`; `on_response_complete`; `_start_asgi_task`;
`_unset_keepalive_if_required`; the fields `cycle` (with `disconnected`, `message_event`, `response_complete`,
`response_started`, `scope`, `transport`), `headers`, `loop`, `parser`, `pipeline`, `transport`, `url`,
`scheme`, `server_state.default_headers`, `flow._is_writable_event`. Tests hold each of
them against a real server.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from asyncio import TimerHandle
from collections.abc import Callable
from typing import Any, cast

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from reference_server.browser_rules import SECURITY_HEADERS
from reference_server.connection_parts import Event, Pipeline
from reference_server.error_answers import error_response
from reference_server.zero_copy import ZERO_COPY, FileCycle

MAX_HEAD_BYTES = 64 * 1024
"""Of a head, and of whatever else comes between two parts of a body."""

_LINGER_S = 10.0
"""How long a body goes on to be thrown away after its answer: closed at once, many a client would see a reset
connection and not the answer."""

_UNREAD_ANSWER_S = 300.0
"""How long an answer may make no progress at all."""


_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no second: the connection is reset and what was not sent is dropped."""

_MOST_PIPELINED = 128
"""Requests that wait for the answer before theirs; uvicorn reads on and on, at some kilobytes a request."""


class _AnswerTransport:
    """What uvicorn's cycle of one request writes its answer to: closing it waits for a body still on its way."""

    def __init__(self, protocol: BoundedProtocol) -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.close_after_body()


class BoundedProtocol(HttpToolsProtocol):
    """A connection on which every wait for the client has an end.

    Thousands stand open at once, so each is kept small: Python keeps up to 30 attributes of an object in 0.3 kB, and
    uvicorn has 28; one more than that and they take 1.5 kB.
    """

    __slots__ = (
        "_answered", "_answers", "_awaits_head", "_deaf", "_dry_bytes", "_knows_head", "_read_timer", "_takes_files",
        "_write_timer",
    )  # fmt: skip

    header_timeout_s = 10.0
    linger_s = _LINGER_S
    unread_answer_s = _UNREAD_ANSWER_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pipeline = cast("Any", Pipeline())
        self._read_timer: TimerHandle | None = None
        self._write_timer: TimerHandle | None = None
        self._awaits_head = True
        self._dry_bytes = 0
        """Bytes that came since the last head, part of a body, or end of a request."""
        self._deaf = False
        """Whether what still comes is thrown away: the last answer of this connection is out."""
        self._knows_head = False
        """Whether the parser is told of a head again, whose request has begun."""
        self._answered: RequestResponseCycle | None = None
        """The request that is being answered, or was last; uvicorn's `cycle` is the newest that came."""
        self._answers = cast("asyncio.Transport", _AnswerTransport(self))
        self._takes_files = False
        """Whether the kernel can send a file on this connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first head its time, and want to hear of every byte that the client does not take."""
        super().connection_made(transport)
        self.flow._is_writable_event = Event(is_set=True)  # noqa: SLF001
        transport.set_write_buffer_limits(high=0)
        self._takes_files = self.scheme == "http" and transport.get_extra_info("socket") is not None
        self._limit_reading(self.header_timeout_s, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the timers go, and tell the request that is being answered: uvicorn tells the newest only."""
        self._stop_reading_timer()
        self._stop_writing_timer()
        self._end_answer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and refuse what only ever begins."""
        if self._deaf:
            return
        self._dry_bytes += len(data)
        self._unset_keepalive_if_required()
        self._parse(data)
        if self._deaf or self.transport.is_closing():
            return
        if self._dry_bytes > MAX_HEAD_BYTES:
            self._refuse_head()
        elif self._awaits_head and self._dry_bytes and self._read_timer is None and self._is_idle():
            self._limit_reading(self.header_timeout_s, self._head_is_late)

    def _parse(self, data: bytes) -> None:
        while data and not (self._deaf or self.transport.is_closing()):
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as asked:
                self._stay_with_http()
                data = data[asked.args[0] :]
            except httptools.HttpParserError:
                self._refuse(400, "BAD_REQUEST", "This cannot be read as a request of HTTP/1.1.")
                return
            else:
                return

    def _stay_with_http(self) -> None:
        """Read on after a head that asks for another protocol, which a server may pass over (RFC 9110, 7.8).

        Java's client asks with every request. The parser leaves out the body of such a request: a new one is
        told what the head says of it.
        """
        if self._deaf or self.transport.is_closing():
            return
        framing = [
            b"%s: %s\r\n" % (name, value)
            for name, value in self.cycle.scope["headers"]
            if name in {b"content-length", b"transfer-encoding"}
        ]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._knows_head = True
        self.parser.feed_data(b"".join([b"POST / HTTP/1.1\r\n", *framing, b"\r\n"]))
        self._knows_head = False

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head came in one piece that was too large."""
        if self._deaf or self._knows_head:
            return
        self._stop_reading_timer()
        if self._dry_bytes > MAX_HEAD_BYTES and self._head_bytes() > MAX_HEAD_BYTES:
            self._refuse_head()
            return
        super().on_headers_complete()
        if self._takes_files:
            self.cycle.__class__ = FileCycle
            self.cycle.scope["extensions"] = {ZERO_COPY: {}}
        self._awaits_head = False
        self.cycle.message_event = Event()  # its task has not begun: nobody waits for the one that was there
        self.cycle.transport = self._answers
        self.headers = []  # a trailer would be added to the head that the application already reads
        self._dry_bytes = 0
        if len(self.pipeline) > _MOST_PIPELINED:
            self._refuse(503, "OVERLOADED", "Too many requests wait on this connection. Await their answers.")

    def on_body(self, body: bytes) -> None:
        """Pass a part of the body on."""
        self._dry_bytes = 0
        if not self._deaf:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Await the next head."""
        self._dry_bytes = 0
        if not (self._deaf or self.parser.should_upgrade()):
            self._awaits_head = True
            self._stop_reading_timer()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Bound what is still to come of a body that was answered before its end."""
        if self._deaf:
            return
        super().on_response_complete()
        if not self._awaits_head and self._is_idle() and not self.transport.is_closing():
            self._limit_reading(self.linger_s, self.transport.close)

    def pause_writing(self) -> None:
        """Bound the time in which the client takes nothing."""
        super().pause_writing()
        self._limit_writing(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Go on: the client has taken everything."""
        self._stop_writing_timer()
        super().resume_writing()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _end_answer(self) -> None:
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()
            self.flow.resume_writing()

    def _is_idle(self) -> bool:
        return self._answered is None or self._answered.response_complete

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _head_is_late(self) -> None:
        self._read_timer = None
        if self._dry_bytes:
            message = f"The request's head did not come in {self.header_timeout_s:g} s."
            self._refuse(408, "TOO_SLOW", message)
        else:
            self.transport.close()

    def _refuse_head(self) -> None:
        message = f"The request's head is larger than {MAX_HEAD_BYTES} bytes. Send fewer or shorter headers."
        self._refuse(431, "HEAD_TOO_LARGE", message)

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer, as far as no other answer has begun, and close once the client could read it."""
        if self._deaf or self.transport.is_closing():
            return
        begun = bool(self.pipeline) or (
            self._answered is not None and not self._is_idle() and self._answered.response_started
        )
        was_answered = self._is_idle() and not self._awaits_head  # and what is wrong is in its body
        self.pipeline.clear()
        self._end_answer()
        if begun:
            self.transport.close()
            return
        if not was_answered:
            self.transport.write(self._raw_answer(status, code, message))
        self._close_for_writing()

    def close_after_body(self) -> None:
        """End the connection; with a body still on its way only once its sender had time to read the answer."""
        if self._awaits_head or self.transport.is_closing():
            self.transport.close()
        elif not self._deaf:
            self._close_for_writing()

    def _close_for_writing(self) -> None:
        self._deaf = True
        self.transport.write_eof()
        self.flow.resume_reading()
        self._limit_reading(self.linger_s, self.transport.close)

    def _raw_answer(self, status: int, code: str, message: str) -> bytes:
        answer = error_response(status, code, message, headers={"Connection": "close"})
        headers = [*self.server_state.default_headers, *answer.raw_headers, *SECURITY_HEADERS]
        lines = [b"%s: %s\r\n" % header for header in headers]
        return b"".join([STATUS_LINE[status], *lines, b"\r\n", bytes(answer.body)])

    def _limit_reading(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_reading_timer()
        self._read_timer = self.loop.call_later(seconds, then)

    def _stop_reading_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _limit_writing(self, unsent_bytes: int) -> None:
        self._stop_writing_timer()
        self._write_timer = self.loop.call_later(self.unread_answer_s, self._look_at_writing, unsent_bytes)

    def _look_at_writing(self, unsent_bytes: int) -> None:
        now_bytes = self.transport.get_write_buffer_size()
        if now_bytes < unsent_bytes:
            self._limit_writing(now_bytes)
        else:
            # Without this the kernel would keep what it has for a client that takes nothing, and tell it nothing.
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.abort()

    def _stop_writing_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None


def bounded_protocol(header_timeout_s: float) -> type[asyncio.Protocol]:
    """Return the protocol class with this many seconds for a request's head, as uvicorn makes its own."""
    return cast(
        "type[asyncio.Protocol]", type("Protocol", (BoundedProtocol,), {"header_timeout_s": header_timeout_s})
    )
