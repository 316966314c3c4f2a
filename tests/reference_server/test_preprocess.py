"""Jobs make what is missing once, whoever asks, and end with nothing left running."""

import asyncio
import errno
import json
import threading
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from reference_server.chunk import Voicing, Wanted
from reference_server.errors import ApiError
from reference_server.job import Job, MakeChunk, Progress
from reference_server.outline import Block, Outline
from reference_server.preprocess import Jobs
from reference_server.store import ChunkStore

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
OUTLINE = Outline.of([f"Page {number} one.\n\nPage {number} two." for number in range(1, 4)])
BLOCKS = list(OUTLINE.blocks)


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

    def __call__(self) -> AbstractAsyncContextManager[MakeChunk]:
        """Open it for one job."""


@pytest.fixture
def store(tmp_path: Path, maker: Maker) -> ChunkStore:
    """An empty store, in which `maker` works."""
    maker.store = ChunkStore(tmp_path / "tts_cache_v1")
    return maker.store


async def _end(job: Job) -> Progress:
    return [progress async for progress in job.follow()][-1]


def _run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_a_job_makes_every_block_and_tells_how_far_it_is(store: ChunkStore, maker: Maker) -> None:
    """Progress begins before the first block, never goes back, and ends with all done."""

    async def scenario() -> None:
        job = Jobs(store, maker, 2).start("doc", OUTLINE, BLOCKS, VOICING)
        seen = [progress async for progress in job.follow()]
        assert (seen[0].state, seen[0].done, seen[0].total) == ("running", 0, 6)
        assert (seen[-1].state, seen[-1].done, seen[-1].failed) == ("done", 6, 0)
        assert [progress.state for progress in seen[:-1]] == ["running"] * (len(seen) - 1)
        done = [progress.done for progress in seen]
        assert done == sorted(done)

    _run(scenario)
    assert all(store.has("doc", block, VOICING) for block in BLOCKS)
    assert store.survey("doc", OUTLINE, Wanted()).state == "complete"
    assert (maker.opened, maker.closed) == (1, 1)


def test_upstream_is_asked_for_no_more_than_the_bound_at_once(store: ChunkStore, maker: Maker) -> None:
    """With a bound of two, two blocks are made at once, never three."""

    async def scenario() -> None:
        maker.gate, maker.enough = asyncio.Event(), 2
        job = Jobs(store, maker, 2).start("doc", OUTLINE, BLOCKS, VOICING)
        await maker.entered.wait()
        maker.gate.set()
        await _end(job)

    _run(scenario)
    assert maker.most_active == 2


def test_what_is_stored_is_not_made_again_and_no_aligner_starts(store: ChunkStore, maker: Maker) -> None:
    """A second job for the same blocks is done at once."""

    async def scenario() -> None:
        jobs = Jobs(store, maker, 2)
        await _end(jobs.start("doc", OUTLINE, BLOCKS, VOICING))
        end = await _end(jobs.start("doc", OUTLINE, BLOCKS, VOICING))
        assert (end.state, end.done, end.total) == ("done", 6, 6)

    _run(scenario)
    assert len(maker.made) == 6
    assert maker.opened == 1


def test_two_callers_share_one_job_and_may_widen_it(store: ChunkStore, maker: Maker) -> None:
    """The second caller's blocks join the first one's; what both want is made once."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = Jobs(store, maker, 2)
        first = jobs.start("doc", OUTLINE, BLOCKS[:2], VOICING)
        await maker.entered.wait()
        second = jobs.start("doc", OUTLINE, BLOCKS[1:5], VOICING)
        assert second is first
        assert first.progress.total == 5
        maker.gate.set()
        assert (await _end(second)).done == 5

    _run(scenario)
    assert sorted(block.ordinal for block in maker.made) == [1, 2, 3, 4, 5]
    assert maker.opened == 1


def test_other_settings_are_refused_while_a_job_runs(store: ChunkStore, maker: Maker) -> None:
    """Two voices would overwrite each other's files: the second has to wait for the first."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = Jobs(store, maker, 2)
        first = jobs.start("doc", OUTLINE, BLOCKS, VOICING)
        with pytest.raises(ApiError) as caught:
            jobs.start("doc", OUTLINE, BLOCKS, replace(VOICING, voice="nova"))
        assert (caught.value.status, caught.value.code) == (409, "JOB_RUNNING")
        maker.gate.set()
        await _end(first)
        assert (await _end(jobs.start("doc", OUTLINE, BLOCKS, replace(VOICING, voice="nova")))).done == 6

    _run(scenario)
    assert all(store.has("doc", block, replace(VOICING, voice="nova")) for block in BLOCKS)


def test_failed_blocks_are_counted_and_tried_again_by_the_next_call(store: ChunkStore, maker: Maker) -> None:
    """One bad block does not stop the others; the job names it, and the next job makes only that one."""

    async def scenario() -> None:
        jobs = Jobs(store, maker, 2)
        maker.failing = {3}
        end = await _end(jobs.start("doc", OUTLINE, BLOCKS, VOICING))
        assert (end.state, end.done, end.failed) == ("failed", 5, 1)
        assert end.message == "Page 2, block 0: The speech service said no."
        assert jobs.ended("doc") == end
        maker.failing = set()
        again = await _end(jobs.start("doc", OUTLINE, BLOCKS, VOICING))
        assert (again.state, again.done, again.failed) == ("done", 6, 0)

    _run(scenario)
    assert [block.ordinal for block in maker.made].count(3) == 1
    assert len(maker.made) == 6


def test_a_full_disk_ends_the_job(store: ChunkStore, maker: Maker) -> None:
    """A block that fails for the disk's sake stops the job, which says why; the rest counts as failed."""

    async def scenario() -> None:
        maker.disk_error = OSError(errno.ENOSPC, "No space left on device")
        end = await _end(Jobs(store, maker, 1).start("doc", OUTLINE, BLOCKS, VOICING))
        assert (end.state, end.done, end.failed) == ("failed", 0, 6)
        assert end.message == "The store: No space left on device."

    _run(scenario)
    assert maker.closed == 1


def test_a_job_outlives_those_who_follow_it(store: ChunkStore, maker: Maker) -> None:
    """GIVEN a follower WHEN it leaves THEN the job goes on to its end."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        job = Jobs(store, maker, 2).start("doc", OUTLINE, BLOCKS, VOICING)
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
        jobs = Jobs(store, maker, 2)
        job = jobs.start("doc", OUTLINE, BLOCKS, VOICING)
        await maker.entered.wait()
        await jobs.stop("doc")
        assert (maker.active, maker.closed) == (0, 1)
        end = await _end(job)
        assert (end.state, end.failed) == ("failed", 6)
        assert "goes on where it stopped" in (end.message or "")
        assert jobs.running("doc") is None
        maker.gate.set()
        assert (await _end(jobs.start("doc", OUTLINE, BLOCKS, VOICING))).done == 6

    _run(scenario)


def test_closing_ends_jobs_that_have_not_begun(store: ChunkStore, maker: Maker) -> None:
    """Also a job that still waits for its turn, or was made a moment ago, ends and says so."""

    async def scenario() -> None:
        maker.gate = asyncio.Event()
        jobs = Jobs(store, maker, 2)
        running = jobs.start("a", OUTLINE, BLOCKS, VOICING)
        await maker.entered.wait()
        waiting = jobs.start("b", OUTLINE, BLOCKS, VOICING)
        await jobs.aclose()
        assert [(await _end(job)).state for job in (running, waiting)] == ["failed", "failed"]

    _run(scenario)
    assert (maker.opened, maker.closed) == (1, 1)


def test_one_aligner_at_a_time_for_all_documents(store: ChunkStore, maker: Maker) -> None:
    """Two documents' jobs come one after the other, so that memory holds one aligner."""

    async def scenario() -> None:
        maker.gate, maker.enough = asyncio.Event(), 2
        jobs = Jobs(store, maker, 2)
        started = [jobs.start(name, OUTLINE, BLOCKS, VOICING) for name in ("a", "b")]
        await maker.entered.wait()
        assert maker.opened == 1
        maker.gate.set()
        assert [(await _end(job)).done for job in started] == [6, 6]

    _run(scenario)
    assert maker.opened == maker.closed == 2
    assert maker.most_active == 2


def test_an_error_that_nobody_foresaw_ends_the_job_and_is_logged(
    store: ChunkStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A defect in what makes chunks leaves no follower waiting for ever."""

    def broken() -> AbstractAsyncContextManager[MakeChunk]:
        raise ZeroDivisionError

    async def scenario() -> None:
        end = await _end(Jobs(store, broken, 2).start("doc", OUTLINE, BLOCKS, VOICING))
        assert (end.state, end.failed) == ("failed", 6)

    _run(scenario)
    assert "ZeroDivisionError" in caplog.text


def test_chunks_made_by_a_killed_server_are_taken_over(
    store: ChunkStore, maker: Maker, tmp_path: Path
) -> None:
    """Where a kill left debris, a job removes it and makes only what is missing."""

    async def scenario() -> None:
        await _end(Jobs(store, maker, 2).start("doc", OUTLINE, BLOCKS[:3], VOICING))
        store.stage("doc", (tmp_path / "tts_cache_v1/doc/chunks/0001__page-001__block-000.mp3").read_bytes())
        (tmp_path / "tts_cache_v1/doc/chunks/0002__page-001__block-001.json").unlink()
        await _end(Jobs(store, maker, 2).start("doc", OUTLINE, BLOCKS, VOICING))

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
        await _end(Jobs(store, maker, 2).start("doc", OUTLINE, BLOCKS, VOICING))

    _run(scenario)
    assert threads
    assert threading.main_thread() not in threads
