"""The route that tells how full the store is, and the limit as the whole server keeps it."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from starlette.testclient import TestClient

from reference_server.app import create_app
from reference_server.chunk import Voicing
from reference_server.settings import Settings
from reference_server.speech_turns import SpeechTurns
from reference_server.store import ChunkStore
from reference_server.workshop import MakeChunk

STATS = "/api/tts/preprocess/stats"
CLEAR = "/api/tts/preprocess/clear"
EVENTS = "/api/events?documentId="


class Maker(Protocol):
    """What these tests use of the fake maker of conftest."""

    store: ChunkStore | None
    failing: set[int]
    gate: asyncio.Event | None
    active: int
    closed: int
    opened: int

    def __call__(self, turns: SpeechTurns) -> AbstractAsyncContextManager[MakeChunk]:
        """Open it for one job."""


def _total(settings: Settings) -> int:
    root = settings.docstore_dir / "tts_cache_v1"
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


def _make(client: TestClient, document_id: str, **fields: object) -> str:
    body = {"documentId": document_id, **fields}
    answer = client.post("/api/tts/preprocess", json=body, headers={"Accept": "text/event-stream"})
    return answer.text


def test_an_empty_store_has_nothing(client: TestClient, settings: Settings) -> None:
    """The plan's fields and the limit, in an answer that nobody keeps."""
    answer = client.get(STATS)
    assert answer.json() == {
        "totalSize": 0,
        "documentsCount": 0,
        "oldestDocument": None,
        "maxSize": settings.store_max_bytes,
    }
    assert answer.headers["cache-control"] == "no-store"


def test_what_is_made_and_deleted_is_counted(
    client: TestClient, settings: Settings, three_pages: bytes
) -> None:
    """The bytes are those of the files, the age is `createdAt`, and deleting takes both away."""
    client.put("/api/documents/doc", content=three_pages)
    _make(client, "doc")
    stats = client.get(STATS).json()
    assert (stats["totalSize"], stats["documentsCount"]) == (_total(settings), 1)
    assert stats["totalSize"] > 0
    assert len(stats["oldestDocument"]) == len("2024-01-01T00:00:00Z")
    client.delete("/api/tts/preprocess?documentId=doc")
    stats = client.get(STATS).json()
    assert (stats["totalSize"], stats["documentsCount"], stats["oldestDocument"]) == (0, 0, None)


@pytest.fixture
def small(settings: Settings) -> Settings:
    """A store that holds about three chunks, of documents that are closed as soon as they are left."""
    return replace(settings, store_max_bytes=33_000, document_open_s=0)


@pytest.fixture
def small_client(small: Settings, maker: Maker) -> Iterator[TestClient]:
    """A client of a server with a small store."""
    app = create_app(small, open_maker=maker)
    with TestClient(app, raise_server_exceptions=False) as client:
        maker.store = app.state.store
        yield client


def test_a_job_that_does_not_fit_stops_with_the_way_out(
    small_client: TestClient, small: Settings, three_pages: bytes
) -> None:
    """GIVEN five blocks and room for three THEN the job keeps what fits, says why it stops, and nothing is half."""
    small_client.put("/api/documents/doc", content=three_pages)
    told = _make(small_client, "doc")
    assert "STORE_MAX_BYTES" in told
    assert '"failed"' in told
    assert 0 < _total(small) <= small.store_max_bytes
    assert small_client.get(STATS).json()["totalSize"] == _total(small)
    root = small.docstore_dir / "tts_cache_v1"
    assert not [path for path in root.rglob(".*") if path.is_file()]
    assert len(list(root.rglob("*.mp3"))) == len(list(root.rglob("0*.json")))


def test_a_new_document_takes_the_place_of_the_oldest_closed_one(
    small_client: TestClient, small: Settings, three_pages: bytes
) -> None:
    """GIVEN a store that one document fills WHEN another is made THEN it has its chunks, and the first none."""
    for document_id in ("first", "second"):
        small_client.put(f"/api/documents/{document_id}", content=three_pages)
        assert '"done"' in _make(small_client, document_id, pages=[1])
    assert [path.name for path in (small.docstore_dir / "tts_cache_v1").iterdir()] == ["second"]
    chunk = "/api/tts/chunk?page=1&blockIndex=0&documentId="
    assert small_client.get(f"{chunk}first").json()["code"] == "NO_CHUNK"
    assert small_client.get(f"{chunk}second").status_code == 200


def test_a_document_that_is_read_is_not_removed_for_another(
    settings: Settings, maker: Maker, three_pages: bytes, tmp_path: Path
) -> None:
    """GIVEN the same store WHEN the first was read a moment ago THEN the second job stops, and the first stays."""
    small = replace(settings, docstore_dir=tmp_path / "open", store_max_bytes=33_000, document_open_s=1800)
    app = create_app(small, open_maker=maker)
    with TestClient(app, raise_server_exceptions=False) as client:
        maker.store = app.state.store
        for document_id in ("first", "second"):
            client.put(f"/api/documents/{document_id}", content=three_pages)
        _make(client, "first", pages=[1])
        assert client.get("/api/tts/chunk?documentId=first&page=1&blockIndex=0").status_code == 200
        assert "STORE_MAX_BYTES" in _make(client, "second", pages=[1, 2])
        assert client.get("/api/tts/chunk?documentId=first&page=1&blockIndex=0").status_code == 200
    assert _total(small) <= small.store_max_bytes


def test_clearing_takes_all_chunks_and_no_document(
    client: TestClient, settings: Settings, three_pages: bytes
) -> None:
    """GIVEN chunks of two documents of three WHEN all is cleared THEN two are told, and the documents stay."""
    for document_id in ("a", "b", "unmade"):
        client.put(f"/api/documents/{document_id}", content=three_pages)
    _make(client, "a")
    _make(client, "b", pages=[1])
    assert client.post(CLEAR, json={}).json() == {"deleted": 2}
    stats = client.get(STATS).json()
    assert (stats["totalSize"], stats["documentsCount"]) == (0, 0)
    assert list((settings.docstore_dir / "tts_cache_v1").iterdir()) == []
    assert len(client.get("/api/documents").json()["documents"]) == 3
    told = client.get(f"{EVENTS}a").json()
    assert (told["job"], told["storedBytes"]) == (None, 0)
    assert client.post(CLEAR, json={}).json() == {"deleted": 0}
    assert '"done": 5' in _make(client, "a")


def test_clearing_ends_what_is_being_made(client: TestClient, maker: Maker, three_pages: bytes) -> None:
    """GIVEN two jobs at work, one of a document with chunks WHEN all is cleared THEN both end and nothing comes."""
    for document_id in ("a", "b"):
        client.put(f"/api/documents/{document_id}", content=three_pages)
    _make(client, "a", pages=[1])
    maker.gate = asyncio.Event()
    for document_id in ("a", "b"):
        client.post("/api/tts/preprocess", json={"documentId": document_id})
    state = client.app.state  # type: ignore[attr-defined]
    running = [state.jobs.running(document_id) for document_id in ("a", "b")]
    assert client.post(CLEAR, json={}).json() == {"deleted": 1}
    assert [job.progress.state for job in running] == ["failed", "failed"]
    assert (len(state.jobs), maker.active, maker.opened - maker.closed) == (0, 0, 0)
    assert client.portal is not None
    client.portal.call(maker.gate.set)
    assert client.get(STATS).json()["totalSize"] == 0
    for document_id in ("a", "b"):
        assert client.get(f"{EVENTS}{document_id}").json()["job"] is None


def test_a_job_that_begins_while_all_is_cleared_is_ended_before_its_chunks_go(
    client: TestClient, maker: Maker, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a reader who asks in between WHEN its document's turn comes THEN no job writes into what is removed."""
    client.put("/api/documents/a", content=three_pages)
    _make(client, "a", pages=[1])
    state = client.app.state  # type: ignore[attr-defined]
    maker.gate = asyncio.Event()
    asked: list[object] = []
    documents, delete = state.store.documents, state.store.delete
    at_delete: list[int] = []

    def ask_and_list() -> list[str]:
        document = state.documents.get("a")
        outline = state.documents.outline(document)
        asked.append(state.jobs.start("a", outline, {2: 1}, Voicing("openai", "tts-1", "alloy", 1.0)))
        found: list[str] = documents()
        return found

    def count_and_delete(document_id: str) -> bool:
        at_delete.append(len(state.jobs))
        gone: bool = delete(document_id)
        return gone

    monkeypatch.setattr(state.store, "documents", ask_and_list)
    monkeypatch.setattr(state.store, "delete", count_and_delete)
    assert client.post(CLEAR, json={}).json() == {"deleted": 1}
    assert (len(asked), at_delete) == (1, [0])


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_clearing_takes_an_object(client: TestClient, three_pages: bytes, body: bytes) -> None:
    """GIVEN a request that nobody meant WHEN it comes without its body THEN nothing is removed."""
    client.put("/api/documents/a", content=three_pages)
    _make(client, "a", pages=[1])
    answer = client.post(CLEAR, content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert client.get(STATS).json()["documentsCount"] == 1
