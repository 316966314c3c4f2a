"""One job by itself: what its followers see, what the disk does to it, what it leaves behind."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from reference_server.chunk import Voicing
from reference_server.errors import ApiError
from reference_server.job import Job
from reference_server.outline import Block, Outline
from reference_server.pages_file import PagesWriter
from reference_server.progress import Failure, Progress
from reference_server.speech_turns import SpeechTurns
from reference_server.store import ChunkStore, StoreFullError
from reference_server.workshop import MakeChunk, Workshop

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
OUTLINE = Outline.of(["One.", "Two.", "Three."])
PAGES = {1: 1, 2: 1, 3: 1}


class Maker(Protocol):
    """What these tests use of the fake maker of conftest."""

    store: ChunkStore | None
    made: list[Block]
    failing: set[int]

    def __call__(self, turns: SpeechTurns) -> AbstractAsyncContextManager[MakeChunk]:
        """Open it for one job."""


@pytest.fixture
def store(tmp_path: Path, maker: Maker) -> ChunkStore:
    """An empty store, in which `maker` works."""
    maker.store = ChunkStore(tmp_path / "tts_cache_v1")
    return maker.store


def _job(store: ChunkStore) -> Job:
    job = Job("doc", OUTLINE, VOICING, store)
    job.add(PAGES)
    return job


def _run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


async def _to_end(job: Job, maker: Maker) -> Progress:
    await job.run(Workshop(maker, 1))
    job.end()
    return job.progress


def test_who_comes_late_is_told_of_every_failure(store: ChunkStore, maker: Maker) -> None:
    """A follower who joins at the end gets the failed blocks first, then the end."""
    maker.failing = {1, 3}

    async def scenario() -> None:
        job = _job(store)
        await _to_end(job, maker)
        failures = [Failure(page, 0, "The speech service said no.") for page in (1, 3)]
        assert [news async for news in job.follow()] == [*failures, job.progress]

    _run(scenario)


def test_the_metadata_is_there_before_the_end(
    store: ChunkStore, maker: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GIVEN a long job WHEN the server is killed in it THEN tts.meta.json tells of the chunks before that."""
    listed: list[int] = []
    stage = store.stage

    def look_and_stage(document_id: str, audio: bytes) -> Any:
        path = tmp_path / "tts_cache_v1" / "doc" / "tts.meta.json"
        listed.append(len(json.loads(path.read_bytes())["chunks"]) if path.exists() else 0)
        return stage(document_id, audio)

    monkeypatch.setattr(store, "stage", look_and_stage)

    async def scenario() -> None:
        assert (await _to_end(_job(store), maker)).state == "done"

    _run(scenario)
    assert listed == [0, 0, 1]  # the second is spoken while the first is listed


def test_a_page_that_cannot_be_read_ends_the_job_with_its_reason(
    store: ChunkStore, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage on the disk is told as every other route tells it, and chunks made before it stay."""
    page = Outline.page

    def damaged(outline: Outline, number: int) -> tuple[Block, ...]:
        if number == 2 and maker.made:
            raise ApiError(500, "DOCUMENT_DAMAGED", "Its pages are damaged.")
        return page(outline, number)

    monkeypatch.setattr(Outline, "page", damaged)

    async def scenario() -> None:
        end = await _to_end(_job(store), maker)
        assert (end.state, end.done, end.failed) == ("failed", 1, 0)
        assert end.message == "Its pages are damaged."

    _run(scenario)


def test_a_job_that_ended_keeps_no_file_open(store: ChunkStore, maker: Maker, tmp_path: Path) -> None:
    """GIVEN a document on disk WHEN its job has ended THEN its file is closed, though the job is still held."""
    path = tmp_path / "pages.bin"
    with path.open("wb") as file:
        writer = PagesWriter(file)
        for block in OUTLINE.blocks:
            writer.add([block.text])
        writer.finish()
    job = Job("doc", Outline.open(path, "doc"), VOICING, store)
    job.add(PAGES)

    async def scenario() -> None:
        assert _descriptors_of(path) == 1
        assert (await _to_end(job, maker)).state == "done"
        assert _descriptors_of(path) == 0

    _run(scenario)


def _descriptors_of(path: Path) -> int:
    return [link.resolve() for link in Path("/proc/self/fd").iterdir()].count(path.resolve())


def test_what_is_listed_is_not_listed_again(
    store: ChunkStore, maker: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GIVEN chunks that are all there WHEN they are asked for THEN tts.meta.json is written only if it is gone."""
    rebuilt: list[str] = []
    rebuild = store.rebuild_metadata

    def count_and_rebuild(document_id: str, voicing: Voicing) -> None:
        rebuilt.append(document_id)
        rebuild(document_id, voicing)

    async def scenario() -> None:
        await _to_end(_job(store), maker)
        monkeypatch.setattr(store, "rebuild_metadata", count_and_rebuild)
        assert (await _to_end(_job(store), maker)).state == "done"
        assert rebuilt == []
        metadata = tmp_path / "tts_cache_v1" / "doc" / "tts.meta.json"
        metadata.unlink()
        assert (await _to_end(_job(store), maker)).state == "done"
        assert (rebuilt, len(json.loads(metadata.read_bytes())["chunks"])) == (["doc"], 3)

    _run(scenario)


@pytest.mark.parametrize("method", ["rebuild_metadata", "rebuild_metadata_if_due"])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (StoreFullError("The store is full."), "The store is full."),
        (OSError(5, "Bad disk"), "The store: Bad disk."),
    ],
)
def test_chunks_without_a_list_are_no_success(
    store: ChunkStore,
    maker: Maker,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    error: Exception,
    message: str,
) -> None:
    """Where the metadata cannot be written the job has failed and says why; no block has."""

    def full(_document_id: str, _voicing: Voicing) -> None:
        raise error

    monkeypatch.setattr(store, method, full)

    async def scenario() -> None:
        end = await _to_end(_job(store), maker)
        assert (end.state, end.failed, end.message) == ("failed", 0, message)
        assert end.done >= 1

    _run(scenario)


def test_a_job_that_stops_is_closed_at_once(store: ChunkStore, maker: Maker) -> None:
    """GIVEN a job that gives up WHEN its maker is still closing THEN nothing can be added to it any more."""
    job = _job(store)
    open_at_close: list[bool] = []

    class Closing:
        def __init__(self, _: SpeechTurns) -> None: ...

        async def __aenter__(self) -> MakeChunk:
            return self._make

        async def __aexit__(self, *_: object) -> None:
            open_at_close.append(job.is_open)

        async def _make(self, _document_id: str, _block: Block, _voicing: Voicing) -> int:
            raise StoreFullError("The store is full.")

    async def scenario() -> None:
        await job.run(Workshop(Closing, 1))

    _run(scenario)
    assert open_at_close == [False]
