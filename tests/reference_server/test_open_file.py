"""An open file on the wire: its ranges and conditions, and that it stays whole when it goes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from reference_server.open_file import OpenFileResponse

DATA = bytes(range(256)) * 2000
ETAG = '"0123"'


def _response(path: Path) -> OpenFileResponse:
    return OpenFileResponse(path.open("rb"), media_type="audio/mpeg", headers={"ETag": ETAG})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of eight reads."""
    path = tmp_path / "chunk.mp3"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def client(path: Path) -> TestClient:
    """A client of a server of this one file."""

    def get(_request: Request) -> Response:
        return _response(path)

    return TestClient(Starlette(routes=[Route("/", get)]))


@pytest.mark.parametrize(
    ("asked", "first", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        (f"bytes={len(DATA) - 1}-", len(DATA) - 1, len(DATA)),
        ("bytes=-5", len(DATA) - 5, len(DATA)),
        (f"bytes=-{len(DATA) + 1}", 0, len(DATA)),
        (f"bytes=10-{len(DATA) + 10}", 10, len(DATA)),
    ],
)
def test_a_range_is_its_bytes(client: TestClient, asked: str, first: int, end: int) -> None:
    """From, to, and counted from the end: 206 with exactly these bytes, and where they lie in the whole."""
    answer = client.get("/", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, DATA[first:end])
    assert answer.headers["content-range"] == f"bytes {first}-{end - 1}/{len(DATA)}"
    assert answer.headers["content-length"] == str(end - first)
    assert answer.headers["etag"] == ETAG


@pytest.mark.parametrize("asked", [f"bytes={len(DATA)}-", "bytes=-0", f"bytes={len(DATA)}-{len(DATA) + 5}"])
def test_a_range_outside_the_file_is_416(client: TestClient, asked: str) -> None:
    """Nothing of the file is in the range: the answer tells how long the file is."""
    answer = client.get("/", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{len(DATA)}"


@pytest.mark.parametrize(
    "asked", ["seconds=0-1", "items=5", " Pages=1-2", "bytes=5-2", "bytes=abc", "bytes=", "bytes", "x"]
)
def test_a_range_that_means_nothing_here_is_not_looked_at(client: TestClient, asked: str) -> None:
    """A unit that the server does not know, an end before its start and nonsense give the whole file."""
    answer = client.get("/", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, DATA)


@pytest.mark.parametrize(
    ("condition", "status"), [(ETAG, 206), ('"other"', 200), (f"W/{ETAG}", 200), ("0123", 200)]
)
def test_a_part_is_only_sent_of_the_file_that_the_client_began(
    client: TestClient, condition: str, status: int
) -> None:
    """If-Range compares strongly: another tag, a weak one or half a tag gives the whole file."""
    answer = client.get("/", headers={"Range": "bytes=4-7", "If-Range": condition})
    assert (answer.status_code, answer.content) == (status, DATA[4:8] if status == 206 else DATA)


def test_a_head_has_the_headers_alone(client: TestClient) -> None:
    """HEAD tells length, type and tag, of a range too, and sends nothing."""
    answer = client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (answer.headers["content-length"], answer.headers["etag"]) == (str(len(DATA)), ETAG)
    part = client.head("/", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content, part.headers["content-length"]) == (206, b"", "10")


def _remove(path: Path) -> None:
    path.unlink()


def _replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"another")
    other.replace(path)


@pytest.mark.parametrize("change", [_remove, _replace])
@pytest.mark.parametrize("asked", [None, b"bytes=5-", b"bytes=0-99,300000-400000"])
def test_a_file_that_goes_in_the_middle_is_sent_whole(
    path: Path, change: Callable[[Path], None], asked: bytes | None
) -> None:
    """GIVEN an answer whose headers are out WHEN the file is removed or replaced THEN the old one comes."""
    response = _response(path)
    body = bytearray()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            change(path)
        else:
            body.extend(message["body"])

    async def receive() -> Message:
        return await asyncio.Future()

    headers = [(b"range", asked)] if asked else []
    scope: Scope = {"type": "http", "method": "GET", "headers": headers, "asgi": {"spec_version": "2.4"}}
    asyncio.run(response(scope, receive, send))
    if asked is None:
        assert bytes(body) == DATA
    elif b"," not in asked:
        assert bytes(body) == DATA[5:]
    else:
        assert DATA[:100] in body
        assert DATA[300_000:400_001] in body
    assert response._file.closed


def test_it_is_closed_when_the_client_goes(path: Path) -> None:
    """A send that fails leaves no open file behind."""
    response = _response(path)

    async def send(_message: Message) -> None:
        raise OSError("the client has gone")

    async def receive() -> Message:
        return await asyncio.Future()

    scope: Scope = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.4"}}
    with pytest.raises(OSError, match="gone"):
        asyncio.run(response(scope, receive, send))
    assert response._file.closed
