"""Where the chunks of all jobs are made: one maker for all, so many blocks at once, one pause for all."""

from __future__ import annotations

import asyncio
import logging
from asyncio import sleep
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from reference_server.chunk import Voicing
from reference_server.errors import ServerError
from reference_server.outline import Block
from reference_server.rates import RateMeter

LONGEST_PAUSE_S = 60.0
"""An upstream that asks for more is asked again after this, as long as a call may take anyway."""

TRIES = 4
"""How often a block is tried whose speech is refused for being too much: once, and three times again."""

_log = logging.getLogger(__name__)


class GenerationError(ServerError):
    """The chunk of one block could not be made; the others may still be."""


class UpstreamBusyError(GenerationError):
    """The upstream refuses for a while: `retry_after_s` is how long, in seconds."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


MakeChunk = Callable[[str, Block, Voicing], Awaitable[int]]
"""Makes and stores one block's chunk with its timings; returns the bytes of its MP3.

Raises GenerationError; StoreFullError or OSError where the store or its disk take no more.
"""

OpenMaker = Callable[[], AbstractAsyncContextManager[MakeChunk]]
"""Opens what makes chunks: an aligner process that ends with the context. May raise GenerationError."""


class Workshop:
    """What the jobs of a server share, so that their number does not multiply what they cost.

    At most `concurrency` blocks are made at once. Jobs are served in turn, block by block: each has no more
    than `concurrency` blocks in the queue, which is first come, first served.
    """

    def __init__(self, open_maker: OpenMaker, concurrency: int) -> None:
        self.concurrency = concurrency
        self.meter = RateMeter()
        self._open_maker = open_maker
        self._slots = asyncio.Semaphore(concurrency)
        self._opening = asyncio.Lock()
        self._users = 0
        self._maker: tuple[MakeChunk, AsyncExitStack] | None = None
        self._pauses: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[MakeChunk]:
        """Give what makes chunks; its maker is opened for the first user and closed after the last.

        Raises:
            GenerationError: the maker cannot be opened.
        """
        async with self._opening:
            if self._maker is None:
                stack = AsyncExitStack()
                self._maker = await stack.enter_async_context(self._open_maker()), stack
            self._users += 1
        try:
            yield self._make
        finally:
            # No lock here: a server that ends cancels twice, and the second would leave the maker open.
            self._users -= 1
            if not self._users:
                (_, stack), self._maker = self._maker, None
                await stack.aclose()

    async def _make(self, document_id: str, block: Block, voicing: Voicing) -> int:
        async with self._slots:
            for _ in range(TRIES - 1):
                try:
                    return await self._try(document_id, block, voicing)
                except UpstreamBusyError as busy:
                    _log.info("%s", busy)
            return await self._try(document_id, block, voicing)

    async def _try(self, document_id: str, block: Block, voicing: Voicing) -> int:
        while self._pauses:
            await asyncio.wait(self._pauses)
        assert self._maker is not None
        make, _ = self._maker
        clock = asyncio.get_running_loop().time
        started_t = clock()
        try:
            size_bytes = await make(document_id, block, voicing)
        except UpstreamBusyError as busy:
            self._pause(busy.retry_after_s)
            raise
        self.meter.add(len(block.text), size_bytes, clock() - started_t)
        return size_bytes

    def _pause(self, seconds: float) -> None:
        pause = asyncio.create_task(_wait(min(seconds, LONGEST_PAUSE_S)))
        self._pauses.add(pause)
        pause.add_done_callback(self._pauses.discard)


async def _wait(seconds: float) -> None:
    await sleep(seconds)
