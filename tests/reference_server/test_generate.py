"""One chunk made ahead: spoken, aligned, stored; or nothing of it left behind."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from reference_server import generate
from reference_server.aligner_programs import AlignerError
from reference_server.aligner_slots import AlignerSlots
from reference_server.chunk import Voicing
from reference_server.errors import ServerError
from reference_server.generate import open_chunk_maker
from reference_server.outline import Block
from reference_server.settings import Settings
from reference_server.speech import Speech, SpeechError, SpeechRequest
from reference_server.speech_turns import SpeechTurns
from reference_server.store import ChunkStore, Staged
from reference_server.words import WordTime
from reference_server.workshop import GenerationError, UpstreamBusyError

BLOCK = Block(1, 0, 1, "Hello there.")
VOICING = Voicing("openai", "tts-1", "alloy", 1.5)


class FakeSpeech(Speech):
    """An upstream that answers with what a test says."""

    def __init__(self, answer: bytes | SpeechError) -> None:
        self.answer = answer
        self.asked: list[SpeechRequest] = []

    async def synthesize(self, request: SpeechRequest, api_key: str | None = None) -> bytes:
        """Answer or fail."""
        self.asked.append(request)
        if isinstance(self.answer, SpeechError):
            raise self.answer
        return self.answer


class FakeWorker:
    """An aligner that finds one word, unless it is broken."""

    broken = False
    seen: Sequence[tuple[str, bytes]] = ()
    closed = False

    def __init__(self, _settings: Settings, _slots: AlignerSlots) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        type(self).closed = True

    async def align(self, text: str, mp3_path: Path) -> list[WordTime]:
        """Find the first word, in a file that is there in whole."""
        type(self).seen = [*self.seen, (text, await asyncio.to_thread(mp3_path.read_bytes))]
        if self.broken:
            raise AlignerError("no words")
        return [WordTime("Hello", 0.1, 0.4, 0, 5)]


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> type[FakeWorker]:
    """The aligner in the place of the real one."""

    class Worker(FakeWorker):
        pass

    monkeypatch.setattr(generate, "block_aligner", Worker)
    return Worker


def _make(tmp_path: Path, speech: Speech) -> ChunkStore:
    store = ChunkStore(tmp_path)

    async def scenario() -> None:
        async with open_chunk_maker(Settings(), speech, store, AlignerSlots(0), SpeechTurns(4)) as make:
            await make("doc", BLOCK, VOICING)

    asyncio.run(scenario())
    return store


def test_a_chunk_is_spoken_aligned_and_stored(tmp_path: Path, mp3: bytes, worker: type[FakeWorker]) -> None:
    """Upstream is asked with the job's settings, the aligner gets the whole MP3, both results are stored."""
    speech = FakeSpeech(mp3)
    chunk = _make(tmp_path, speech).find("doc", BLOCK)
    assert speech.asked == [SpeechRequest("Hello there.", "alloy", 1.5, "tts-1")]
    assert list(worker.seen) == [("Hello there.", mp3)]
    assert worker.closed
    assert chunk is not None
    word = {"text": "Hello", "startSec": 0.1, "endSec": 0.4, "charStart": 0, "charEnd": 5}
    assert chunk.timings == {
        "alignments": [{"sentence": "Hello there.", "sentenceIndex": 0, "words": [word]}]
    }
    assert len(list((tmp_path / "doc" / "chunks").iterdir())) == 2


@pytest.mark.parametrize("answer", [SpeechError(429, "Too many."), b"", b"<html>"])
def test_without_speech_there_is_no_chunk(
    tmp_path: Path, worker: type[FakeWorker], answer: bytes | SpeechError
) -> None:
    """An upstream that refuses or sends no MP3 fails the block; the aligner is not bothered."""
    with pytest.raises(GenerationError):
        _make(tmp_path, FakeSpeech(answer))
    assert list(worker.seen) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("answer", "retry_after_s"),
    [
        (SpeechError(429, "Too many.", 7.0), 7.0),
        (SpeechError(429, "Too many."), None),
        (SpeechError(502, "Restarting.", 2.0), 2.0),
        (SpeechError(504, "Too slow."), None),
        (SpeechError(502, "Down."), None),
    ],
)
def test_only_a_refusal_with_a_time_is_worth_waiting_for(
    tmp_path: Path, worker: type[FakeWorker], answer: SpeechError, retry_after_s: float | None
) -> None:
    """A failure that says when to come back is passed on with that; everything else fails the block."""
    with pytest.raises(GenerationError) as caught:
        _make(tmp_path, FakeSpeech(answer))
    assert getattr(caught.value, "retry_after_s", None) == retry_after_s
    assert isinstance(caught.value, UpstreamBusyError) == (retry_after_s is not None)
    assert list(worker.seen) == []


def test_without_timings_there_is_no_chunk(tmp_path: Path, mp3: bytes, worker: type[FakeWorker]) -> None:
    """Audio without its timings would send every reader to the live aligner: it is not stored."""
    worker.broken = True
    with pytest.raises(GenerationError, match="no words") as caught:
        _make(tmp_path, FakeSpeech(mp3))
    assert isinstance(caught.value, ServerError)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_who_is_cancelled_while_its_mp3_goes_to_disk_leaves_none(
    tmp_path: Path, mp3: bytes, worker: type[FakeWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN an MP3 on its way to the disk WHEN the job is cancelled THEN it is removed once it is there."""
    store = ChunkStore(tmp_path)
    begun, go_on = threading.Event(), threading.Event()
    stage = store.stage

    def staging(document_id: str, audio: bytes) -> Staged:
        begun.set()
        go_on.wait()
        return stage(document_id, audio)

    monkeypatch.setattr(store, "stage", staging)

    async def scenario() -> None:
        async with open_chunk_maker(
            Settings(), FakeSpeech(mp3), store, AlignerSlots(0), SpeechTurns(4)
        ) as make:
            making = asyncio.ensure_future(make("doc", BLOCK, VOICING))
            await asyncio.to_thread(begun.wait)
            making.cancel()
            await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await making

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert list(worker.seen) == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert store.stats().size_bytes == 0


def test_a_model_that_went_is_the_job_s_failure(tmp_path: Path, mp3: bytes) -> None:
    """A model's folder that was emptied since the start ends the job with its reason, as any failure does."""

    async def scenario() -> None:
        settings = Settings(aligner_model=tmp_path)
        async with open_chunk_maker(
            settings, FakeSpeech(mp3), ChunkStore(tmp_path / "store"), AlignerSlots(0), SpeechTurns(4)
        ):
            pass

    with pytest.raises(GenerationError, match="ALIGNER_MODEL"):
        asyncio.run(scenario())
