"""The connection's limits, against a real uvicorn on a real socket: slow, endless, huge and greedy clients."""

import asyncio
import json
import select
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from reference_server.http_protocol import _MOST_PIPELINED, MAX_HEAD_BYTES, BoundedProtocol, bounded_protocol

PATIENCE_S = 20.0
"""For what must come; nothing here waits so long unless it fails."""

BIG = 40 * 1024 * 1024


@dataclass
class Server:
    """A running server: where it is, and what its application saw."""

    address: tuple[str, int]
    connections: set[BoundedProtocol]
    seen: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body_read: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by path: at once, after the body, never, or with much."""
        if scope["type"] != "http":
            return
        path = scope["path"]
        self.seen.append(path)
        if path == "/read":
            body = b""
            while (message := await receive()).get("more_body"):
                body += message["body"]
            self.bodies.append(body + message.get("body", b""))
            self.headers.extend(scope["headers"])
            self.body_read.set()
        if path == "/never":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.set()
            return
        body = b"x" * BIG if path == "/big" else path.encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection(self.address, timeout=PATIENCE_S)


Serve = Callable[[type[asyncio.Protocol]], Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server with a protocol class, in a thread of its own."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(protocol: type[asyncio.Protocol]) -> Server:
        listener = socket.create_server(("127.0.0.1", 0))
        server = Server(listener.getsockname(), set())
        config = uvicorn.Config(
            server,
            http=protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            timeout_keep_alive=1,
        )
        process = uvicorn.Server(config)
        process.config.timeout_graceful_shutdown = 1
        server.connections = process.server_state.connections  # type: ignore[assignment]
        thread = threading.Thread(target=process.run, kwargs={"sockets": [listener]})
        thread.start()
        running.append((process, thread))
        return server

    yield start
    for process, thread in running:
        process.should_exit = True
        thread.join()


def _protocol(**limits: float) -> type[asyncio.Protocol]:
    return type("Short", (BoundedProtocol,), limits)


def _all(client: socket.socket) -> bytes:
    """Return everything until the server closes; a reset counts as the end."""
    received = bytearray()
    try:
        while part := client.recv(65536):
            received += part
    except ConnectionResetError:
        pass
    return bytes(received)


def _expect(client: socket.socket, body: bytes) -> None:
    """Return once an answer with this body has come, or nothing more comes."""
    received = b""
    while not received.endswith(b"\r\n\r\n" + body):
        part = client.recv(65536)
        assert part, received
        received += part


def _send_until_it_ends(client: socket.socket, data: bytes) -> None:
    """Send the same for ever; return when the server has closed, raise when it takes nothing any more."""
    try:
        while True:
            client.sendall(data)
    except (ConnectionResetError, BrokenPipeError):
        return


def _answer(raw: bytes) -> tuple[int, str]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["code"]


def _request(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode()


def test_the_setting_is_the_classs() -> None:
    """All that uvicorn is given is the class."""
    assert bounded_protocol(3).header_timeout_s == 3  # type: ignore[attr-defined]


def test_requests_follow_each_other_on_a_connection(serve: Serve) -> None:
    """GIVEN one connection WHEN requests come, also several at once THEN each is answered, in order."""
    server = serve(BoundedProtocol)
    with server.connect() as client:
        client.sendall(_request("/one"))
        _expect(client, b"/one")
        client.sendall(_request("/two") + _request("/three") + _request("/end", "Connection: close\r\n"))
        assert [part.split(b"HTTP")[0] for part in _all(client).split(b"\r\n\r\n")[1:]] == [
            b"/two",
            b"/three",
            b"/end",
        ]


def test_one_who_says_nothing_is_left(serve: Serve) -> None:
    """GIVEN a connection WHEN nothing comes THEN it is closed without a word, for nothing was asked."""
    with serve(_protocol(header_timeout_s=0.1)).connect() as client:
        assert _all(client) == b""


@pytest.mark.parametrize("begun", [b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", b"\r\n\r\n"])
def test_a_head_that_does_not_end_is_refused(serve: Serve, begun: bytes) -> None:
    """GIVEN a head that has begun WHEN its time is over THEN it is 408, with the headers of every answer."""
    with serve(_protocol(header_timeout_s=0.1)).connect() as client:
        client.sendall(begun)
        raw = _all(client)
    assert _answer(raw) == (408, "TOO_SLOW")
    assert b"x-content-type-options: nosniff\r\n" in raw.lower()
    assert b"connection: close\r\n" in raw.lower()


def test_a_drip_does_not_renew_the_time(serve: Serve) -> None:
    """GIVEN a header that comes byte by byte WHEN the time is over THEN it is 408 in the midst of it."""
    with serve(_protocol(header_timeout_s=0.2)).connect() as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: ")
        while not select.select([client], [], [], 0.01)[0]:
            client.sendall(b"x")
        assert _answer(_all(client)) == (408, "TOO_SLOW")


def test_the_second_head_has_its_time_too(serve: Serve) -> None:
    """GIVEN a request that was answered WHEN the next only begins, or never really does THEN it is refused."""
    for begun in (b"GET / HT", b"\r\n"):
        with serve(_protocol(header_timeout_s=0.1)).connect() as client:
            client.sendall(_request("/one"))
            _expect(client, b"/one")
            client.sendall(begun)
            assert _answer(_all(client)) == (408, "TOO_SLOW")


def test_an_answer_that_takes_longer_than_a_head_may_is_not_disturbed(serve: Serve) -> None:
    """GIVEN a head in time WHEN its answer takes long THEN the connection stays."""
    server = serve(_protocol(header_timeout_s=0.1))
    with server.connect() as client:
        client.sendall(_request("/never"))
        assert select.select([client], [], [], 0.3)[0] == []
    assert server.left.wait(PATIENCE_S)


def _head_of(size: int) -> bytes:
    """Return a request whose head counts as exactly this many bytes: the target, and four a header."""
    target, host = "/one", 9
    return _request(target, f"X: {'x' * (size - len(target) - host - 5)}\r\n")


@pytest.mark.parametrize("parts", [1, 7])
def test_a_head_of_exactly_the_limit_passes(serve: Serve, parts: int) -> None:
    """GIVEN a head at the limit WHEN it comes at once or in parts THEN it is answered."""
    with serve(BoundedProtocol).connect() as client:
        head = _head_of(MAX_HEAD_BYTES - 20 * (parts > 1))
        for at in range(parts):
            client.sendall(head[at * len(head) // parts : (at + 1) * len(head) // parts])
        _expect(client, b"/one")


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"])
def test_a_larger_head_is_refused_before_or_at_its_end(serve: Serve, end: bytes) -> None:
    """GIVEN a head above 64 KiB WHEN it goes on, or is whole THEN it is 431, and the client can read that."""
    server = serve(BoundedProtocol)
    head = b"GET /one HTTP/1.1\r\nX: " + b"x" * (4 * MAX_HEAD_BYTES) + end
    with server.connect() as client:
        client.sendall(head)
        assert _answer(_all(client)) == (431, "HEAD_TOO_LARGE")
    assert server.seen == []


def test_a_byte_too_many_in_one_piece(serve: Serve) -> None:
    """The exact limit holds also where the whole head comes at once."""
    with serve(BoundedProtocol).connect() as client:
        client.sendall(_head_of(MAX_HEAD_BYTES + 1))
        assert _answer(_all(client)) == (431, "HEAD_TOO_LARGE")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    ],
)
def test_what_is_not_http_has_the_shape_of_all_errors(serve: Serve, raw: bytes) -> None:
    """GIVEN another protocol, or a head that could be read in two ways WHEN it comes THEN it is 400."""
    with serve(BoundedProtocol).connect() as client:
        client.sendall(raw)
        answer = _all(client)
    assert _answer(answer) == (400, "BAD_REQUEST")
    assert b"content-security-policy" in answer.lower()


def test_a_body_that_nobody_reads_ends(serve: Serve) -> None:
    """GIVEN an answer before the end of its request's body WHEN the body goes on THEN the connection closes."""
    server = serve(_protocol(linger_s=0.3))
    with server.connect() as client:
        client.sendall(_request("/early", "Content-Length: 1000000000000\r\n"))
        _expect(client, b"/early")
        _send_until_it_ends(client, b"x" * 65536)


def test_a_short_rest_of_a_body_costs_no_connection(serve: Serve) -> None:
    """GIVEN an answer before the end of the body WHEN the rest comes soon THEN the connection serves the next."""
    with serve(BoundedProtocol).connect() as client:
        client.sendall(_request("/early", "Content-Length: 5\r\n"))
        _expect(client, b"/early")
        client.sendall(b"12345" + _request("/next"))
        _expect(client, b"/next")


def test_an_early_answer_reaches_a_client_that_closes_after_it(serve: Serve) -> None:
    """GIVEN `Connection: close` WHEN the answer comes long before the body's end THEN the client can read it."""
    with serve(BoundedProtocol).connect() as client:
        client.sendall(_request("/early", f"Connection: close\r\nContent-Length: {BIG}\r\n"))
        client.sendall(b"x" * (BIG // 2))
        assert _all(client).endswith(b"/early")
        client.sendall(b"x" * (BIG // 2))


def test_nothing_is_answered_after_the_last_answer(serve: Serve) -> None:
    """GIVEN `Connection: close` with a body WHEN another request comes behind it THEN nobody serves that one."""
    server = serve(BoundedProtocol)
    with server.connect() as client:
        client.sendall(_request("/early", "Connection: close\r\nContent-Length: 5\r\n"))
        _expect(client, b"/early")
        client.sendall(b"12345" + _request("/next"))
        assert _all(client) == b""
    assert server.seen == ["/early"]


def test_a_trailer_never_reaches_the_application(serve: Serve) -> None:
    """GIVEN a chunked body with a trailer WHEN it is read THEN the head is what it was."""
    server = serve(BoundedProtocol)
    with server.connect() as client:
        client.sendall(
            _request("/read", "Transfer-Encoding: chunked\r\n") + b"1\r\nx\r\n0\r\nX-Late: 1\r\n\r\n"
        )
        _expect(client, b"/read")
    assert [name for name, _ in server.headers] == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize("rest", [b"0\r\nX-Late: ", b"1;ext="])
def test_a_trailer_or_an_extension_without_end_is_refused(serve: Serve, rest: bytes) -> None:
    """GIVEN a body WHEN what is no body goes on for more than 64 KiB THEN the connection ends."""
    server = serve(BoundedProtocol)
    with server.connect() as client:
        client.sendall(_request("/never", "Transfer-Encoding: chunked\r\n") + b"1\r\nx\r\n" + rest)
        client.sendall(b"x" * (8 * MAX_HEAD_BYTES))
        assert _answer(_all(client)) == (431, "HEAD_TOO_LARGE")
    assert server.left.wait(PATIENCE_S)


def test_many_requests_without_waiting_are_bounded(serve: Serve) -> None:
    """GIVEN a request that takes long WHEN thousands are sent behind it THEN the connection ends."""
    server = serve(BoundedProtocol)
    with server.connect() as client:
        client.sendall(_request("/never"))
        _send_until_it_ends(client, _request("/one") * 1000)
    assert server.seen == ["/never"]


def test_as_many_as_may_wait_are_answered(serve: Serve) -> None:
    """GIVEN as many requests at once as may wait WHEN they come THEN each is answered."""
    with serve(BoundedProtocol).connect() as client:
        client.sendall(_request("/one") * _MOST_PIPELINED + _request("/end", "Connection: close\r\n"))
        assert _all(client).count(b"200 OK") == _MOST_PIPELINED + 1


UPGRADE = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ("", b""),
        ("Content-Length: 11\r\n", b"Hello world"),
        ("Transfer-Encoding: chunked\r\n", b"5\r\nHello\r\n6\r\n world\r\n0\r\n\r\n"),
    ],
    ids=["none", "length", "chunked"],
)
@pytest.mark.parametrize("in_pieces", [False, True])
def test_who_asks_for_another_protocol_is_served_in_this_one(
    serve: Serve, framing: str, body: bytes, *, in_pieces: bool
) -> None:
    """GIVEN a client that would like HTTP/2 WHEN it sends requests THEN no body is lost and all are answered."""
    server = serve(BoundedProtocol)
    raw = _request("/read", UPGRADE + framing) + body
    with server.connect() as client:
        for piece in [bytes([byte]) for byte in raw] if in_pieces else [raw]:
            client.sendall(piece)
        _expect(client, b"/read")
        client.sendall(raw + _request("/next", "Connection: close\r\n"))
        assert _all(client).endswith(b"/next")
    assert server.bodies == ([b"Hello world"] * 2 if body else [b""] * 2)
    assert server.seen == ["/read", "/read", "/next"]


def test_many_who_ask_for_another_protocol_at_once_are_bounded(serve: Serve) -> None:
    """GIVEN thousands of such requests in one piece WHEN nobody waits for an answer THEN the connection ends."""
    server = serve(BoundedProtocol)
    with server.connect() as client:
        client.sendall(_request("/never") + _request("/one", UPGRADE) * 3000)
        _all(client)
    assert server.left.wait(PATIENCE_S)


def test_a_tunnel_is_refused(serve: Serve) -> None:
    """GIVEN CONNECT WHEN it comes THEN it is 400, and the connection ends."""
    with serve(BoundedProtocol).connect() as client:
        client.sendall(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert _answer(_all(client)) == (400, "BAD_REQUEST")


def test_a_request_that_is_being_answered_learns_that_its_client_left(serve: Serve) -> None:
    """GIVEN a second request behind one that is being answered WHEN the client leaves THEN the first is told."""
    server = serve(BoundedProtocol)
    with server.connect() as client:
        client.sendall(_request("/never") + _request("/one"))
    assert server.left.wait(PATIENCE_S)
    assert server.seen == ["/never"]


def test_nonsense_behind_waiting_requests_ends_all_of_them(serve: Serve) -> None:
    """GIVEN requests that wait WHEN what follows is not HTTP THEN the connection ends, and the server goes on."""
    server = serve(BoundedProtocol)
    with server.connect() as client:
        client.sendall(_request("/never") + _request("/one") + b"\0\r\n\r\n")
        assert _all(client) == b""
    assert server.left.wait(PATIENCE_S)
    with server.connect() as client:
        client.sendall(_request("/next", "Connection: close\r\n"))
        assert _all(client).endswith(b"/next")


def test_an_answered_request_gets_no_second_answer(serve: Serve) -> None:
    """GIVEN an answer before the end of the body WHEN the rest breaks off HTTP THEN nothing but the end comes."""
    with serve(BoundedProtocol).connect() as client:
        client.sendall(_request("/early", "Transfer-Encoding: chunked\r\n"))
        _expect(client, b"/early")
        client.sendall(b"no size\r\n")
        assert _all(client) == b""


def test_an_answer_that_is_not_read_ends(serve: Serve) -> None:
    """GIVEN a large answer WHEN the client takes nothing for long THEN the connection is cut."""
    server = serve(_protocol(unread_answer_s=0.3))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE_S)
        client.connect(server.address)
        client.sendall(_request("/big"))
        poll = select.poll()
        poll.register(client, select.POLLHUP | select.POLLERR)
        assert poll.poll(PATIENCE_S * 1000), "the server never cut the connection"


def test_an_answer_that_is_read_slowly_is_not_cut(serve: Serve) -> None:
    """GIVEN a client that takes some of it each time WHEN that takes longer than the limit THEN it gets it all."""
    server = serve(_protocol(unread_answer_s=1.0))
    with server.connect() as client:
        client.sendall(_request("/big", "Connection: close\r\n"))
        received = 0
        pause = threading.Event()
        while part := client.recv(4 * 1024 * 1024):
            received += len(part)
            pause.wait(0.1)
        assert received > BIG
