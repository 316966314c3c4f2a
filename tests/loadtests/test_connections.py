"""Kept connections of thousands of readers."""

import os
import resource
import socket
from collections.abc import Iterator

import pytest
from geventhttpclient.connectionpool import ConnectionPool
from locust.contrib.fasthttp import FastHttpSession

from loadtests.connections import READ_BYTES, read_in_large_pieces

FIRST_NUMBER_TOO_LARGE = 1024


@pytest.fixture
def many_open_files() -> Iterator[None]:
    """So many open files that the next has a number that `select` does not know."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FIRST_NUMBER_TOO_LARGE + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"the hard limit of open files is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    numbers = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while numbers[-1] < FIRST_NUMBER_TOO_LARGE:
            numbers.append(os.dup(numbers[0]))
        yield
    finally:
        for number in numbers:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def pool() -> ConnectionPool:
    """The pool that Locust's client keeps connections in."""
    return ConnectionPool("127.0.0.1", 1, "127.0.0.1", 1)


def usable(pool: ConnectionPool, connection: socket.socket | None) -> bool:
    """Whether the pool would use it again."""
    return bool(pool._is_socket_alive(connection))


@pytest.mark.usefixtures("many_open_files")
def test_a_kept_connection_is_used_again_however_many_there_are(pool: ConnectionPool) -> None:
    """GIVEN a connection with a number of 1024 or more WHEN it is idle THEN it is used again."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert ours.fileno() >= FIRST_NUMBER_TOO_LARGE
        assert usable(pool, ours)


def test_a_connection_that_the_server_closed_is_not_used_again(pool: ConnectionPool) -> None:
    """GIVEN an idle connection WHEN the other side closes it THEN another is made."""
    ours, theirs = socket.socketpair()
    with ours:
        assert usable(pool, ours)
        theirs.close()
        assert not usable(pool, ours)


def test_a_connection_with_bytes_nobody_asked_for_is_not_used_again(pool: ConnectionPool) -> None:
    """GIVEN an idle connection WHEN something comes on it THEN another is made: it would be read as an answer."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"HTTP/1.1 408 Request Timeout\r\n")
        assert not usable(pool, ours)


def test_what_we_closed_is_not_used_again(pool: ConnectionPool) -> None:
    """GIVEN a connection that we closed, or none THEN another is made."""
    ours, theirs = socket.socketpair()
    ours.close()
    theirs.close()
    assert not usable(pool, ours)
    assert not usable(pool, None)


def test_a_client_reads_in_large_pieces() -> None:
    """GIVEN a new client WHEN it is told to THEN its connections read that much at once."""
    http = FastHttpSession("http://127.0.0.1:1", request_event=None, user=None)
    read_in_large_pieces(http)
    assert http.client.clientpool.get_client("http://127.0.0.1:1").block_size == READ_BYTES
