"""Listeners who take a chunk as fast as it plays."""

import socket
from collections.abc import Iterator

import pytest

from benchmarks.store import BYTES_PER_S
from benchmarks.suite.slow_client import LATE_S, Listeners, Stream, Wanted

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
WANTED = Wanted(b"GET / HTTP/1.1\r\n\r\n", 100_000)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A listening socket; the test is the server."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        one.settimeout(5)
        yield one


@pytest.fixture
def pair(listener: socket.socket) -> Iterator[tuple[Stream, socket.socket]]:
    """A stream that has asked, and the server's end of it."""
    stream = Stream(listener.getsockname()[1], WANTED)
    server = listener.accept()[0]
    stream.visit(100.0)
    assert server.recv(1000) == WANTED.request
    yield stream, server
    stream.close()
    server.close()


def until_begun(stream: Stream, now_s: float) -> None:
    """Visit until the first byte is there; it is on its way through the kernel."""
    for _ in range(100_000):
        stream.visit(now_s)
        if stream.has_begun:
            return
    raise AssertionError("nothing came")


def test_a_stream_takes_what_was_played_since_its_first_byte(pair: tuple[Stream, socket.socket]) -> None:
    """GIVEN a server that sends fast WHEN a quarter of a second goes by THEN that much more is taken, and not all."""
    stream, server = pair
    server.sendall(HEAD + bytes(6000))
    until_begun(stream, 100.0)
    begun_bytes = stream.taken_bytes
    stream.visit(100.0)
    assert stream.taken_bytes == begun_bytes < 20
    stream.visit(100.25)
    assert stream.taken_bytes == BYTES_PER_S // 4


def test_a_stream_that_has_less_than_was_played_long_ago_is_late(pair: tuple[Stream, socket.socket]) -> None:
    """GIVEN a server that sends no more THEN the stream is late once more has been played than its slack."""
    stream, server = pair
    server.sendall(HEAD)
    until_begun(stream, 100.0)
    taken_s = stream.taken_bytes / BYTES_PER_S
    assert not stream.is_late(100.0 + LATE_S + taken_s)
    assert stream.is_late(100.01 + LATE_S + taken_s)


@pytest.mark.parametrize(
    ("sent", "failure"),
    [
        (b"HTTP/1.1 503 No\r\n\r\n", "answered b'HTTP/1.1 503 '"),
        (b"", "the server closed the connection"),
    ],
)
def test_what_is_no_chunk_is_a_failure(pair: tuple[Stream, socket.socket], sent: bytes, failure: str) -> None:
    """GIVEN a refusal, or an end THEN the stream says which, and is not late but failed."""
    stream, server = pair
    server.sendall(sent)
    server.close()
    until_begun(stream, 100.0)
    assert stream.failed is not None
    assert stream.failed.startswith(failure)


def test_nobody_who_listens_is_a_failure() -> None:
    """GIVEN a port that nobody listens on WHEN a stream is opened THEN it fails with the kernel's word."""
    stream = Stream(9, WANTED)
    stream.visit(100.0)
    stream.close()
    assert stream.failed


def test_newcomers_join_and_all_leave_at_the_end(listener: socket.socket) -> None:
    """GIVEN three newcomers WHEN they listen THEN each asks over its own connection, and closes it at the end."""
    with Listeners(listener.getsockname()[1]) as listeners:
        listeners.listen(0.05, iter([WANTED] * 3))
        accepted = [listener.accept()[0] for _ in range(3)]
        assert [one.recv(1000) for one in accepted] == [WANTED.request] * 3
        assert len({stream.port for stream in listeners.streams}) == 3
    for one in accepted:
        one.settimeout(5)
        assert one.recv(1000) == b""
        one.close()
