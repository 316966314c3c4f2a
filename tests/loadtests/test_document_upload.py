import hashlib
import json
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.asking import Host, WrongUseError
from loadtests.broken_connections import BrokenOffError, PrepareError
from loadtests.chapters import Block
from loadtests.document_upload import Stored, page_blocks, require_live_contract, upload

Scripted = Callable[..., Any]
Raw = Callable[[Callable[[socket.socket], None]], str]


def as_json(status: int, value: object) -> tuple[int, str, bytes]:
    """An answer of a scripted server."""
    return status, "application/json", json.dumps(value).encode()


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A file that is larger than what a socket takes at once."""
    path = tmp_path / "book.pdf"
    path.write_bytes(b"%PDF" + bytes(8 << 20))
    return path


def refused(url: str, document: Path, kind: type[PrepareError] = PrepareError) -> str:
    """The one line that an upload ends with."""
    with Host(url) as host, pytest.raises(kind) as raised:
        upload(host, document, "d")
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pdf", "application/pdf"),
        ("a.EPUB", "application/epub+zip"),
        ("a.txt", "text/plain"),
        ("a.md", "text/markdown"),
        ("a.markdown", "text/markdown"),
        ("a", "application/octet-stream"),
    ],
)
def test_a_document_is_sent_whole_with_the_type_of_its_suffix(
    scripted: Scripted, tmp_path: Path, name: str, kind: str
) -> None:
    """The bytes arrive as they are, under the id, and the answer is what the server has of it."""
    path = tmp_path / name
    path.write_bytes(b"bytes")
    server = scripted(
        lambda asked: as_json(201, {"pages": 3, "sha256": hashlib.sha256(asked.body).hexdigest()})
    )
    with Host(server.url) as host:
        assert upload(host, path, "a b") == Stored(3, hashlib.sha256(b"bytes").hexdigest())
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PUT", "/api/documents/a%20b")
    assert asked.headers["Content-Type"] == kind


@pytest.mark.parametrize("status", [413, 415, 422])
def test_a_document_the_server_cannot_read_is_wrong_use(
    scripted: Scripted, document: Path, status: int
) -> None:
    """The file, the server's reason and who gave it stand in the line."""
    server = scripted(lambda _: as_json(status, {"code": "NO_TEXT", "message": "None has text."}))
    assert (
        refused(server.url, document, WrongUseError)
        == f"{document}: None has text. ({status} from {server.url})"
    )


@pytest.mark.parametrize("status", [404, 405, 501])
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_a_server_without_the_route_is_known_by_its_status(
    scripted: Scripted, document: Path, status: int, kind: str
) -> None:
    """Whatever comes with the status: there are no document routes."""
    with Host(scripted(lambda _: (status, kind, b"<html>")).url) as host:
        assert upload(host, document, "d") is None


def test_a_server_that_hangs_up_on_an_upload_it_has_no_route_for_is_known_too(
    raw: Raw, document: Path
) -> None:
    """Its answer is lost where it closes while we still send: without a body it is heard."""
    sizes = []

    def answer(connection: socket.socket) -> None:
        sizes.append(b"Content-Length: 0" in connection.recv(1 << 16))
        if sizes[-1]:
            connection.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
        else:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with Host(raw(answer)) as host:
        assert upload(host, document, "d") is None
    assert sizes == [False, False, True]  # the one between is the look whether TLS is spoken


def test_a_host_that_vanishes_in_an_upload_is_one_line(raw: Raw, document: Path) -> None:
    """Reset after the first bytes and gone: the line names the request, and asks the right question."""

    def vanish(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    url = raw(vanish)
    line = f"PUT {url}/api/documents/d: the connection broke off. Did the server end? See its log."
    assert refused(url, document, BrokenOffError) == line


@pytest.mark.parametrize("answer", [{}, {"pages": 3}, {"pages": "3", "sha256": "x"}, {"sha256": "x"}])
def test_an_answer_of_the_wrong_shape_is_one_line(
    scripted: Scripted, document: Path, answer: dict[str, object]
) -> None:
    """A server that answers JSON of its own is no document reader."""
    line = refused(scripted(lambda _: as_json(200, answer)).url, document)
    assert line.endswith("Is this a document reader?")


def test_blocks_are_read_as_the_server_names_them(scripted: Scripted) -> None:
    """A page's blocks, in order."""
    block = {"blockIndex": 0, "text": "Text.", "textHash": "ab"}
    server = scripted(lambda _: as_json(200, {"blocks": [block]}))
    with Host(server.url) as host:
        assert page_blocks(host, "d", 7) == [Block(7, 0, "Text.", "ab")]
    assert server.asked[0].path == "/api/documents/d/pages/7/blocks"


@pytest.mark.parametrize("blocks", [None, {}, ["x"], [{}], [{"blockIndex": "x", "text": "", "textHash": ""}]])
def test_blocks_of_the_wrong_shape_are_one_line(scripted: Scripted, blocks: object) -> None:
    """A page without blocks as they should be names the request."""
    server = scripted(lambda _: as_json(200, {"blocks": blocks}))
    with (
        Host(server.url) as host,
        pytest.raises(PrepareError, match=r"/pages/1/blocks: .*Is this a document reader\?$"),
    ):
        page_blocks(host, "d", 1)


def test_the_live_contract_is_known_by_a_refusal_that_costs_nothing(scripted: Scripted) -> None:
    """400 with a code for an empty object is the contract; nothing is synthesised for it."""
    server = scripted(lambda _: as_json(400, {"code": "MISSING_PARAMETERS", "message": "…"}))
    with Host(server.url) as host:
        require_live_contract(host)
    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/api/tts", b"{}")


def no_contracts() -> Iterator[tuple[int, str, bytes, str]]:
    """What other servers answer, and what is said of it."""
    yield (
        404,
        "text/html",
        b"<html>",
        "has neither /api/documents nor /api/tts (404). Is this a document reader?",
    )
    yield 405, "application/json", b"{}", "has neither /api/documents nor /api/tts (405)."
    yield 200, "text/html", b"<html>", "200 for an empty request, and not 400 with a code."
    yield 400, "text/html", b"<html>", "400 for an empty request, and not 400 with a code."
    yield 400, "application/json", b'["code"]', "400 for an empty request, and not 400 with a code."
    yield 502, "text/html", b"<title>Bad Gateway</title>", "502 an HTML page: Bad Gateway"


@pytest.mark.parametrize(("status", "kind", "body", "said"), list(no_contracts()))
def test_what_does_not_speak_the_contract_is_one_line(
    scripted: Scripted, status: int, kind: str, body: bytes, said: str
) -> None:
    """A web page, a proxy without a server, an API of another kind: none is read."""
    with Host(scripted(lambda _: (status, kind, body)).url) as host, pytest.raises(PrepareError) as raised:
        require_live_contract(host)
    assert said in str(raised.value)
