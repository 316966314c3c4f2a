"""The ways in which chunks are asked for."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite.chunk_requests import RANGE_FROM_BYTES, Kind, Way, check, known_etags
from benchmarks.suite.made_store import MadeBlock
from benchmarks.suite.wrk_script import Request

BLOCK = MadeBlock(1, 2, "hash", 500_000)
HEADERS = {"Authorization": "Basic x"}


@pytest.mark.parametrize(
    ("way", "setting"),
    [
        (Way(16), "16 connections, keep-alive"),
        (Way(256, kept=False), "256 connections, one request each"),
        (Way(16, kind="range"), "16 connections, keep-alive, Range"),
        (Way(16, kind="304"), "16 connections, keep-alive, 304"),
    ],
)
def test_each_way_has_a_name_of_its_own(way: Way, setting: str) -> None:
    """GIVEN a way THEN its setting says all of it."""
    assert way.setting == setting


@pytest.mark.parametrize(
    ("way", "more", "body_bytes"),
    [
        (Way(16), {}, 500_000),
        (Way(16, kept=False), {"Connection": "close"}, 500_000),
        (Way(16, kind="range"), {"Range": f"bytes={RANGE_FROM_BYTES}-"}, 500_000 - RANGE_FROM_BYTES),
        (Way(16, kind="304"), {"If-None-Match": '"tag"'}, 0),
    ],
)
def test_a_request_asks_for_what_its_way_says(way: Way, more: dict[str, str], body_bytes: int) -> None:
    """GIVEN a way THEN its request has the server's headers and that way's, and its body's length is known."""
    assert way.request(BLOCK, '"tag"', HEADERS) == Request(BLOCK.path, {**HEADERS, **more})
    assert way.body_bytes(BLOCK) == body_bytes


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("whole", "answered 200 with 2 bytes, not 200 with 500,000"),
        ("range", "answered 200 with 2 bytes, not 206 with 300,000"),
        ("304", "answered 200 with 2 bytes, not 304 with 0"),
    ],
)
def test_another_answer_than_expected_is_no_measurement(url: str, kind: Kind, why: str) -> None:
    """GIVEN a server that answers everything with two bytes THEN the error says what came instead."""
    way = Way(1, kind=kind)
    with pytest.raises(BenchmarkError, match=why):
        check(url, way, BLOCK, way.request(BLOCK, "", {}))


def test_an_answer_without_a_tag_cannot_be_asked_for_again(url: str) -> None:
    """GIVEN a server that sends the chunk, but no ETag THEN that is said."""
    with pytest.raises(BenchmarkError, match="without an ETag"):
        known_etags(url, [MadeBlock(1, 0, "hash", 2)], {})


def test_nobody_who_answers_is_told_in_one_line() -> None:
    """GIVEN nobody who listens THEN the error says so."""
    with pytest.raises(BenchmarkError, match=r"http://127\.0\.0\.1:9/.*refused"):
        known_etags("http://127.0.0.1:9", [BLOCK], {})


class Handler(BaseHTTPRequestHandler):
    """Answers everything with two bytes."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
