"""The one bound on how many blocks are timed at once, live ones and those made ahead together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class AlignerSlots:
    """Places for blocks whose words are being timed; with a bound of 0 there is always one more.

    Who waits gets the next free place in the order of asking, a reader's block and a job's alike.
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._busy = self._waiting = 0
        self._free = asyncio.Semaphore(bound)

    @property
    def busy(self) -> int:
        """How many blocks are being timed now, each by one process at a time."""
        return self._busy

    @property
    def waiting(self) -> int:
        """How many blocks wait for a place now."""
        return self._waiting

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place, and hold it."""
        if self.bound:
            await self._wait()
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1
            if self.bound:
                self._free.release()

    async def _wait(self) -> None:
        self._waiting += 1
        try:
            await self._free.acquire()
        finally:
            self._waiting -= 1
