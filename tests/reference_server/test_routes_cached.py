"""The routes of cached mode: made ahead with progress, served from disk with their timings."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from reference_server.blocks import text_hash
from reference_server.chunk import Chunk
from reference_server.documents import Document, Documents
from reference_server.open_file import OpenFileResponse
from reference_server.outline import Block, Outline
from reference_server.store import ChunkStore

PREPROCESS = "/api/tts/preprocess"
STATUS = f"{PREPROCESS}/status?documentId=doc"
CHUNK = "/api/tts/chunk?documentId=doc&page=1&blockIndex=0"
TIMINGS = "/api/tts/timings?documentId=doc&page=1&blockIndex=0"


class Maker(Protocol):
    """What these tests use of the fake maker of conftest."""

    made: list[Block]
    failing: set[int]
    gate: asyncio.Event | None


@pytest.fixture
def reader(client: TestClient, three_pages: bytes) -> TestClient:
    """A client of a server that has the document of three pages, with 2, 1 and 2 blocks."""
    client.put("/api/documents/doc", content=three_pages)
    return client


def _events(client: TestClient, **fields: object) -> list[dict[str, Any]]:
    body = {"documentId": "doc", **fields}
    answer = client.post(PREPROCESS, json=body, headers={"Accept": "text/event-stream"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]


def test_progress_comes_as_events_to_the_end(reader: TestClient) -> None:
    """The first event is there before anything is made, the last says that all is done."""
    events = _events(reader)
    assert events[0] == {"documentId": "doc", "state": "running", "done": 0, "total": 5, "failed": 0}
    assert events[-1] == {"documentId": "doc", "state": "done", "done": 5, "total": 5, "failed": 0}


def test_progress_can_be_polled(reader: TestClient, maker: Maker) -> None:
    """A client that asks for JSON has 202 at once, and finds the job under way, then its result."""
    maker.gate = asyncio.Event()
    answer = reader.post(PREPROCESS, json={"documentId": "doc", "pages": [1]})
    assert (answer.status_code, answer.json()["state"], answer.json()["total"]) == (202, "running", 2)
    assert reader.get(STATUS).json()["state"] == "running"
    assert reader.portal is not None
    reader.portal.call(maker.gate.set)
    assert _events(reader, pages=[1])[-1]["done"] == 2
    status = reader.get(STATUS).json()
    assert (status["state"], status["done"], status["total"], status["pages"]) == ("partial", 2, 5, [1])
    assert status["stored"] == {"voice": "alloy", "speed": 1.0, "model": "tts-1"}


@pytest.mark.parametrize(
    ("fields", "ordinals"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"pages": "all"}, [1, 2, 3, 4, 5]),
        ({"pages": [3, 2, 3]}, [3, 4, 5]),
        ({"pages": "current+next", "page": 2}, [3, 4, 5]),
        ({"pages": "current+next", "page": 3}, [4, 5]),
    ],
)
def test_the_pages_asked_for_are_made(
    reader: TestClient, maker: Maker, fields: dict[str, object], ordinals: list[int]
) -> None:
    """All pages, the pages given, or the current one and the next where there is one."""
    assert _events(reader, **fields)[-1]["state"] == "done"
    assert sorted(block.ordinal for block in maker.made) == ordinals


def test_failed_chunks_are_reported_and_the_rest_is_there(reader: TestClient, maker: Maker) -> None:
    """The last event and the status both tell of the block that failed."""
    maker.failing = {2}
    last = _events(reader)[-1]
    assert (last["state"], last["done"], last["failed"]) == ("failed", 4, 1)
    assert last["message"].startswith("Page 1, block 1:")
    status = reader.get(STATUS).json()
    assert (status["state"], status["failed"], status["pages"]) == ("partial", 1, [2, 3])
    assert status["message"] == last["message"]
    assert reader.get(CHUNK).status_code == 200
    assert reader.get("/api/tts/chunk?documentId=doc&page=1&blockIndex=1").json()["code"] == "NO_CHUNK"


def test_a_chunk_is_its_mp3(reader: TestClient, mp3: bytes) -> None:
    """The body is the file, with its length, type, ETag from its content, and the word to ask again."""
    _events(reader)
    answer = reader.get(CHUNK)
    assert answer.content == mp3
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["content-length"] == str(len(mp3))
    assert answer.headers["cache-control"] == "private, no-cache"
    head = reader.head(CHUNK)
    assert (head.content, head.headers["etag"]) == (b"", answer.headers["etag"])


def test_a_chunk_that_the_client_has_is_304(reader: TestClient) -> None:
    """With its ETag nothing is sent again; with another one the whole is."""
    _events(reader)
    etag = reader.get(CHUNK).headers["etag"]
    for known in (etag, f'"x", W/{etag}', "*"):
        answer = reader.get(CHUNK, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert reader.get(CHUNK, headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_part_of_a_chunk_can_be_asked_for(reader: TestClient, mp3: bytes) -> None:
    """Range gives 206 and the bytes, as a browser that seeks wants; If-Range with another ETag all."""
    _events(reader)
    answer = reader.get(CHUNK, headers={"Range": "bytes=100-199"})
    assert (answer.status_code, answer.content) == (206, mp3[100:200])
    assert reader.get(CHUNK, headers={"Range": "bytes=0-1", "If-Range": '"x"'}).content == mp3
    assert reader.get(CHUNK, headers={"Range": f"bytes={len(mp3)}-"}).status_code == 416


def test_a_chunk_that_goes_is_refused_or_sent_whole(
    reader: TestClient, mp3: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a chunk removed after it was found THEN 404; removed after it was opened, all of it comes."""
    _events(reader)
    found = ChunkStore.find

    def find_and_remove(store: ChunkStore, document_id: str, block: Block) -> Chunk | None:
        chunk = found(store, document_id, block)
        assert chunk is not None
        chunk.path.unlink()
        return chunk

    def open_and_remove(file: BinaryIO, **how: Any) -> Response:
        Path(str(file.name)).unlink()
        return OpenFileResponse(file, **how)

    with monkeypatch.context() as patch:
        patch.setattr("reference_server.routes_cached.OpenFileResponse", open_and_remove)
        assert reader.get(CHUNK).content == mp3
    _events(reader)
    monkeypatch.setattr(ChunkStore, "find", find_and_remove)
    answer = reader.get(CHUNK)
    assert (answer.status_code, answer.json()["code"]) == (404, "NO_CHUNK")


def test_a_new_text_under_the_same_id_is_not_read_with_the_old_voice(
    reader: TestClient, maker: Maker, pdf: Callable[..., bytes]
) -> None:
    """GIVEN chunks and a running job WHEN another text is uploaded THEN the job ends, the chunks are stale."""
    _events(reader, pages=[1])
    maker.gate = asyncio.Event()
    job = reader.post(PREPROCESS, json={"documentId": "doc"}).json()
    assert job["state"] == "running"
    assert reader.put("/api/documents/doc", content=pdf(["Another text."])).status_code == 201
    assert reader.get(STATUS).json()["state"] == "stale"
    for url in (CHUNK, TIMINGS):
        assert reader.get(url).json()["code"] == "STALE_CHUNK"
    assert reader.portal is not None
    reader.portal.call(maker.gate.set)
    assert _events(reader)[-1]["total"] == 1
    assert maker.made[-1].text == "Another text."
    assert reader.get(CHUNK).status_code == 200


@pytest.mark.parametrize(("replaced", "status"), [(True, 409), (False, 404)])
def test_no_job_begins_for_a_document_that_went_meanwhile(
    reader: TestClient,
    maker: Maker,
    monkeypatch: pytest.MonkeyPatch,
    pdf: Callable[..., bytes],
    replaced: bool,  # noqa: FBT001
    status: int,
) -> None:
    """A document that is removed or replaced while its blocks are looked up is refused, and nothing made."""
    original = Documents.outline

    def outline(documents: Documents, document: Document) -> Outline:
        found = original(documents, document)
        if replaced:
            asyncio.run(documents.put("doc", _parts(pdf(["Another text."]))))
        else:
            documents.delete("doc")
        return found

    monkeypatch.setattr(Documents, "outline", outline)
    assert reader.post(PREPROCESS, json={"documentId": "doc"}).status_code == status
    assert maker.made == []


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    yield body


def test_a_cache_without_its_document_can_be_removed(reader: TestClient) -> None:
    """What a kill between the two removals left can still be asked away; an id is checked all the same."""
    _events(reader)
    app: Any = reader.app
    app.state.documents.delete("doc")
    assert reader.delete(f"{PREPROCESS}?documentId=doc").json() == {"documentId": "doc", "deleted": True}
    assert reader.delete(f"{PREPROCESS}?documentId=..").json()["code"] == "BAD_ID"


def test_timings_have_the_shape_of_the_live_route(reader: TestClient) -> None:
    """They are those that were stored with the chunk."""
    _events(reader)
    text = reader.get("/api/documents/doc/pages/1/blocks").json()["blocks"][0]["text"]
    word = {"text": "Here", "startSec": 0.0, "endSec": 0.2, "charStart": 0, "charEnd": 1}
    expected = {"alignments": [{"sentence": text, "sentenceIndex": 0, "words": [word]}]}
    assert reader.get(TIMINGS).json() == expected


@pytest.mark.parametrize("url", [CHUNK, TIMINGS])
@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("&voice=alloy&speed=1&model=tts-1", None),
        ("&voice=nova", "STALE_CHUNK"),
        ("&speed=1.5", "STALE_CHUNK"),
        ("&model=tts-1-hd", "STALE_CHUNK"),
        (f"&textHash={text_hash('Other text.')}", "STALE_CHUNK"),
        ("&page=4", "NO_CHUNK"),
        ("&blockIndex=2", "NO_CHUNK"),
        ("&documentId=unknown", "NO_DOCUMENT"),
    ],
)
def test_what_the_client_expects_decides(reader: TestClient, url: str, query: str, code: str | None) -> None:
    """A chunk that is not there, or not what the client names, is a 404 with a code that says which."""
    _events(reader)
    answer = reader.get(url + query)
    if code is None:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_the_text_hash_of_the_page_fits_its_chunk(reader: TestClient) -> None:
    """The hash that the blocks route shows is the one that the chunk route accepts."""
    _events(reader)
    for block in reader.get("/api/documents/doc/pages/3/blocks").json()["blocks"]:
        url = f"/api/tts/chunk?documentId=doc&page=3&blockIndex={block['blockIndex']}"
        assert reader.get(f"{url}&textHash={block['textHash']}").status_code == 200


def test_a_change_of_settings_is_stale_until_it_is_made_anew(reader: TestClient, maker: Maker) -> None:
    """Status tells a reader with another voice that the stored one differs; preprocess then replaces all."""
    assert reader.get(STATUS).json()["state"] == "missing"
    _events(reader)
    assert reader.get(STATUS).json()["state"] == "complete"
    assert reader.get(f"{STATUS}&voice=alloy&speed=1.0").json()["state"] == "complete"
    status = reader.get(f"{STATUS}&voice=nova").json()
    assert (status["state"], status["done"], status["stored"]["voice"]) == ("stale", 0, "alloy")
    _events(reader, voice="nova")
    assert reader.get(f"{STATUS}&voice=nova").json()["state"] == "complete"
    assert len(maker.made) == 10


def test_deleting_the_cache(reader: TestClient, maker: Maker) -> None:
    """The chunks go, also while they are being made; a second removal finds nothing and is no error."""
    _events(reader)
    answer = reader.delete(f"{PREPROCESS}?documentId=doc")
    assert answer.json() == {"documentId": "doc", "deleted": True}
    assert reader.get(STATUS).json()["state"] == "missing"
    assert reader.delete(f"{PREPROCESS}?documentId=doc").json()["deleted"] is False
    maker.gate = asyncio.Event()
    reader.post(PREPROCESS, json={"documentId": "doc"})
    assert reader.delete(f"{PREPROCESS}?documentId=doc").status_code == 200
    assert reader.get(STATUS).json()["state"] == "missing"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "BAD_REQUEST"),
        (b"{", 400, "BAD_REQUEST"),
        (b"[]", 400, "BAD_REQUEST"),
        (b"\xff", 400, "BAD_REQUEST"),
        (b"[" * 100_000, 400, "BAD_REQUEST"),
        (b"{}", 400, "MISSING_PARAMETERS"),
        (b'{"documentId": 1}', 400, "BAD_REQUEST"),
        (b'{"documentId": "a/b"}', 400, "BAD_ID"),
        (b'{"documentId": "unknown"}', 404, "NO_DOCUMENT"),
        (b'{"documentId": "doc", "speed": 5}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "speed": NaN}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "speed": "1"}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "speed": true}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "speed": 1' + b"0" * 400 + b"}", 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "voice": ""}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "voice": null}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "voice": "\\ud800"}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "model": "\\udfff"}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": []}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": "some"}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": [1.5]}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": [true]}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": [[]]}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": [0]}', 404, "NO_PAGE"),
        (b'{"documentId": "doc", "pages": [1, 4]}', 404, "NO_PAGE"),
        (b'{"documentId": "doc", "pages": "current+next"}', 400, "BAD_REQUEST"),
        (b'{"documentId": "doc", "pages": "current+next", "page": 4}', 404, "NO_PAGE"),
        (b'{"x": "' + b"a" * 1024 * 1024 + b'"}', 413, "TOO_LARGE"),
    ],
)
def test_a_bad_body_is_refused_and_starts_nothing(
    reader: TestClient, maker: Maker, body: bytes, status: int, code: str
) -> None:
    """Wrong JSON, types, ranges and sizes are refused with a code, before anything is made."""
    answer = reader.post(PREPROCESS, content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "\n" not in answer.json()["message"]
    assert maker.made == []


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"{PREPROCESS}/status", "MISSING_PARAMETERS"),
        ("/api/tts/chunk?documentId=doc&page=1", "MISSING_PARAMETERS"),
        ("/api/tts/chunk?documentId=doc&blockIndex=1", "MISSING_PARAMETERS"),
        ("/api/tts/timings?page=1&blockIndex=1", "MISSING_PARAMETERS"),
        (f"{CHUNK}&page=-1", "BAD_REQUEST"),
        (f"{CHUNK}&page=1e3", "BAD_REQUEST"),
        (f"{CHUNK}&page=9999999999", "BAD_REQUEST"),
        (f"{CHUNK}&blockIndex=x", "BAD_REQUEST"),
        (f"{CHUNK}&speed=fast", "BAD_REQUEST"),
        (f"{CHUNK}&speed=nan", "BAD_REQUEST"),
        (f"{STATUS}&speed=0.1", "BAD_REQUEST"),
        (f"{CHUNK}&documentId=../doc", "BAD_ID"),
    ],
)
def test_a_bad_query_is_refused(reader: TestClient, url: str, code: str) -> None:
    """Missing and wrong parameters are told apart, and named."""
    answer = reader.get(url)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
