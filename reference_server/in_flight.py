"""Identical work in flight, done once for everyone who asks for it meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

_V = TypeVar("_V")


@dataclass
class _Flight(Generic[_V]):
    task: asyncio.Task[_V]
    waiters: int = 0


class InFlight(Generic[_V]):
    """Work by key, running now; its length is how many pieces of work that is."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[_V]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def __contains__(self, key: str) -> bool:
        return key in self._flights

    async def share(self, key: str, work: Callable[[], Coroutine[Any, Any, _V]]) -> tuple[_V, bool]:
        """Return what `work` returns, and whether it was already running for someone else.

        A failure reaches everyone who waits. A waiter who is cancelled leaves the work to the others; when
        the last one leaves, the work is cancelled, and whoever asks next starts afresh.
        """
        joined = key in self._flights
        if not joined:
            self._flights[key] = _Flight(asyncio.create_task(work()))
        flight = self._flights[key]
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task), joined
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 or flight.task.done():
                flight.task.cancel()
                if self._flights.get(key) is flight:
                    del self._flights[key]
