"""The sweep runs as long as the server, and survives a disk that does not."""

import asyncio
from pathlib import Path

import pytest

from reference_server.store import ChunkStore
from reference_server.sweeping import sweeping


class Waits:
    """A wait that a test ends, turn by turn."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.turns: asyncio.Queue[None] = asyncio.Queue()
        self.waiting = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        """Wait for the test."""
        self.asked.append(seconds)
        self.waiting.set()
        await self.turns.get()

    async def turn(self) -> None:
        """End this wait, and return when the next begins."""
        await self.waiting.wait()
        self.waiting.clear()
        self.turns.put_nowait(None)
        await self.waiting.wait()


def test_the_store_is_swept_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once after each wait, and no more when the server ends."""
    store = ChunkStore(tmp_path)
    swept: list[None] = []
    monkeypatch.setattr(store, "sweep", lambda: swept.append(None))

    async def serve() -> None:
        waits = Waits()
        async with sweeping(store, 60, waits):
            await waits.waiting.wait()
            assert swept == []
            await waits.turn()
            await waits.turn()
        assert waits.asked == [60, 60, 60]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(serve())
    assert len(swept) == 2


def test_a_disk_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The failure is in the log, and the next sweep comes."""
    store = ChunkStore(tmp_path)
    swept: list[None] = []

    def sweep() -> None:
        swept.append(None)
        if len(swept) == 1:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(store, "sweep", sweep)

    async def serve() -> None:
        waits = Waits()
        async with sweeping(store, 60, waits):
            await waits.turn()
            await waits.turn()

    asyncio.run(serve())
    assert len(swept) == 2
    assert "the store was not swept" in caplog.text
    assert "Input/output error" in caplog.text
