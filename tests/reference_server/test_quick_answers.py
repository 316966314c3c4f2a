"""What is known is answered as it would be from disk, byte for byte, and counted and held open alike."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from reference_server.chunk_index import ChunkIndex
from reference_server.open_documents import OpenDocuments
from reference_server.quick_answers import _LONGEST_QUERY
from reference_server.zero_copy import ZERO_COPY

CHUNK, TIMINGS = "/api/tts/chunk", "/api/tts/timings"
PLACE = "documentId=doc&page=1&blockIndex=0"


@dataclass
class Answer:
    """What came of a request."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    by_file: bool = False

    @property
    def code(self) -> Any:
        """What an error is called."""
        return json.loads(self.body)["code"]


class Reader:
    """A client of a server that takes files, and whose document has its chunks."""

    def __init__(self, client: TestClient, document: bytes) -> None:
        self.client = client
        self.app: Any = client.app
        client.put("/api/documents/doc", content=document)
        self.make()

    def make(self) -> None:
        """Make all chunks."""
        events = {"Accept": "text/event-stream"}
        self.client.post("/api/tts/preprocess", json={"documentId": "doc"}, headers=events)

    @property
    def index(self) -> ChunkIndex:
        """What is known."""
        index: ChunkIndex = self.app.state.chunk_index
        return index

    def ask(
        self, path: str, query: str = PLACE, method: str = "GET", on_file: Callable[[], None] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Return an answer; `on_file` is called before a file of it is read."""
        answer = Answer()
        raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        scope: Scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1",
            "method": method, "scheme": "http", "path": path, "raw_path": path.encode(),
            "query_string": query.encode(), "root_path": "", "headers": [(b"host", b"x"), *raw],
            "client": ("x", 1), "server": ("x", 80), "extensions": {ZERO_COPY: {}},
        }  # fmt: skip

        async def receive() -> Message:
            return await asyncio.Future()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            elif message["type"] == ZERO_COPY:
                if on_file is not None:
                    on_file()
                file: FileIO = message["file"]
                file.seek(message["offset"])
                answer.body += file.read(message["count"])
                answer.by_file = True
            else:
                answer.body += message["body"]

        assert self.client.portal is not None
        self.client.portal.call(self.app, scope, receive, send)
        return answer


@pytest.fixture
def reader(client: TestClient, three_pages: bytes) -> Reader:
    """A reader of the document of three pages."""
    return Reader(client, three_pages)


def _forbid_the_disk(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every answer fail that is looked up on disk."""
    monkeypatch.delattr(reader.app.state.documents.__class__, "get")
    monkeypatch.delattr(reader.app.state.store.__class__, "find")


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        (CHUNK, "GET", {}),
        (CHUNK, "GET", {"range": "bytes=0-"}),
        (CHUNK, "GET", {"range": "bytes=100-199"}),
        (CHUNK, "GET", {"range": "bytes=-5"}),
        (CHUNK, "GET", {"range": "bytes=9999999-"}),
        (CHUNK, "GET", {"range": "bytes=0-4", "if-range": '"x"'}),
        (CHUNK, "GET", {"range": "seconds=1-2"}),
        (CHUNK, "GET", {"if-none-match": "*"}),
        (CHUNK, "GET", {"if-none-match": '"x"'}),
        (CHUNK, "GET", {"if-none-match": "*", "range": "bytes=0-4"}),
        (TIMINGS, "GET", {}),
    ],
)
def test_what_is_known_is_answered_as_from_disk(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, path: str, method: str, headers: dict[str, str]
) -> None:
    """GIVEN an answer from disk WHEN the same is asked again THEN it is the same, and no disk was asked for it."""
    first = reader.ask(path, method=method, headers=headers)
    _forbid_the_disk(reader, monkeypatch)
    again = reader.ask(path, method=method, headers=headers)
    if path == TIMINGS:  # blanks may stand elsewhere
        assert json.loads(again.body) == json.loads(first.body)
        assert again.headers.pop("content-length") == str(len(again.body))
        assert {**first.headers, "content-length": ""} == {**again.headers, "content-length": ""}
    else:
        assert again == first


def test_several_ranges_are_answered(reader: Reader, mp3: bytes) -> None:
    """GIVEN a known chunk WHEN parts of it are asked for THEN they come in one answer, which no file is."""
    reader.ask(CHUNK)
    answer = reader.ask(CHUNK, headers={"range": "bytes=0-9,100-109"})
    assert (answer.status, answer.by_file) == (206, False)
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert mp3[:10] in answer.body
    assert mp3[100:110] in answer.body


@pytest.mark.parametrize("path", [CHUNK, TIMINGS])
def test_a_head_has_the_headers_alone(reader: Reader, path: str) -> None:
    """GIVEN a known chunk WHEN only the headers are asked for THEN they are those of the answer, the length too."""
    whole = reader.ask(path)
    head = reader.ask(path, method="HEAD")
    assert (head.status, head.headers["content-type"]) == (200, whole.headers["content-type"])
    if path == CHUNK:
        assert (head.body, head.headers) == (b"", whole.headers)


def test_the_body_is_a_file_from_the_first_time_on(reader: Reader, mp3: bytes) -> None:
    """GIVEN a server that takes files WHEN a chunk is served from disk or known THEN nothing of it is read here."""
    for _ in range(2):
        answer = reader.ask(CHUNK)
        assert (answer.body, answer.by_file) == (mp3, True)


def test_where_no_file_is_taken_the_bytes_are_sent(reader: Reader, mp3: bytes) -> None:
    """GIVEN a known chunk WHEN the server takes no files, as behind TLS THEN its bytes come all the same."""
    reader.ask(CHUNK)
    assert reader.client.get(f"{CHUNK}?{PLACE}").content == mp3


def _counted(reader: Reader) -> list[str]:
    lines = reader.client.get("/metrics").text.splitlines()
    return [
        line for line in lines if line.startswith(("reader_requests_total", "reader_blocks_served_total"))
    ]


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=1-2"}, {"if-none-match": "*"}])
def test_it_is_counted_as_from_disk(reader: Reader, headers: dict[str, str]) -> None:
    """GIVEN a chunk WHEN it is served from disk and then known THEN both count the same, under the same names."""
    status = {"range": 206, "if-none-match": 304}.get(next(iter(headers), ""), 200)
    for times in (1, 2):
        assert reader.ask(CHUNK, headers=headers).status == status
        lines = _counted(reader)
        assert f'reader_requests_total{{method="GET",route="{CHUNK}",status="{status}"}} {times}.0' in lines
        assert f'reader_blocks_served_total{{mode="cached",outcome="hit"}} {times}.0' in lines


def test_a_known_chunk_keeps_its_document_open(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a known chunk WHEN it is sent THEN its document is held, and touched; its times touch it too."""
    reader.ask(CHUNK)
    held = OpenDocuments(0)
    monkeypatch.setitem(reader.app.state._state, "open_documents", held)
    seen: list[bool] = []
    reader.ask(CHUNK, on_file=lambda: seen.append(held.is_open("doc")))
    assert (seen, held.is_open("doc")) == ([True], False)
    for path in (CHUNK, TIMINGS):
        touched = OpenDocuments(60)
        monkeypatch.setitem(reader.app.state._state, "open_documents", touched)
        reader.ask(path)
        assert touched.is_open("doc")


def test_a_known_chunk_that_goes_while_it_is_sent_comes_whole(reader: Reader, mp3: bytes) -> None:
    """GIVEN a known chunk that is being sent WHEN its document's chunks are deleted THEN all of it comes."""
    reader.ask(CHUNK)
    answer = reader.ask(CHUNK, on_file=lambda: reader.app.state.store.delete("doc"))
    assert answer.body == mp3
    assert reader.ask(CHUNK).code == "NO_CHUNK"


def _delete(reader: Reader, _pdf: Callable[..., bytes]) -> str:
    reader.client.delete("/api/tts/preprocess?documentId=doc")
    return "NO_CHUNK"


def _delete_document(reader: Reader, _pdf: Callable[..., bytes]) -> str:
    reader.client.delete("/api/documents/doc")
    return "NO_DOCUMENT"


def _replace_document(reader: Reader, pdf: Callable[..., bytes]) -> str:
    reader.client.put("/api/documents/doc", content=pdf(["Another text."]))
    return "STALE_CHUNK"


def _damage(reader: Reader, _pdf: Callable[..., bytes]) -> str:
    for path in Path(reader.app.state.settings.docstore_dir).rglob("*page-001__block-000.mp3"):
        path.write_bytes(path.read_bytes()[:-1])
    return "NO_CHUNK"


def _lose_the_mp3(reader: Reader, _pdf: Callable[..., bytes]) -> str:
    for path in Path(reader.app.state.settings.docstore_dir).rglob("*page-001__block-000.mp3"):
        path.unlink()
    return "NO_CHUNK"


def _damage_the_sidecar(reader: Reader, _pdf: Callable[..., bytes]) -> str:
    for path in Path(reader.app.state.settings.docstore_dir).rglob("*page-001__block-000.json"):
        path.write_text("{")
    return "NO_CHUNK"


@pytest.mark.parametrize(
    "change",
    [_delete, _delete_document, _replace_document, _damage, _lose_the_mp3, _damage_the_sidecar],
)
@pytest.mark.parametrize(("path", "headers"), [(CHUNK, {}), (CHUNK, {"if-none-match": "*"}), (TIMINGS, {})])
def test_what_has_changed_is_not_known_any_more(
    reader: Reader,
    pdf: Callable[..., bytes],
    change: Callable[[Reader, Callable[..., bytes]], str],
    path: str,
    headers: dict[str, str],
) -> None:
    """GIVEN a known chunk WHEN it, its document or its files change THEN the answer is the disk's, at once."""
    reader.ask(CHUNK)
    assert len(reader.index) == 1
    code = change(reader, pdf)
    assert reader.ask(path, headers=headers).code == code


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (f"{PLACE}&voice=nova", "STALE_CHUNK"),
        (f"{PLACE}&speed=2", "STALE_CHUNK"),
        (f"{PLACE}&speed=x", "BAD_REQUEST"),
        (f"{PLACE}&blockIndex=x", "BAD_REQUEST"),
        ("documentId=doc&page=1", "MISSING_PARAMETERS"),
        (f"{PLACE}&documentId=../doc", "BAD_ID"),
        (f"{PLACE}&page=9", "NO_CHUNK"),
    ],
)
def test_refusals_are_the_application_s(reader: Reader, query: str, code: str) -> None:
    """GIVEN a known chunk WHEN another is asked for, or none that can be THEN it is refused as ever."""
    reader.ask(CHUNK)
    for path in (CHUNK, TIMINGS):
        assert reader.ask(path, query).code == code


def test_a_query_of_any_length_is_answered(reader: Reader, mp3: bytes) -> None:
    """GIVEN a known chunk WHEN it is asked for with more than is kept of queries THEN it comes from disk."""
    reader.ask(CHUNK)
    assert reader.ask(CHUNK, f"{PLACE}&x={'x' * _LONGEST_QUERY}").body == mp3


def test_other_methods_are_refused(reader: Reader) -> None:
    """GIVEN a known chunk WHEN somebody posts to it THEN it is 405."""
    reader.ask(CHUNK)
    assert reader.ask(CHUNK, method="POST").code == "METHOD_NOT_ALLOWED"
