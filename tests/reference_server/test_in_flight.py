import asyncio

import pytest

from reference_server.in_flight import InFlight


class Work:
    """Work that ends when it is told to, and counts what happens to it."""

    def __init__(self) -> None:
        self.started = self.cancelled = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def do(self) -> str:
        """Wait for `go`, then return or raise."""
        self.started += 1
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return "done"


async def _waiters(flights: InFlight[str], work: Work, count: int) -> list[asyncio.Task[tuple[str, bool]]]:
    tasks = [asyncio.create_task(flights.share("key", work.do)) for _ in range(count)]
    await work.begun.wait()
    return tasks


def test_identical_work_is_done_once() -> None:
    """All who ask while work runs get its result, and only the first is not told that it was shared."""

    async def scenario() -> None:
        flights, work = InFlight[str](), Work()
        tasks = await _waiters(flights, work, 3)
        assert len(flights) == 1
        work.go.set()
        assert await asyncio.gather(*tasks) == [("done", False), ("done", True), ("done", True)]
        assert work.started == 1
        assert len(flights) == 0

    asyncio.run(scenario())


def test_one_who_leaves_does_not_stop_the_others() -> None:
    """Work goes on while anyone waits for it, even when the one who began it has gone."""

    async def scenario() -> None:
        flights, work = InFlight[str](), Work()
        first, second = await _waiters(flights, work, 2)
        first.cancel()
        work.go.set()
        assert await second == ("done", True)
        assert work.cancelled == 0

    asyncio.run(scenario())


def test_the_last_who_leaves_stops_the_work() -> None:
    """Work for nobody is cancelled, and whoever asks next starts afresh."""

    async def scenario() -> None:
        flights, work = InFlight[str](), Work()
        tasks = await _waiters(flights, work, 2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert "key" not in flights
        work.go.set()
        assert await flights.share("key", work.do) == ("done", False)
        assert (work.started, work.cancelled) == (2, 1)

    asyncio.run(scenario())


def test_a_failure_reaches_everyone_and_is_not_kept() -> None:
    """Everyone who waits sees the failure; the next who asks tries again."""

    async def scenario() -> None:
        flights, work = InFlight[str](), Work()
        work.error = LookupError("no")
        tasks = await _waiters(flights, work, 2)
        work.go.set()
        assert [type(result) for result in await asyncio.gather(*tasks, return_exceptions=True)] == [
            LookupError,
            LookupError,
        ]
        with pytest.raises(LookupError):
            await flights.share("key", work.do)
        assert work.started == 2

    asyncio.run(scenario())
