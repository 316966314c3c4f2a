"""A file for a body, against a real uvicorn on a real socket: whole, in order, watched, and never held."""

import asyncio
import errno
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send
from uvicorn.server import ServerState

from reference_server import zero_copy
from reference_server.http_protocol import BoundedProtocol
from reference_server.zero_copy import BODY_FOLLOWS, ZERO_COPY

PATIENCE_S = 20.0
BIG = 12 * 1024 * 1024
DATA = os.urandom(1024 * 1024) * (BIG // (1024 * 1024))
"""More than the kernel takes for a client that reads nothing."""


@dataclass
class Server:
    """A running server of one file, and what its application saw."""

    address: tuple[str, int]
    path: Path
    head_waits: bool = False
    process: uvicorn.Server | None = None
    counts: list[int] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    offers: set[bool] = field(default_factory=set)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer `/FROM-TO` with these bytes of the file, `/text` with a word, `/bad` with more than was said."""
        self.offers.add(ZERO_COPY in scope["extensions"])
        begin: Message = {"type": "http.response.start", "status": 200, BODY_FOLLOWS: self.head_waits}
        if scope["path"] == "/text":
            await send({**begin, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"text"})
            return
        if scope["path"] == "/split":
            await send({**begin, "headers": [(b"content-length", b"0"), (b"x-name", b"a\r\nx-other: b")]})
            return
        start, end = (int(number) for number in scope["path"].strip("/bad").split("-"))
        length = end - start - scope["path"].startswith("/bad")
        headers = [(b"content-length", b"%d" % length)]
        with FileIO(self.path) as file:
            await send({**begin, "headers": headers})
            message: Message = {"type": ZERO_COPY, "file": file, "offset": start, "count": end - start}
            try:
                await send(message)
            finally:
                self.counts.append(message["count"])
                self.ended.set()

    def connect(self, *, buffer_bytes: int | None = None) -> socket.socket:
        """Return a new connection, which takes little before it is read where that is asked."""
        client = socket.socket()
        if buffer_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        client.settimeout(PATIENCE_S)
        client.connect(self.address)
        return client


Serve = Callable[..., Server]


@pytest.fixture(params=[False, True], ids=["head-first", "head-waits"])
def serve(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Serve]:
    """Start a server of a file, in a thread of its own, whose heads wait for the body or do not."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(*, sent_ahead_bytes: int | None = None, **limits: float) -> Server:
        path = tmp_path / "file"
        path.write_bytes(DATA)
        listener = socket.create_server(("127.0.0.1", 0))
        if (
            sent_ahead_bytes
        ):  # else the kernel takes megabytes, and is silent until a third of them is through
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sent_ahead_bytes)
        server = Server(listener.getsockname(), path, request.param)
        protocol = type("Short", (BoundedProtocol,), limits)
        config = uvicorn.Config(
            server, http=protocol, ws="none", loop="asyncio", lifespan="off", log_config=None
        )
        process = server.process = uvicorn.Server(config)
        process.config.timeout_graceful_shutdown = 5
        thread = threading.Thread(target=process.run, kwargs={"sockets": [listener]})
        thread.start()
        running.append((process, thread))
        return server

    yield start
    for process, thread in running:
        process.should_exit = True
        thread.join()


def _request(path: str, headers: str = "", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


LAST = "Connection: close\r\n"


def _all(client: socket.socket) -> bytes:
    received = bytearray()
    try:
        while part := client.recv(1 << 20):
            received += part
    except ConnectionResetError:
        pass
    return bytes(received)


def _body(client: socket.socket) -> bytes:
    return _all(client).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize(("start", "end"), [(0, BIG), (0, 1), (BIG - 1, BIG), (4096, 2_000_003), (7, 7)])
def test_what_is_asked_for_is_sent(serve: Serve, start: int, end: int) -> None:
    """GIVEN a part of a file WHEN it is the body THEN exactly its bytes come, and are counted."""
    server = serve()
    with server.connect() as client:
        client.sendall(_request(f"/{start}-{end}", LAST))
        assert _body(client) == DATA[start:end]
    assert (server.counts, server.offers) == ([end - start], {True})


def test_answers_keep_their_order_and_the_connection(serve: Serve) -> None:
    """GIVEN requests that do not wait for each other WHEN files and words are answered THEN in order, on one wire."""
    server = serve()
    with server.connect(buffer_bytes=4096) as client:
        client.sendall(
            _request("/0-3000000") + _request("/text") + _request("/5-6") + _request("/9-4000000", LAST)
        )
        received = _all(client)
    bodies = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        bodies.append(rest[:length])
        received = rest[length:]
    assert bodies == [DATA[:3000000], b"text", DATA[5:6], DATA[9:4000000]]


def test_the_head_comes_with_the_body_and_not_later(serve: Serve) -> None:
    """GIVEN a client that waits for what it is sent WHEN an answer is small THEN it comes though nothing follows."""
    server = serve()
    with server.connect() as client:
        for path, body in (("/text", b"text"), ("/0-5", DATA[:5])):
            client.sendall(_request(path))
            received = b""
            while not received.endswith(b"\r\n\r\n" + body):
                received += client.recv(65536)


def test_a_slow_client_gets_all_of_it(serve: Serve) -> None:
    """GIVEN a client that takes a little at a time WHEN that takes longer than an answer may stand THEN all comes."""
    server = serve(sent_ahead_bytes=65_536, unread_answer_s=0.6)
    pause = threading.Event()
    with server.connect(buffer_bytes=16_384) as client:
        client.sendall(_request("/0-2000000", LAST))
        received = bytearray()
        while part := client.recv(16_384):
            received += part
            pause.wait(0.01)
    assert received.partition(b"\r\n\r\n")[2] == DATA[:2_000_000]


def test_who_takes_nothing_is_cut(serve: Serve) -> None:
    """GIVEN a file on its way WHEN nothing of it is taken for long THEN the connection ends, and what went is told."""
    server = serve(unread_answer_s=0.3)
    with server.connect(buffer_bytes=4096) as client:
        client.sendall(_request(f"/0-{BIG}"))
        poll = select.poll()
        poll.register(client, select.POLLHUP | select.POLLERR)
        assert poll.poll(PATIENCE_S * 1000), "the server never cut the connection"
    assert server.ended.wait(PATIENCE_S)
    assert 0 < server.counts[0] < BIG


def test_who_leaves_ends_the_sending(serve: Serve) -> None:
    """GIVEN a file on its way WHEN the client leaves THEN the application is let go, and the server goes on."""
    server = serve()
    with server.connect(buffer_bytes=4096) as client:
        client.sendall(_request(f"/0-{BIG}"))
        client.recv(4096)
    assert server.ended.wait(PATIENCE_S)
    assert server.counts[0] < BIG
    with server.connect() as client:
        client.sendall(_request("/text", LAST))
        assert _body(client) == b"text"


def test_what_is_on_its_way_when_the_server_ends_comes_whole(serve: Serve) -> None:
    """GIVEN a client with the first bytes WHEN the server is told to end THEN the rest comes before it does."""
    server = serve()
    with server.connect(buffer_bytes=4096) as client:
        client.sendall(_request(f"/0-{BIG}"))
        received = client.recv(4096)
        assert server.process is not None
        server.process.should_exit = True
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        received += _all(client)
    assert received.partition(b"\r\n\r\n")[2] == DATA


def test_a_file_that_goes_is_sent_whole(serve: Serve) -> None:
    """GIVEN a client with the first bytes WHEN the file is removed THEN it gets the rest."""
    server = serve()
    with server.connect(buffer_bytes=4096) as client:
        client.sendall(_request(f"/0-{BIG}", LAST))
        received = client.recv(4096)
        server.path.unlink()
        received += _all(client)
    assert received.partition(b"\r\n\r\n")[2] == DATA


def test_a_file_that_shrinks_ends_the_connection(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """GIVEN a client with the first bytes WHEN another hand cuts the file THEN the answer breaks, and the log tells."""
    server = serve()
    with server.connect(buffer_bytes=4096) as client:
        client.sendall(_request(f"/0-{BIG}"))
        received = client.recv(4096)
        os.truncate(server.path, 10_000_000)
        received += _all(client)
    assert DATA.startswith(received.partition(b"\r\n\r\n")[2])
    assert len(received) < BIG
    assert "shorter than it was" in caplog.text


@pytest.mark.parametrize(("method", "version"), [("GET", "1.0"), ("GET", "1.1"), ("HEAD", "1.1")])
def test_the_head_is_the_same_whether_it_waits_or_not(serve: Serve, method: str, version: str) -> None:
    """GIVEN a client of either version WHEN a word is answered THEN its head says the length, and whether it ends."""
    with serve().connect() as client:
        client.sendall(
            f"{method} /text HTTP/{version}\r\nHost: x\r\n{LAST if version == '1.1' else ''}\r\n".encode()
        )
        head, _, body = _all(client).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert sorted(lines[-2:]) == [b"connection: close", b"content-length: 4"]
    assert body == (b"text" if method == "GET" else b"")


def test_no_header_can_hold_another(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """GIVEN a header with the end of a line in it WHEN it is sent THEN it is refused, and the log tells."""
    with serve().connect() as client:
        client.sendall(_request("/split", LAST))
        assert b"x-other" not in _all(client)
    assert "RuntimeError" in caplog.text


def test_a_head_that_the_kernel_does_not_take_is_not_lost(serve: Serve) -> None:
    """GIVEN a client that reads nothing WHEN answers wait behind a full socket THEN each head comes before its body."""
    server = serve(sent_ahead_bytes=4096)
    with server.connect(buffer_bytes=4096) as client:
        client.sendall(_request("/0-40000") * 20 + _request("/text", LAST))
        received = _all(client)
    for _ in range(20):
        head, _, received = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert received.startswith(DATA[:40_000])
        received = received[40_000:]
    assert received.partition(b"\r\n\r\n")[2] == b"text"


def test_more_than_was_promised_is_not_sent(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """GIVEN a Content-Length WHEN the file is longer THEN nothing of it goes out."""
    with serve().connect() as client:
        client.sendall(_request("/bad0-5"))
        assert _body(client) == b""
    assert "Content-Length" in caplog.text


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
def test_where_the_kernel_cannot_it_goes_by_pieces(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """GIVEN a file system without sendfile WHEN a file is sent THEN it comes all the same."""

    def cannot(*_args: object) -> int:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "sendfile", cannot)
    with serve().connect() as client:
        client.sendall(_request("/3-200000", LAST))
        assert _body(client) == DATA[3:200_000]


def test_what_is_not_in_memory_is_read_in_a_thread(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a file that the kernel has forgotten WHEN it is sent THEN the event loop waits for no disk."""
    read: list[tuple[str, int, int]] = []
    read_into_memory = zero_copy._read_into_memory

    def forgotten(*_args: object) -> int:
        raise BlockingIOError

    def noted(file: int, at: int, size_bytes: int) -> None:
        read.append((threading.current_thread().name, at, size_bytes))
        monkeypatch.undo()
        read_into_memory(file, at, size_bytes)

    monkeypatch.setattr(os, "preadv", forgotten)
    monkeypatch.setattr(zero_copy, "_read_into_memory", noted)
    with serve().connect() as client:
        client.sendall(_request("/3-200000", LAST))
        assert _body(client) == DATA[3:200_000]
    assert [(at, size) for _, at, size in read] == [(3, 199_997)]
    assert read[0][0].startswith("asyncio_")


def test_what_cannot_tell_is_not_asked_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a file system that knows no RWF_NOWAIT WHEN it is asked THEN the file counts as there."""

    def cannot(*_args: object) -> int:
        raise OSError(errno.EOPNOTSUPP, "no")

    path = tmp_path / "file"
    path.write_bytes(b"x")
    with path.open("rb") as file:
        assert zero_copy._is_in_memory(file.fileno(), 0, 1)
        monkeypatch.setattr(os, "preadv", cannot)
        assert zero_copy._is_in_memory(file.fileno(), 0, 1)


@pytest.mark.parametrize("known", [{"sslcontext": object(), "socket": socket.socket()}, {}])
def test_it_is_not_offered_over_tls_or_a_pipe(known: dict[str, object]) -> None:
    """GIVEN a transport through which the kernel cannot send WHEN it is there THEN nobody is told that it could."""

    class Other(asyncio.Transport):
        def get_extra_info(self, name: str, default: object = None) -> object:
            return known.get(name, default)

        def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
            """Take what the protocol says."""

    async def meet() -> bool:
        protocol = BoundedProtocol(uvicorn.Config(lambda: None, log_config=None), ServerState(), {})
        protocol.connection_made(Other())
        protocol._stop_reading_timer()
        return protocol._takes_files

    assert not asyncio.run(meet())
    for one in known.values():
        if isinstance(one, socket.socket):
            one.close()
