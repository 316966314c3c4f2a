import asyncio

import pytest

from reference_server.aligner_slots import AlignerSlots


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
