import asyncio

import pytest

from reference_server.aligner_slots import AHEAD_IN_A_ROW, AlignerSlots


async def _hold(slots: AlignerSlots, go: asyncio.Event, ended: list[int], number: int) -> None:
    async with slots.turn():
        await go.wait()
        ended.append(number)


@pytest.mark.parametrize(("bound", "busy", "waiting"), [(0, 5, 0), (1, 1, 4), (5, 5, 0)])
def test_no_more_than_the_bound_are_busy(bound: int, busy: int, waiting: int) -> None:
    """0 bounds nothing; who has no place waits, in the order of asking, and both are counted."""

    async def scenario() -> None:
        slots, go, ended = AlignerSlots(bound), asyncio.Event(), list[int]()
        tasks = [asyncio.create_task(_hold(slots, go, ended, number)) for number in range(5)]
        await asyncio.wait(tasks, timeout=0.01)
        assert (slots.busy, slots.waiting) == (busy, waiting)
        go.set()
        await asyncio.gather(*tasks)
        assert (slots.busy, slots.waiting, ended) == (0, 0, [0, 1, 2, 3, 4])

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_who_leaves_takes_no_place_along() -> None:
    """Cancelled while it waits or while it is busy, a block gives back what it had."""

    async def scenario() -> None:
        slots, go, ended = AlignerSlots(1), asyncio.Event(), list[int]()
        busy, waits, last = (asyncio.create_task(_hold(slots, go, ended, number)) for number in range(3))
        await asyncio.wait([busy], timeout=0.01)
        waits.cancel()
        busy.cancel()
        await asyncio.wait([busy, waits])
        await asyncio.wait([last], timeout=0.01)
        assert (slots.busy, slots.waiting) == (1, 0)
        go.set()
        await last
        assert (slots.busy, ended) == (0, [2])

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_jobs_and_readers_take_turns() -> None:
    """GIVEN a reader's block and many of jobs' THEN eight of these go first, one after the other, and then it."""

    async def scenario() -> None:
        slots, order = AlignerSlots(2), list[str]()

        async def one(name: str, *, ahead: bool) -> None:
            async with slots.turn(ahead=ahead):
                order.append(name)
                await asyncio.sleep(0)

        async with slots.turn():  # one place is taken all the time
            ahead = [asyncio.create_task(one(f"job {n}", ahead=True)) for n in range(AHEAD_IN_A_ROW + 1)]
            await asyncio.sleep(0)
            assert (slots.busy, slots.waiting) == (2, AHEAD_IN_A_ROW)
            await asyncio.gather(asyncio.create_task(one("reader", ahead=False)), *ahead)
        assert order == [*(f"job {n}" for n in range(AHEAD_IN_A_ROW)), "reader", f"job {AHEAD_IN_A_ROW}"]

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_jobs_hold_one_place_at_most() -> None:
    """GIVEN two places and two blocks of jobs THEN the second waits, and a reader's gets the other place."""

    async def scenario() -> None:
        slots = AlignerSlots(2)
        async with slots.turn(ahead=True):
            second = asyncio.create_task(slots.turn(ahead=True).__aenter__())
            await asyncio.sleep(0)
            assert (slots.busy, slots.waiting) == (1, 1)
            async with slots.turn():
                assert (slots.busy, slots.waiting) == (2, 1)
            assert not second.done()
        await second

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_unbounded_readers_never_wait_and_jobs_still_have_one_process() -> None:
    """GIVEN no bound and a job's block WHEN others come THEN a reader's is busy at once, a job's waits and counts."""

    async def scenario() -> None:
        slots = AlignerSlots(0)
        async with slots.turn(ahead=True):
            second = asyncio.create_task(slots.turn(ahead=True).__aenter__())
            await asyncio.sleep(0)
            async with slots.turn():
                assert (slots.busy, slots.waiting) == (2, 1)
        await second
        assert (slots.busy, slots.waiting) == (1, 0)

    asyncio.run(asyncio.wait_for(scenario(), 5))


def test_a_place_is_not_given_to_who_was_just_cancelled() -> None:
    """GIVEN a place that comes free in the breath in which the next is cancelled THEN the one after gets it."""

    async def scenario() -> None:
        slots, go, ended = AlignerSlots(1), asyncio.Event(), list[int]()
        async with slots.turn():
            waits, last = (asyncio.create_task(_hold(slots, go, ended, number)) for number in (1, 2))
            await asyncio.wait([waits], timeout=0.01)
            waits.cancel()
        go.set()
        await last
        assert (slots.busy, slots.waiting, ended) == (0, 0, [2])

    asyncio.run(asyncio.wait_for(scenario(), 5))
