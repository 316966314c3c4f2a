"""What all jobs share: one maker, a bound on the blocks at once, and a pause when the upstream asks for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import pytest

from reference_server.chunk import Voicing
from reference_server.outline import Block
from reference_server.speech_turns import LONGEST_PAUSE_S, SpeechTurns
from reference_server.workshop import (
    TRIES,
    GenerationError,
    MakeChunk,
    UpstreamBusyError,
    Workshop,
)

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)


def _block(ordinal: int) -> Block:
    return Block(1, ordinal - 1, ordinal, "Some words.")


class Bench:
    """A maker that notes what it makes, refuses while it has refusals left, and waits at its gate."""

    def __init__(self) -> None:
        self.opened = self.closed = self.active = self.most_active = self.begun = self.most_begun = 0
        self.made: list[str] = []
        self.refusals: list[float] = []
        self.refused = 0
        self.gate: asyncio.Event | None = None
        self.aligner: asyncio.Event | None = None
        self.broken = False
        self.entered = asyncio.Event()

    @asynccontextmanager
    async def __call__(self, turns: SpeechTurns) -> AsyncIterator[MakeChunk]:
        """Open it."""
        if self.broken:
            raise GenerationError("No model.")
        self.opened += 1
        await asyncio.sleep(0)
        try:
            yield partial(self._take_turn, turns)
        finally:
            await asyncio.sleep(0)
            self.closed += 1

    async def _take_turn(self, turns: SpeechTurns, document_id: str, _block: Block, _voicing: Voicing) -> int:
        self.begun += 1
        self.most_begun = max(self.most_begun, self.begun)
        try:
            async with turns.turn():
                size_bytes = await self._make(document_id)
            await (self.aligner.wait() if self.aligner else asyncio.sleep(0))
            return size_bytes
        finally:
            self.begun -= 1

    async def _make(self, document_id: str) -> int:
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        self.entered.set()
        try:
            await (self.gate.wait() if self.gate else asyncio.sleep(0))
            if self.refusals:
                self.refused += 1
                raise UpstreamBusyError("Too many.", self.refusals.pop(0))
            self.made.append(document_id)
            return 1100
        finally:
            self.active -= 1


@pytest.fixture
def bench() -> Bench:
    """What makes chunks in these tests."""
    return Bench()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The lengths of the pauses, which take no time here."""
    lengths: list[float] = []

    async def sleep(seconds: float) -> None:
        lengths.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr("reference_server.speech_turns.sleep", sleep)
    return lengths


def _run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_the_bound_is_one_for_all_jobs(bench: Bench) -> None:
    """Two jobs with three blocks each have two in the making, never three."""

    async def job(workshop: Workshop) -> None:
        async with workshop.opened() as make:
            await asyncio.gather(*(make("doc", _block(n), VOICING) for n in (1, 2, 3)))

    async def scenario() -> None:
        workshop = Workshop(bench, 2)
        await asyncio.gather(job(workshop), job(workshop))

    _run(scenario)
    assert (bench.most_active, len(bench.made)) == (2, 6)


def test_the_upstream_is_asked_while_blocks_wait_for_the_aligner(bench: Bench) -> None:
    """GIVEN a slow aligner WHEN two blocks are spoken THEN two more are meanwhile, and not a fifth."""

    async def scenario() -> None:
        bench.aligner = asyncio.Event()
        workshop = Workshop(bench, 2)
        async with workshop.opened() as make:
            blocks = [asyncio.ensure_future(make("doc", _block(n), VOICING)) for n in range(1, 7)]
            for _ in range(50):
                await asyncio.sleep(0)
            assert (len(bench.made), bench.begun, bench.active) == (4, 4, 0)
            bench.aligner.set()
            await asyncio.gather(*blocks)

    _run(scenario)
    assert (bench.most_active, bench.most_begun, len(bench.made)) == (2, 4, 6)


def test_jobs_are_served_in_turn(bench: Bench) -> None:
    """A job with few blocks does not wait behind all blocks of one with many."""

    async def job(name: str, blocks: int, make: MakeChunk) -> None:
        for ordinal in range(1, blocks + 1):
            await make(name, _block(ordinal), VOICING)

    async def scenario() -> None:
        workshop = Workshop(bench, 1)
        async with workshop.opened() as make:
            await asyncio.gather(job("long", 20, make), job("short", 3, make))

    _run(scenario)
    assert bench.made.index("short") <= 1
    assert bench.made[:6].count("short") == 3


def test_the_maker_opens_with_the_first_job_and_closes_with_the_last(bench: Bench) -> None:
    """Jobs that overlap share one aligner; none is left when nobody works, and the next job has a new one."""

    async def scenario() -> None:
        workshop = Workshop(bench, 1)
        async with workshop.opened():
            async with workshop.opened() as make:
                assert bench.opened == 1
            assert bench.closed == 0
            await make("doc", _block(1), VOICING)
        assert bench.closed == 1
        async with AsyncExitStack() as stack:
            await asyncio.gather(*(stack.enter_async_context(workshop.opened()) for _ in range(3)))
            assert (bench.opened, bench.closed) == (2, 1)
        assert bench.closed == 2

    _run(scenario)


def test_a_job_that_is_broken_off_closes_the_maker(bench: Bench) -> None:
    """However often it is cancelled, the last job's end takes the aligner with it, and the slot is free."""

    async def scenario() -> None:
        bench.gate = asyncio.Event()
        workshop = Workshop(bench, 1)

        async def job() -> None:
            async with workshop.opened() as make:
                await make("doc", _block(1), VOICING)

        task = asyncio.create_task(job())
        await bench.entered.wait()
        task.cancel()
        await asyncio.wait([task])
        assert (bench.closed, bench.active) == (1, 0)
        bench.gate.set()
        await job()

    _run(scenario)
    assert bench.made == ["doc"]


def test_a_maker_that_does_not_open_leaves_nothing(bench: Bench) -> None:
    """The failure is the job's that wanted it; the next job tries again."""

    async def scenario() -> None:
        workshop = Workshop(bench, 1)
        bench.broken = True
        with pytest.raises(GenerationError, match="No model"):
            async with workshop.opened():
                pass
        bench.broken = False
        async with workshop.opened() as make:
            await make("doc", _block(1), VOICING)

    _run(scenario)
    assert (bench.opened, bench.closed) == (1, 1)


def test_a_refused_block_is_tried_again_after_the_pause(bench: Bench, pauses: list[float]) -> None:
    """Three refusals are waited out as the upstream says, at most a minute each; then the block is made."""
    bench.refusals = [2.0, 3600.0, LONGEST_PAUSE_S]

    async def scenario() -> None:
        async with Workshop(bench, 1).opened() as make:
            assert await make("doc", _block(1), VOICING) == 1100

    _run(scenario)
    assert pauses == [2.0, 60.0, 60.0]
    assert bench.made == ["doc"]


def test_a_block_that_is_refused_for_the_fourth_time_has_failed(bench: Bench, pauses: list[float]) -> None:
    """Then the refusal is its failure, and the pause is still for all others."""
    bench.refusals = [1.0] * TRIES

    async def scenario() -> None:
        async with Workshop(bench, 1).opened() as make:
            with pytest.raises(UpstreamBusyError, match="Too many"):
                await make("doc", _block(1), VOICING)
            await make("doc", _block(2), VOICING)

    _run(scenario)
    assert (bench.refused, len(pauses)) == (4, 4)


def test_nobody_asks_during_a_pause(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a refusal WHEN other jobs have blocks to make THEN they wait for the end of the pause too."""
    over = asyncio.Event()
    sleeping = asyncio.Event()

    async def sleep(_seconds: float) -> None:
        sleeping.set()
        await over.wait()

    monkeypatch.setattr("reference_server.speech_turns.sleep", sleep)
    bench.refusals = [30.0]

    async def scenario() -> None:
        async with Workshop(bench, 2).opened() as make:
            first = asyncio.ensure_future(make("a", _block(1), VOICING))
            await sleeping.wait()
            second = asyncio.ensure_future(make("b", _block(2), VOICING))
            for _ in range(20):
                await asyncio.sleep(0)
            assert (bench.made, bench.active, bench.refused) == ([], 0, 1)
            over.set()
            await asyncio.gather(first, second)

    _run(scenario)
    assert sorted(bench.made) == ["a", "b"]


def test_what_blocks_cost_is_measured(bench: Bench, pauses: list[float]) -> None:
    """Bytes and seconds of the blocks made are known afterwards; a refused try counts for nothing."""
    bench.refusals = [1.0]

    async def scenario() -> None:
        workshop = Workshop(bench, 1)
        before = workshop.meter.rates
        async with workshop.opened() as make:
            await make("doc", _block(1), VOICING)
        rates = workshop.meter.rates
        assert before is None
        assert rates is not None
        assert rates.bytes_per_character == 100
        assert rates.block_s >= rates.every_s >= 0

    _run(scenario)
    assert pauses == [1.0]
