"""Turns at the speech API for the blocks that are made ahead: so many requests at once, and one pause for all."""

from __future__ import annotations

import asyncio
from asyncio import sleep
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LONGEST_PAUSE_S = 60.0
"""An upstream that asks for more is asked again after this, as long as a call may take anyway."""


class SpeechTurns:
    """At most `at_once` turns, first come, first served; none begins during a pause."""

    def __init__(self, at_once: int) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._pauses: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and have it until the block ends."""
        async with self._slots:
            while self._pauses:
                await asyncio.wait(self._pauses)
            yield

    def pause(self, seconds: float) -> None:
        """Let nobody begin a turn for so long, a minute at most."""
        pause = asyncio.create_task(_wait(min(seconds, LONGEST_PAUSE_S)))
        self._pauses.add(pause)
        pause.add_done_callback(self._pauses.discard)


async def _wait(seconds: float) -> None:
    await sleep(seconds)
