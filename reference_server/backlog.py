"""The blocks that a job still has to make: looked up in the store, then drawn one by one.

What was asked for last goes first: a reader who opens a page of a long document that is being made wants that
page now.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from reference_server.outline import Block, Outline
from reference_server.threads import run_to_end

IsStored = Callable[[Block], bool]
"""Whether a block needs no making; it waits for the disk."""


class Backlog:
    """Pages to be made, and the blocks of the page at hand: never the document's whole text.

    Attributes:
        total: the blocks of all pages ever asked for.
        found: those of them that were stored already.
        pages_done: the pages of which nothing is missing any more.
        closed: whether nothing can be added any more: all is drawn and done, or the job ends early.
    """

    def __init__(self, outline: Outline, is_stored: IsStored, notify: Callable[[], None]) -> None:
        """`notify` is called when `found` has changed."""
        self.total = self.found = self.pages_done = 0
        self.closed = False
        self._outline = outline
        self._is_stored = is_stored
        self._notify = notify
        self._asked: dict[int, int] = {}
        self._missing: dict[int, int] = {}
        self._unseen: deque[int] = deque()
        self._waiting: dict[int, Sequence[int]] = {}
        self._drawn: deque[Block] = deque()
        self._drawing = asyncio.Lock()
        self._busy = 0
        self._changed = asyncio.Event()

    @property
    def pages_total(self) -> int:
        """How many pages were ever asked for."""
        return len(self._asked)

    def add(self, pages: Mapping[int, int], again: Mapping[int, Sequence[int]]) -> None:
        """Ask for pages, given with the number of their blocks, and `again` for blocks that failed before.

        They go before all that waits. Pages that were asked for already are not looked at twice.
        """
        first: dict[int, Sequence[int]] = {}
        for page, blocks in pages.items():
            if page not in self._asked:
                self._asked[page] = blocks
                self.total += blocks
                self._unseen.append(page)
                first[page] = ()
            elif page in self._waiting:
                first[page] = self._waiting.pop(page)
        for page, indices in again.items():
            first[page] = (*first.get(page, ()), *indices)
        self._waiting = first | self._waiting
        self._changed.set()

    async def look_up(self) -> bool:
        """Look for all that is asked for in the store, and return whether any of it is missing."""
        while self._unseen:
            page = self._unseen.popleft()
            indices = await run_to_end(self._missing_of, page)
            self.found += self._asked[page] - len(indices)
            self._waiting[page] = indices
            self._missing[page] = len(indices)
            if not indices:
                del self._waiting[page]
                self._end_page(page)
            self._notify()
        return bool(self._waiting)

    async def draw(self) -> Block | None:
        """Return the next missing block, to be followed by `put_down`; None closes the backlog.

        Waits while nothing is left but others are still at work: more may be added until they are done.
        """
        async with self._drawing:
            while not self._drawn:
                if self._unseen:
                    await self.look_up()
                elif self._waiting:
                    page = next(iter(self._waiting))
                    indices = self._waiting.pop(page)
                    blocks = await run_to_end(self._outline.page, page)
                    self._drawn.extend(blocks[index] for index in indices)
                elif self._busy:
                    self._changed.clear()
                    await self._changed.wait()
                else:
                    self.closed = True
                    return None
            self._busy += 1
            return self._drawn.popleft()

    def made(self, block: Block) -> None:
        """Say that a drawn block is stored now."""
        self._missing[block.page] -= 1
        if not self._missing[block.page]:
            self._end_page(block.page)

    def put_down(self) -> None:
        """Say that a drawn block is made or has failed."""
        self._busy -= 1
        self._changed.set()

    def _end_page(self, page: int) -> None:
        del self._missing[page]
        self.pages_done += 1

    def _missing_of(self, page: int) -> tuple[int, ...]:
        blocks = self._outline.page(page)
        return tuple(block.index for block in blocks if not self._is_stored(block))
