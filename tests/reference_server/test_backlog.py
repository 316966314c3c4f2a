"""The blocks that are still to be made: each drawn once, none drawn that is stored."""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import chain
from typing import Any

from reference_server.backlog import Backlog
from reference_server.outline import Block, Outline

OUTLINE = Outline.of(["One.\n\nTwo.", "", "Three.\n\nFour."])
PAGES = {1: 2, 2: 0, 3: 2}


def _backlog(*stored: int) -> Backlog:
    return Backlog(OUTLINE, lambda block: block.ordinal in stored, lambda: None)


def _run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20))


async def _draw_all(backlog: Backlog) -> list[int]:
    drawn = []
    while (block := await backlog.draw()) is not None:
        drawn.append(block.ordinal)
        backlog.put_down()
    return drawn


def test_what_is_missing_is_drawn_in_order() -> None:
    """Stored blocks are counted and left out; when nothing is left, the backlog is closed."""

    async def scenario() -> None:
        backlog = _backlog(2)
        backlog.add(PAGES, {})
        assert await backlog.look_up() is True
        assert (backlog.total, backlog.found, backlog.closed) == (4, 1, False)
        assert await _draw_all(backlog) == [1, 3, 4]
        assert backlog.closed

    _run(scenario)


def test_nothing_missing_is_known_at_once() -> None:
    """When everything is stored, no block needs to be drawn to know it."""

    async def scenario() -> None:
        backlog = _backlog(1, 2, 3, 4)
        backlog.add(PAGES, {})
        assert await backlog.look_up() is False
        assert backlog.found == 4

    _run(scenario)


def test_pages_are_asked_for_once() -> None:
    """A page that is named again is not looked at twice."""

    async def scenario() -> None:
        backlog = _backlog()
        backlog.add({1: 2}, {})
        backlog.add({1: 2, 3: 2}, {})
        assert backlog.total == 4
        assert await _draw_all(backlog) == [1, 2, 3, 4]

    _run(scenario)


def test_what_failed_is_drawn_again() -> None:
    """Blocks given as `again` come back, without counting twice."""

    async def scenario() -> None:
        backlog = _backlog()
        backlog.add({3: 2}, {})
        first = await backlog.draw()
        assert first is not None
        backlog.add({3: 2}, {3: [0]})
        backlog.put_down()
        assert await _draw_all(backlog) == [4, 3]
        assert backlog.total == 2

    _run(scenario)


def test_it_stays_open_while_somebody_is_at_work() -> None:
    """GIVEN the last block being made WHEN more is asked for THEN whoever waits draws that."""

    async def scenario() -> None:
        backlog = _backlog()
        backlog.add({1: 2}, {})
        blocks = [await backlog.draw(), await backlog.draw()]
        assert all(isinstance(block, Block) for block in blocks)
        waiting = asyncio.create_task(backlog.draw())
        await asyncio.sleep(0)
        assert not backlog.closed
        backlog.add({3: 2}, {})
        drawn = await waiting
        assert drawn is not None
        assert drawn.ordinal == 3

    _run(scenario)


def test_all_who_wait_are_let_go_when_the_last_is_done() -> None:
    """GIVEN three who wait behind the last block WHEN it is put down THEN each gets nothing."""

    async def scenario() -> None:
        backlog = _backlog(2, 3, 4)
        backlog.add(PAGES, {})
        assert await backlog.draw() is not None
        waiting = [asyncio.create_task(backlog.draw()) for _ in range(3)]
        await asyncio.sleep(0)
        backlog.put_down()
        assert await asyncio.gather(*waiting) == [None, None, None]

    _run(scenario)


def test_many_draw_each_block_once() -> None:
    """Eight at work at the same time never get the same block, and all are drawn."""

    async def scenario() -> None:
        backlog = _backlog()
        backlog.add(PAGES, {})
        drawn = await asyncio.gather(*(_draw_all(backlog) for _ in range(8)))
        assert sorted(chain.from_iterable(drawn)) == [1, 2, 3, 4]

    _run(scenario)


def test_what_was_asked_for_last_is_drawn_first() -> None:
    """GIVEN a whole document that waits WHEN one of its pages is asked for THEN that page goes first, once."""

    async def scenario() -> None:
        outline = Outline.of(["One.", "Two.\n\nThree.", "Four.", "Five."])
        backlog = Backlog(outline, lambda _block: False, lambda: None)
        backlog.add({1: 1, 2: 2, 3: 1}, {})
        assert await backlog.look_up() is True
        backlog.add({3: 1, 4: 1}, {})
        assert await _draw_all(backlog) == [4, 5, 1, 2, 3]

    _run(scenario)


def test_what_failed_joins_what_waits_of_its_page() -> None:
    """GIVEN a page of which one block waits to be tried again WHEN another failed too THEN both are drawn, once."""

    async def scenario() -> None:
        backlog = _backlog()
        backlog.add({3: 2}, {})
        first, second = await backlog.draw(), await backlog.draw()
        assert first is not None
        assert second is not None
        backlog.add({3: 2}, {3: [0]})
        backlog.add({3: 2}, {3: [1]})
        backlog.put_down()
        backlog.put_down()
        assert await _draw_all(backlog) == [3, 4]

    _run(scenario)


async def _draw(backlog: Backlog) -> Block:
    block = await backlog.draw()
    assert block is not None
    return block


def test_a_page_is_done_when_its_last_missing_block_is_made() -> None:
    """GIVEN stored blocks and a page without any WHEN what is missing is made THEN page after page is done."""

    async def scenario() -> None:
        backlog = _backlog(2)
        backlog.add(PAGES, {})
        assert (backlog.pages_done, backlog.pages_total) == (0, 3)
        await backlog.look_up()
        done = [backlog.pages_done]
        for _ in range(3):
            backlog.made(await _draw(backlog))
            backlog.put_down()
            done.append(backlog.pages_done)
        assert done == [1, 2, 2, 3]

    _run(scenario)


def test_pages_that_are_stored_already_are_done_once() -> None:
    """GIVEN everything stored WHEN its pages are asked for again THEN they are as many as they are."""

    async def scenario() -> None:
        backlog = _backlog(1, 2, 3, 4)
        backlog.add({1: 2}, {})
        assert await backlog.look_up() is False
        assert (backlog.pages_done, backlog.pages_total) == (1, 1)
        backlog.add(PAGES, {})
        assert await backlog.look_up() is False
        assert (backlog.pages_done, backlog.pages_total) == (3, 3)

    _run(scenario)


def test_a_page_whose_block_failed_is_done_when_that_is_made_after_all() -> None:
    """GIVEN a page with a block that fails WHEN the rest is made THEN it is not done, and it is after the next try."""

    async def scenario() -> None:
        backlog = _backlog()
        backlog.add({3: 2}, {})
        failed, good = await _draw(backlog), await _draw(backlog)
        backlog.made(good)
        backlog.add({3: 2}, {3: [failed.index]})
        backlog.put_down()
        backlog.put_down()
        assert backlog.pages_done == 0
        backlog.made(await _draw(backlog))
        assert (backlog.pages_done, backlog.pages_total) == (1, 1)

    _run(scenario)


def test_pages_that_come_later_count_from_then_on() -> None:
    """GIVEN a backlog at work WHEN it is widened THEN there are more pages, and no done one is lost."""

    async def scenario() -> None:
        backlog = _backlog(3, 4)
        backlog.add({1: 2}, {})
        backlog.made(await _draw(backlog))
        backlog.add({1: 2, 3: 2}, {})
        assert (backlog.pages_done, backlog.pages_total) == (0, 2)
        backlog.made(await _draw(backlog))
        assert backlog.pages_done == 1
        backlog.put_down()
        backlog.put_down()
        assert await backlog.draw() is None
        assert (backlog.pages_done, backlog.pages_total) == (2, 2)

    _run(scenario)
