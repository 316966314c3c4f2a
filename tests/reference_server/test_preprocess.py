"""Jobs make what is missing once, whoever asks, and end with nothing left running."""

import asyncio
import errno
import json
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from reference_server.chunk import Voicing, Wanted
from reference_server.errors import ApiError
from reference_server.job import FAILURES_IN_A_ROW, Job
from reference_server.open_documents import OpenDocuments
from reference_server.outline import Block, Outline
from reference_server.preprocess import MOST_JOBS, Jobs
from reference_server.progress import Failure, Progress
from reference_server.speech_turns import SpeechTurns
from reference_server.store import ChunkStore, Staged, StoreFullError
from reference_server.survey import survey
from reference_server.workshop import MakeChunk, OpenMaker

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
OUTLINE = Outline.of([f"Page {number} one.\n\nPage {number} two." for number in range(1, 4)])
BLOCKS = list(OUTLINE.blocks)
PAGES = {1: 2, 2: 2, 3: 2}


class Maker(Protocol):
    """What these tests use of the fake maker of conftest."""

    store: ChunkStore | None
    made: list[Block]
    failing: set[int]
    disk_error: OSError | None
    gate: asyncio.Event | None
    entered: asyncio.Event
    enough: int
    opened: int
    closed: int
    active: int
    most_active: int

    def __call__(self, turns: SpeechTurns) -> AbstractAsyncContextManager[MakeChunk]:
        """Open it for one job."""


@pytest.fixture
def store(tmp_path: Path, maker: Maker) -> ChunkStore:
    """An empty store, in which `maker` works."""
    maker.store = ChunkStore(tmp_path / "tts_cache_v1")
    return maker.store


def _jobs(store: ChunkStore, maker: OpenMaker, concurrency: int) -> Jobs:
    return Jobs(store, OpenDocuments(0), maker, concurrency)


async def _end(job: Job) -> Progress:
    last = [news async for news in job.follow()][-1]
    assert isinstance(last, Progress)
    return last


def _run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_job_makes_every_block_and_tells_how_far_it_is(store: ChunkStore, maker: Maker) -> None:
    """Progress begins before the first block, never goes back, and ends with all done."""

    async def scenario() -> None:
        job = _jobs(store, maker, 2).start("doc", OUTLINE, PAGES, VOICING)
        seen = [news async for news in job.follow() if isinstance(news, Progress)]
        assert (seen[0].state, seen[0].done, seen[0].total) == ("running", 0, 6)
        assert (seen[-1].state, seen[-1].done, seen[-1].failed) == ("done", 6, 0)
        assert (seen[0].pages_done, seen[-1].pages_done, seen[-1].pages_total) == (0, 3, 3)
        # A page is never done before its blocks are.
        assert all(2 * progress.pages_done <= progress.done for progress in seen)
        assert [progress.state for progress in seen[:-1]] == ["running"] * (len(seen) - 1)
        done = [progress.done for progress in seen]
        assert done == sorted(done)

    _run(scenario)
    assert all(store.has("doc", block, VOICING) for block in BLOCKS)
    assert survey(store, "doc", OUTLINE, Wanted()).state == "complete"
    assert (maker.opened, maker.closed) == (1, 1)


def test_upstream_is_asked_for_no_more_than_the_bound_at_once(store: ChunkStore, maker: Maker) -> None:
    """With a bound of two, two blocks are made at once, never three."""

    async def scenario() -> None:
        maker.gate, maker.enough = asyncio.Event(), 2
        job = _jobs(store, maker, 2).start("doc", OUTLINE, PAGES, VOICING)
        await maker.entered.wait()
        maker.gate.set()
        await _end(job)

    _run(scenario)
    assert maker.most_active == 2


def test_what_is_stored_is_not_made_again_and_no_aligner_starts(store: ChunkStore, maker: Maker) -> None:
    """A second job for the same blocks is done at once."""

    async def scenario() -> None:
        jobs = _jobs(store, maker, 2)
        await _end(jobs.start("doc", OUTLINE, PAGES, VOICING))
        end = await _end(jobs.start("doc", OUTLINE, PAGES, VOICING))
        assert (end.state, end.done, end.total) == ("done", 6, 6)
        assert (end.pages_done, end.pages_total) == (3, 3)

    _run(scenario)
    assert len(maker.made) == 6
    assert maker.opened == 1


def test_two_callers_share_one_job_and_may_widen_it(store: ChunkStore, maker: Maker) -> None:
    """The second caller's blocks join the first one's; what both want is made once."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = _jobs(store, maker, 2)
        first = jobs.start("doc", OUTLINE, {1: 2}, VOICING)
        await maker.entered.wait()
        second = jobs.start("doc", OUTLINE, {1: 2, 2: 2}, VOICING)
        assert second is first
        assert (first.progress.total, first.progress.pages_total) == (4, 2)
        maker.gate.set()
        assert (await _end(second)).done == 4

    _run(scenario)
    assert sorted(block.ordinal for block in maker.made) == [1, 2, 3, 4]
    assert maker.opened == 1


def test_other_settings_are_refused_while_a_job_runs(store: ChunkStore, maker: Maker) -> None:
    """Two voices would overwrite each other's files: the second has to wait for the first."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = _jobs(store, maker, 2)
        first = jobs.start("doc", OUTLINE, PAGES, VOICING)
        with pytest.raises(ApiError) as caught:
            jobs.start("doc", OUTLINE, PAGES, replace(VOICING, voice="nova"))
        assert (caught.value.status, caught.value.code) == (409, "JOB_RUNNING")
        maker.gate.set()
        await _end(first)
        assert (await _end(jobs.start("doc", OUTLINE, PAGES, replace(VOICING, voice="nova")))).done == 6

    _run(scenario)
    assert all(store.has("doc", block, replace(VOICING, voice="nova")) for block in BLOCKS)


def test_failed_blocks_are_told_one_by_one_and_tried_again_by_the_next_call(
    store: ChunkStore, maker: Maker
) -> None:
    """One bad block does not stop the others; the job names it, and the next job makes only that one."""

    async def scenario() -> None:
        jobs = _jobs(store, maker, 2)
        maker.failing = {3}
        seen = [news async for news in jobs.start("doc", OUTLINE, PAGES, VOICING).follow()]
        failure = Failure(2, 0, "The speech service said no.")
        assert [news for news in seen if isinstance(news, Failure)] == [failure]
        end = seen[-1]
        assert isinstance(end, Progress)
        assert (end.state, end.done, end.failed, end.failures) == ("failed", 5, 1, (failure,))
        assert (end.pages_done, end.pages_total) == (2, 3)
        assert end.message == "Page 2, block 0: The speech service said no."
        assert jobs.ended("doc") == end
        maker.failing = set()
        again = await _end(jobs.start("doc", OUTLINE, PAGES, VOICING))
        assert (again.state, again.done, again.failed, again.failures) == ("done", 6, 0, ())

    _run(scenario)
    assert [block.ordinal for block in maker.made].count(3) == 1
    assert len(maker.made) == 6


def test_failed_blocks_are_tried_again_by_a_call_that_joins(store: ChunkStore, maker: Maker) -> None:
    """GIVEN a job that runs on WHEN the page of a failed block is asked for again THEN it is made after all."""

    async def scenario() -> None:
        maker.failing = {1}
        jobs = _jobs(store, maker, 1)
        job = jobs.start("doc", OUTLINE, PAGES, VOICING)
        async for news in job.follow():
            if isinstance(news, Failure):
                maker.failing = set()
                assert jobs.start("doc", OUTLINE, {1: 2}, VOICING) is job
        end = job.progress
        assert (end.state, end.done, end.total, end.failed) == ("done", 6, 6, 0)
        assert (end.pages_done, end.pages_total) == (3, 3)

    _run(scenario)
    assert sorted(block.ordinal for block in maker.made) == [1, 2, 3, 4, 5, 6]


def _many(blocks: int) -> tuple[Outline, dict[int, int]]:
    return Outline.of([f"Page {number}." for number in range(1, blocks + 1)]), dict.fromkeys(
        range(1, blocks + 1), 1
    )


def test_an_upstream_that_is_down_is_not_asked_for_every_block(store: ChunkStore, maker: Maker) -> None:
    """After twenty failures in a row the job ends and says why; the rest is not tried and not called failed."""

    async def scenario() -> None:
        outline, pages = _many(FAILURES_IN_A_ROW + 10)
        maker.failing = set(pages)
        end = await _end(_jobs(store, maker, 1).start("doc", outline, pages, VOICING))
        assert (end.state, end.done, end.failed) == ("failed", 0, FAILURES_IN_A_ROW)
        assert end.message == ("The last 20 blocks all failed, so the job stops. The speech service said no.")

    _run(scenario)
    assert (maker.opened, maker.closed) == (1, 1)


def test_a_block_that_is_made_in_between_keeps_the_job_going(store: ChunkStore, maker: Maker) -> None:
    """Nineteen failures, a block made, nineteen failures: the job goes to its end."""

    async def scenario() -> None:
        outline, pages = _many(2 * FAILURES_IN_A_ROW)
        maker.failing = set(pages) - {FAILURES_IN_A_ROW, 2 * FAILURES_IN_A_ROW}
        end = await _end(_jobs(store, maker, 1).start("doc", outline, pages, VOICING))
        assert (end.state, end.done, end.failed) == ("failed", 2, 2 * FAILURES_IN_A_ROW - 2)

    _run(scenario)


def test_a_full_disk_ends_the_job(store: ChunkStore, maker: Maker) -> None:
    """A block that fails for the disk's sake stops the job, which says why; the rest is not tried."""

    async def scenario() -> None:
        maker.disk_error = OSError(errno.ENOSPC, "No space left on device")
        end = await _end(_jobs(store, maker, 1).start("doc", OUTLINE, PAGES, VOICING))
        assert (end.state, end.done) == ("failed", 0)
        assert 1 <= end.failed <= 2, "more than what was under way was tried"
        assert (end.message, end.code) == ("The store: No space left on device.", "DISK_FULL")

    _run(scenario)
    assert maker.closed == 1


def test_a_full_store_ends_the_job_and_what_was_made_stays(
    store: ChunkStore, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store's reason is passed on; the chunks made before stay, and are counted and listed."""
    stage = store.stage

    def limited(document_id: str, audio: bytes) -> Staged:
        if len(maker.made) == 2:
            raise StoreFullError("The store is full.")
        return stage(document_id, audio)

    monkeypatch.setattr(store, "stage", limited)

    async def scenario() -> None:
        end = await _end(_jobs(store, maker, 1).start("doc", OUTLINE, PAGES, VOICING))
        assert (end.state, end.done, end.message) == ("failed", 2, "The store is full.")
        assert 1 <= end.failed <= 2, "more than what was under way was tried"

    _run(scenario)
    assert survey(store, "doc", OUTLINE, Wanted()).fitting == 2


def test_a_job_outlives_those_who_follow_it(store: ChunkStore, maker: Maker) -> None:
    """GIVEN a follower WHEN it leaves THEN the job goes on to its end."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        job = _jobs(store, maker, 2).start("doc", OUTLINE, PAGES, VOICING)
        following = job.follow()
        await anext(following)
        await following.aclose()
        maker.gate.set()
        assert (await _end(job)).done == 6

    _run(scenario)


def test_stopping_leaves_nothing_running(store: ChunkStore, maker: Maker) -> None:
    """A stopped job closes its maker, tells its followers, and can be taken up again where it stopped."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = _jobs(store, maker, 2)
        job = jobs.start("doc", OUTLINE, PAGES, VOICING)
        await maker.entered.wait()
        await jobs.stop("doc")
        assert (maker.active, maker.closed) == (0, 1)
        end = await _end(job)
        assert (end.state, end.done, end.failed) == ("failed", 0, 0)
        assert "goes on where it stopped" in (end.message or "")
        assert jobs.running("doc") is None
        maker.gate.set()
        assert (await _end(jobs.start("doc", OUTLINE, PAGES, VOICING))).done == 6

    _run(scenario)


def test_cancelling_keeps_what_was_made(store: ChunkStore, maker: Maker, tmp_path: Path) -> None:
    """A cancelled job ends as such for those who follow it, is remembered, and is taken up where it stopped."""

    async def scenario() -> None:
        jobs = _jobs(store, maker, 1)
        job = jobs.start("doc", OUTLINE, PAGES, VOICING)
        following = job.follow()
        async for news in following:
            if isinstance(news, Progress) and news.done:
                break
        maker.gate = asyncio.Event()
        assert await jobs.cancel("doc") is True
        end = [news async for news in job.follow()][-1]
        assert isinstance(end, Progress)
        assert (end.state, end.done, end.failed) == ("cancelled", len(maker.made), 0)
        assert end.done >= 1
        assert jobs.ended("doc") == end
        assert (jobs.running("doc"), len(jobs)) == (None, 0)
        assert await jobs.cancel("doc") is False
        metadata = json.loads((tmp_path / "tts_cache_v1/doc/tts.meta.json").read_bytes())
        assert len(metadata["chunks"]) == end.done
        maker.gate.set()
        assert (await _end(jobs.start("doc", OUTLINE, PAGES, VOICING))).state == "done"

    _run(scenario)
    assert len(maker.made) == 6


def test_a_removal_during_a_cancellation_has_the_last_word(store: ChunkStore, maker: Maker) -> None:
    """GIVEN a job that is being cancelled WHEN its document is removed THEN nothing is written after that."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = _jobs(store, maker, 2)
        jobs.start("doc", OUTLINE, PAGES, VOICING)
        await maker.entered.wait()
        await asyncio.gather(jobs.cancel("doc"), jobs.stop("doc"))
        assert len(jobs) == 0
        assert jobs.ended("doc") is None

    _run(scenario)
    assert store.delete("doc") in (True, False)
    assert survey(store, "doc", OUTLINE, Wanted()).state == "missing"


def test_the_same_document_is_made_by_one_job_at_a_time(store: ChunkStore, maker: Maker) -> None:
    """A job that begins while the last one still closes waits for it, and then finds what that one made."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = _jobs(store, maker, 2)
        first = jobs.start("doc", OUTLINE, PAGES, VOICING)
        await maker.entered.wait()
        cancelling = asyncio.create_task(jobs.cancel("doc"))
        await asyncio.sleep(0)
        second = jobs.start("doc", OUTLINE, PAGES, replace(VOICING, voice="nova"))
        assert second is not first
        assert await cancelling is True
        maker.gate.set()
        assert (first.progress.state, (await _end(second)).state) == ("cancelled", "done")
        assert jobs.ended("doc") == second.progress

    _run(scenario)
    assert maker.most_active == 2


def test_closing_ends_all_jobs(store: ChunkStore, maker: Maker) -> None:
    """Also a job that was made a moment ago and has not begun ends, and says so."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = _jobs(store, maker, 2)
        running = jobs.start("a", OUTLINE, PAGES, VOICING)
        await maker.entered.wait()
        begun = jobs.start("b", OUTLINE, PAGES, VOICING)
        await jobs.aclose()
        ends = [await _end(job) for job in (running, begun)]
        assert [(end.state, end.code) for end in ends] == [("failed", "BROKEN_OFF")] * 2
        assert len(jobs) == 0

    _run(scenario)
    assert (maker.opened, maker.closed) == (1, 1)


def test_jobs_run_side_by_side_with_one_aligner(store: ChunkStore, maker: Maker) -> None:
    """GIVEN a document whose block takes for ever WHEN another is asked for THEN it is made meanwhile."""
    gate = asyncio.Event()

    @asynccontextmanager
    async def open_maker(turns: SpeechTurns) -> AsyncIterator[MakeChunk]:
        async def make(document_id: str, block: Block, voicing: Voicing) -> int:
            if document_id == "slow":
                await gate.wait()
            return await inner(document_id, block, voicing)

        async with maker(turns) as inner:
            yield make

    async def scenario() -> None:
        jobs = _jobs(store, open_maker, 2)
        slow = jobs.start("slow", *_many(1), VOICING)
        assert (await _end(jobs.start("doc", OUTLINE, PAGES, VOICING))).done == 6
        assert (slow.progress.state, slow.progress.done) == ("running", 0)
        gate.set()
        assert (await _end(slow)).done == 1

    _run(scenario)
    assert maker.opened <= 2
    assert maker.opened == maker.closed


def test_no_more_jobs_than_the_server_can_hold(store: ChunkStore, maker: Maker) -> None:
    """The thirty-third document is refused with a time to ask again; joining one of the others is not."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = _jobs(store, maker, 2)
        for number in range(MOST_JOBS):
            jobs.start(f"doc{number}", OUTLINE, PAGES, VOICING)
        with pytest.raises(ApiError) as caught:
            jobs.start("doc", OUTLINE, PAGES, VOICING)
        assert (caught.value.status, caught.value.code) == (503, "OVERLOADED")
        assert caught.value.headers == {"Retry-After": "30"}
        assert len(jobs) == MOST_JOBS
        jobs.start("doc0", OUTLINE, PAGES, VOICING)
        await jobs.cancel("doc1")
        jobs.start("doc", OUTLINE, PAGES, VOICING)
        await jobs.aclose()

    _run(scenario)


def test_a_job_holds_its_document_open_to_its_end(store: ChunkStore, maker: Maker) -> None:
    """The store takes no chunk of a document that is being made, however long nobody reads it."""
    documents = OpenDocuments(0)

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        job = Jobs(store, documents, maker, 2).start("doc", OUTLINE, PAGES, VOICING)
        await maker.entered.wait()
        assert documents.is_open("doc")
        maker.gate.set()
        await _end(job)
        assert not documents.is_open("doc")

    _run(scenario)


def test_a_job_leaves_one_line_at_its_start_and_one_at_its_end(
    store: ChunkStore, maker: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    """The lines name the document and the counts, also as fields."""
    caplog.set_level("INFO", logger="reference_server.preprocess")

    async def scenario() -> None:
        await _end(_jobs(store, maker, 2).start("doc", OUTLINE, PAGES, VOICING))

    _run(scenario)
    first, last = (record.__dict__ for record in caplog.records)
    assert (first["document"], first["total"]) == ("doc", 6)
    assert (last["document"], last["done"], last["failed"], last["total"]) == ("doc", 6, 0, 6)
    assert caplog.messages[0] == "doc: a job starts, 6 blocks"
    assert caplog.messages[1].startswith("doc: the job ends, 6 of 6 done, 0 failed, ")


def test_an_error_that_nobody_foresaw_ends_the_job_and_is_logged(
    store: ChunkStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A defect in what makes chunks leaves no follower waiting for ever."""

    def broken(_: SpeechTurns) -> AbstractAsyncContextManager[MakeChunk]:
        raise ZeroDivisionError

    async def scenario() -> None:
        end = await _end(_jobs(store, broken, 2).start("doc", OUTLINE, PAGES, VOICING))
        assert (end.state, end.failed) == ("failed", 0)

    _run(scenario)
    assert "ZeroDivisionError" in caplog.text


def test_chunks_made_by_a_killed_server_are_taken_over(
    store: ChunkStore, maker: Maker, tmp_path: Path
) -> None:
    """Where a kill left debris, a job removes it and makes only what is missing."""

    async def scenario() -> None:
        await _end(_jobs(store, maker, 2).start("doc", OUTLINE, {1: 2}, VOICING))
        store.stage("doc", (tmp_path / "tts_cache_v1/doc/chunks/0001__page-001__block-000.mp3").read_bytes())
        (tmp_path / "tts_cache_v1/doc/chunks/0002__page-001__block-001.json").unlink()
        await _end(_jobs(store, maker, 2).start("doc", OUTLINE, PAGES, VOICING))

    _run(scenario)
    assert sorted(block.ordinal for block in maker.made) == [1, 2, 2, 3, 4, 5, 6]
    folder = tmp_path / "tts_cache_v1" / "doc"
    assert len(list((folder / "chunks").iterdir())) == 12
    assert len(json.loads((folder / "tts.meta.json").read_bytes())["chunks"]) == 6


def test_the_disk_is_not_waited_for_on_the_loop(
    store: ChunkStore, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for what is stored runs in a thread, so that readers are served meanwhile."""
    threads = set()
    original = store.has

    def has(document_id: str, block: Block, voicing: Voicing) -> bool:
        threads.add(threading.current_thread())
        return original(document_id, block, voicing)

    monkeypatch.setattr(store, "has", has)

    async def scenario() -> None:
        await _end(_jobs(store, maker, 2).start("doc", OUTLINE, PAGES, VOICING))

    _run(scenario)
    assert threads
    assert threading.main_thread() not in threads
