import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from loadtests.asking import Host
from loadtests.broken_connections import PrepareError
from loadtests.chapters import Block, Chapters, Voice
from loadtests.pregeneration import pregenerate, tell_stored

Scripted = Callable[..., Any]
Raw = Callable[[Callable[[socket.socket], None]], str]
BLOCKS = tuple(Block(page, at, f"{page}.{at}", "") for page in (1, 2) for at in range(3))
CHAPTERS = Chapters("d", "", 9, (Voice("alloy", 1.0), Voice("nova", 1.0)), "tts-1", (BLOCKS, BLOCKS[:0]))


def stored(scripted: Scripted, status: int, answer: object, mode: str = "cached") -> tuple[str, Any]:
    """What is told of the chunks there are, and the one request it rests on."""
    server, told = scripted(lambda _: (status, "application/json", json.dumps(answer).encode())), list[str]()
    with Host(server.url) as host:
        tell_stored(host, CHAPTERS, mode, told.append)
    (asked,), (line,) = server.asked, told
    return line, asked


@pytest.mark.parametrize(
    ("pages", "partial", "count"),
    [
        ([], [], 0),
        ([1, 3], [], 3),
        ([], [{"page": 2, "done": 4, "total": 5}], 2),  # one of five is missing: it may be ours
        ([], [{"page": 2, "done": 1, "total": 5}], 0),
        ([1], [{"page": 2, "done": 3, "total": 4}], 5),
    ],
)
def test_the_chunks_of_the_chapters_are_counted(
    scripted: Scripted, pages: list[int], partial: list[object], count: int
) -> None:
    """Blocks of whole pages, and of a page in part those that must be there; asked for once, in the first voice."""
    line, asked = stored(scripted, 200, {"pages": pages, "partialPages": partial})
    told = (
        f"cached: {count} of 6 blocks of d have a chunk; the others are read live. --pregenerate makes them."
    )
    assert line == told
    assert asked.path == "/api/tts/preprocess/status?documentId=d&voice=alloy&speed=1&model=tts-1"


def test_what_becomes_of_the_others_depends_on_the_mode(scripted: Scripted) -> None:
    """Hybrid makes them ahead; where all are there nobody is told to make them; no such route is no error."""
    status = {"pages": [1, 2], "partialPages": []}
    assert stored(scripted, 200, status)[0] == "cached: all 6 blocks of d have a chunk."
    line, _ = stored(scripted, 200, {**status, "pages": [1]}, "hybrid")
    assert "3 of 6 blocks of d have a chunk; the others are made ahead while reading." in line
    assert "is not there: how many blocks have a chunk is not known" in stored(scripted, 404, {})[0]


@pytest.mark.parametrize(
    "answer", [{}, {"pages": [], "partialPages": [3]}, {"pages": [], "partialPages": [{"page": 1}]}]
)
def test_a_status_of_the_wrong_shape_is_one_line(scripted: Scripted, answer: object) -> None:
    """A server that answers JSON of its own is told as such."""
    with pytest.raises(PrepareError, match=r"/status: .*Is this a document reader\?$"):
        stored(scripted, 200, answer)


def test_a_host_that_vanishes_while_it_makes_chunks_is_one_line(raw: Raw) -> None:
    """The line says how far it was, and that asking again goes on there."""

    def vanish(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        event = b'data: {"state": "running", "done": 40, "total": 160, "failed": 0}\r\n\r\n'
        connection.sendall(head + b"%x\r\n%s\r\n" % (len(event), event))

    url, told = raw(vanish), list[str]()
    with Host(url) as host, pytest.raises(PrepareError) as raised:
        pregenerate(host, CHAPTERS, told.append)
    assert str(raised.value) == (
        f"POST {url}/api/tts/preprocess: progress broke off at 40 of 160. "
        "Did the server end? See its log; asked again it goes on where it was."
    )
    assert told == ["pre-generated 40/160"]


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("text/html", b"<html>", "the answer \\(200\\) is text/html, and no JSON object"),
        ("application/json", b"{}", "the answer is no event stream"),
        ("text/event-stream", b"data: [1]\n\n", "an event is no progress as JSON"),
        ("text/event-stream", b"data: {\n\n", "an event is no progress as JSON"),
        ("text/event-stream", b"", "pre-generation ended as 'nothing'"),
    ],
)
def test_what_is_no_progress_is_one_line(scripted: Scripted, kind: str, body: bytes, said: str) -> None:
    """Whatever a server answers with 200, only a job that is told to be done is one."""
    with Host(scripted(lambda _: (200, kind, body)).url) as host, pytest.raises(PrepareError, match=said):
        pregenerate(host, CHAPTERS, print)
