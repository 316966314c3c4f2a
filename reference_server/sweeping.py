"""The sweep that keeps the store at its limit while the server runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from reference_server.store import ChunkStore
from reference_server.threads import run_to_end

_log = logging.getLogger(__name__)

Wait = Callable[[float], Awaitable[None]]


@asynccontextmanager
async def sweeping(store: ChunkStore, every_s: float, wait: Wait = asyncio.sleep) -> AsyncIterator[None]:
    """Sweep the store every `every_s` seconds while the context is open; a sweep under way is ended first."""
    task = asyncio.create_task(_sweep(store, every_s, wait))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _sweep(store: ChunkStore, every_s: float, wait: Wait) -> None:
    while True:
        await wait(every_s)
        try:
            await run_to_end(store.sweep)
        except OSError:  # a disk that fails now may not the next time
            _log.exception("the store was not swept")
