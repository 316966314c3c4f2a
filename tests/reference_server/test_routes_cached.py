"""The routes of a chunk and its timings: from disk, or a 404 that sends the reader to live."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from reference_server.blocks import text_hash
from reference_server.chunk import Chunk
from reference_server.document import Document
from reference_server.documents import Documents
from reference_server.open_documents import OpenDocuments
from reference_server.open_file import OpenFileResponse
from reference_server.outline import Block
from reference_server.routes_cached import HoldingResponse
from reference_server.store import ChunkStore

PREPROCESS = "/api/tts/preprocess"
STATUS = f"{PREPROCESS}/status?documentId=doc"
CHUNK = "/api/tts/chunk?documentId=doc&page=1&blockIndex=0"
TIMINGS = "/api/tts/timings?documentId=doc&page=1&blockIndex=0"


class Maker(Protocol):
    """What these tests use of the fake maker of conftest."""

    made: list[Block]
    gate: asyncio.Event | None


@pytest.fixture
def reader(client: TestClient, three_pages: bytes) -> TestClient:
    """A client of a server that has the document of three pages, with 2, 1 and 2 blocks."""
    client.put("/api/documents/doc", content=three_pages)
    return client


def _make(client: TestClient, **fields: object) -> Any:
    """Make the chunks of the document, and return how far that came."""
    answer = client.post(
        PREPROCESS, json={"documentId": "doc", **fields}, headers={"Accept": "text/event-stream"}
    )
    data = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    return json.loads(data[-1][6:])


def test_a_chunk_is_its_mp3(reader: TestClient, mp3: bytes) -> None:
    """The body is the file, with its length, type, ETag from its content, and the word to ask again."""
    _make(reader)
    answer = reader.get(CHUNK)
    assert answer.content == mp3
    assert answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["content-length"] == str(len(mp3))
    assert answer.headers["cache-control"] == "private, no-cache"
    head = reader.head(CHUNK)
    assert (head.content, head.headers["etag"]) == (b"", answer.headers["etag"])


def test_a_chunk_that_the_client_has_is_304(reader: TestClient) -> None:
    """With its ETag nothing is sent again; with another one the whole is."""
    _make(reader)
    etag = reader.get(CHUNK).headers["etag"]
    for known in (etag, f'"x", W/{etag}', "*"):
        answer = reader.get(CHUNK, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert reader.get(CHUNK, headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_part_of_a_chunk_can_be_asked_for(reader: TestClient, mp3: bytes) -> None:
    """Range gives 206 and the bytes, as a browser that seeks wants; If-Range with another ETag all."""
    _make(reader)
    answer = reader.get(CHUNK, headers={"Range": "bytes=100-199"})
    assert (answer.status_code, answer.content) == (206, mp3[100:200])
    assert reader.get(CHUNK, headers={"Range": "bytes=0-1", "If-Range": '"x"'}).content == mp3
    assert reader.get(CHUNK, headers={"Range": f"bytes={len(mp3)}-"}).status_code == 416


def test_a_chunk_that_goes_is_refused_or_sent_whole(
    reader: TestClient, mp3: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a chunk removed after it was found THEN 404; removed after it was opened, all of it comes."""
    _make(reader)
    found = ChunkStore.find

    def find_and_remove(store: ChunkStore, document_id: str, block: Block) -> Chunk | None:
        chunk = found(store, document_id, block)
        assert chunk is not None
        chunk.path.unlink()
        return chunk

    class Removing(HoldingResponse):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            app: Any = reader.app
            assert app.state.store.delete("doc")
            await super().__call__(scope, receive, send)

    with monkeypatch.context() as patch:
        patch.setattr("reference_server.routes_cached.HoldingResponse", Removing)
        assert reader.get(CHUNK).content == mp3
    _make(reader)
    monkeypatch.setattr(ChunkStore, "find", find_and_remove)
    answer = reader.get(CHUNK)
    assert (answer.status_code, answer.json()["code"]) == (404, "NO_CHUNK")


def test_blocks_are_counted_by_what_became_of_them(reader: TestClient) -> None:
    """The metrics tell blocks from disk from those that were missing or stale; times are not counted."""
    reader.get(CHUNK)
    _make(reader)
    etag = reader.get(CHUNK).headers["etag"]
    reader.get(CHUNK, headers={"If-None-Match": etag})
    reader.get(f"{CHUNK}&voice=nova")
    reader.get(TIMINGS)
    page = reader.get("/metrics").text
    counted = [line.split()[-1] for line in page.splitlines() if 'mode="cached"' in line and "_total" in line]
    assert counted == ["1.0", "2.0", "1.0"]
    assert 'reader_blocks_served_total{mode="cached",outcome="missing"} 1.0' in page


def test_a_document_is_held_open_while_its_chunk_streams(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store may not take the chunks of a document that somebody hears, however long that takes."""
    _make(reader)
    app: Any = reader.app
    documents = OpenDocuments(0)
    monkeypatch.setattr(app.state, "open_documents", documents)
    seen: list[bool] = []
    send_file = OpenFileResponse.__call__

    async def looking(self: OpenFileResponse, scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(documents.is_open("doc"))
        await send_file(self, scope, receive, send)

    monkeypatch.setattr(OpenFileResponse, "__call__", looking)
    assert reader.get(CHUNK).status_code == 200
    assert (seen, documents.is_open("doc")) == ([True], False)


@pytest.mark.parametrize("url", [CHUNK, TIMINGS])
def test_who_reads_a_document_keeps_it_open(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """A request for a chunk or its times opens the document for a while, also where there is no chunk."""
    app: Any = reader.app
    monkeypatch.setattr(app.state, "open_documents", OpenDocuments(60))
    assert reader.get(f"{url}&documentId=unknown").status_code == 404
    assert not app.state.open_documents.is_open("unknown")
    assert not app.state.open_documents.is_open("doc")
    assert reader.get(url).status_code == 404
    assert app.state.open_documents.is_open("doc")


@pytest.mark.parametrize("url", [CHUNK, TIMINGS])
def test_a_replacement_in_between_is_never_the_reader_s_error(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, pdf: Callable[..., bytes], url: str
) -> None:
    """GIVEN chunks WHEN the document is replaced while one is looked up THEN 404, and the reader goes live."""
    _make(reader)
    get = Documents.get
    replaced: list[str] = []

    def get_and_replace(documents: Documents, document_id: str) -> Document:
        document = get(documents, document_id)
        if not replaced:
            replaced.append(document_id)
            asyncio.run(documents.put(document_id, _parts(pdf(["Another text."]))))
        return document

    monkeypatch.setattr(Documents, "get", get_and_replace)
    answer = reader.get(url)
    assert replaced
    assert (answer.status_code, answer.json()["code"]) == (404, "STALE_CHUNK")


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    yield body


def test_a_new_text_under_the_same_id_is_not_read_with_the_old_voice(
    reader: TestClient, maker: Maker, pdf: Callable[..., bytes]
) -> None:
    """GIVEN chunks and a running job WHEN another text is uploaded THEN the job ends, the chunks are stale."""
    _make(reader, pages=[1])
    maker.gate = asyncio.Event()
    job = reader.post(PREPROCESS, json={"documentId": "doc"}).json()
    assert job["state"] == "running"
    assert reader.put("/api/documents/doc", content=pdf(["Another text."])).status_code == 201
    assert reader.get(STATUS).json()["state"] == "stale"
    for url in (CHUNK, TIMINGS):
        assert reader.get(url).json()["code"] == "STALE_CHUNK"
    assert reader.portal is not None
    reader.portal.call(maker.gate.set)
    assert _make(reader)["total"] == 1
    assert maker.made[-1].text == "Another text."
    assert reader.get(CHUNK).status_code == 200


def test_timings_have_the_shape_of_the_live_route(reader: TestClient) -> None:
    """They are those that were stored with the chunk."""
    _make(reader)
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
    _make(reader)
    answer = reader.get(url + query)
    if code is None:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_the_text_hash_of_the_page_fits_its_chunk(reader: TestClient) -> None:
    """The hash that the blocks route shows is the one that the chunk route accepts."""
    _make(reader)
    for block in reader.get("/api/documents/doc/pages/3/blocks").json()["blocks"]:
        url = f"/api/tts/chunk?documentId=doc&page=3&blockIndex={block['blockIndex']}"
        assert reader.get(f"{url}&textHash={block['textHash']}").status_code == 200


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
