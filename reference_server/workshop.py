"""Where the chunks of all jobs are made: one maker for all, so many blocks at once, their turns at the speech API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from reference_server.chunk import Voicing
from reference_server.errors import ServerError
from reference_server.outline import Block
from reference_server.rates import RateMeter
from reference_server.speech_turns import SpeechTurns

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

OpenMaker = Callable[[SpeechTurns], AbstractAsyncContextManager[MakeChunk]]
"""Opens what makes chunks: an aligner process that ends with the context. May raise GenerationError.

It speaks with the upstream in these turns only.
"""


class Workshop:
    """What the jobs of a server share, so that their number does not multiply what they cost.

    At most `concurrency` requests are at the speech API at once, and as many blocks more are timed and stored
    meanwhile: else the API would wait for our aligner. Jobs are served in turn, block by block: each has no more
    than these in the queue, which is first come, first served.
    """

    def __init__(self, open_maker: OpenMaker, concurrency: int) -> None:
        self.concurrency = concurrency
        self.blocks_at_once = 2 * concurrency
        self.meter = RateMeter()
        self._open_maker = open_maker
        self._slots = asyncio.Semaphore(self.blocks_at_once)
        self._turns = SpeechTurns(concurrency)
        self._opening = asyncio.Lock()
        self._users = 0
        self._maker: tuple[MakeChunk, AsyncExitStack] | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[MakeChunk]:
        """Give what makes chunks; its maker is opened for the first user and closed after the last.

        Raises:
            GenerationError: the maker cannot be opened.
        """
        async with self._opening:
            if self._maker is None:
                stack = AsyncExitStack()
                self._maker = await stack.enter_async_context(self._open_maker(self._turns)), stack
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
        assert self._maker is not None
        make, _ = self._maker
        with self.meter.making() as making:
            try:
                size_bytes = await make(document_id, block, voicing)
            except UpstreamBusyError as busy:
                self._turns.pause(busy.retry_after_s)
                raise
            making.made(len(block.text), size_bytes)
        return size_bytes
