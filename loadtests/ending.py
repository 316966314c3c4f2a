"""The end of the upstream, which nothing that waits there may outlast."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import TypeVar

from starlette.exceptions import HTTPException

_Result = TypeVar("_Result")


class Ending:
    """Whether the upstream is ending, and waits that end with it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def begin(self) -> None:
        """End: whoever waits here goes on at once."""
        self._event.set()

    async def before(self, work: Coroutine[object, object, _Result]) -> _Result:
        """Return what the work returns.

        Raises:
            HTTPException: 503, the end came first.
        """
        working = asyncio.create_task(work)
        try:
            await self.or_first(working)
            if not self._event.is_set():
                return await working
        finally:
            working.cancel()
        raise HTTPException(503, "The upstream is ending.")

    async def or_first(self, other: Awaitable[object], within_s: float | None = None) -> bool:
        """Wait for the end, for another task, or so many seconds; return whether one of the two came."""
        ending = asyncio.create_task(self._event.wait())
        try:
            done, _ = await asyncio.wait(
                {ending, asyncio.ensure_future(other)}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED
            )
            return bool(done)
        finally:
            ending.cancel()
