"""The one bound on how many blocks are timed at once, live ones and those made ahead together."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

AHEAD_IN_A_ROW = 8
"""So many blocks of jobs go before a live one that waits: about as long as it takes (half a second against 4 s).

The times of a block made ahead serve all later readers, those of a live one a single reader. In the order of
asking, eight live blocks would go before each of a job's, and readers in hybrid mode never come to its chunks.
"""


class AlignerSlots:
    """Places for blocks whose words are being timed; with a bound of 0 there is always one more for a reader.

    Jobs and readers take turns (`AHEAD_IN_A_ROW`); among themselves, the first come is the first served.
    Jobs hold one place at most, whatever the bound, for they have one process.
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._busy = self._ahead_busy = self._ahead_in_a_row = 0
        self._live = deque[asyncio.Future[None]]()
        self._ahead = deque[asyncio.Future[None]]()

    @property
    def busy(self) -> int:
        """How many blocks are being timed now, each by one process at a time."""
        return self._busy

    @property
    def waiting(self) -> int:
        """How many blocks wait for a place now; unbounded, only those of jobs."""
        return len(self._live) + len(self._ahead)

    @asynccontextmanager
    async def turn(self, *, ahead: bool = False) -> AsyncIterator[None]:
        """Wait for a place, and hold it; `ahead` for a job's block."""
        await self._wait(ahead=ahead)
        try:
            yield
        finally:
            self._give_back(ahead=ahead)

    async def _wait(self, *, ahead: bool) -> None:
        queue = self._ahead if ahead else self._live
        place = asyncio.get_running_loop().create_future()
        queue.append(place)
        self._hand_out()
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                with suppress(ValueError):
                    queue.remove(place)
            else:  # handed out and cancelled in the same breath
                self._give_back(ahead=ahead)
            raise

    def _hand_out(self) -> None:
        while not self.bound or self._busy < self.bound:
            ahead = self._is_jobs_turn()
            queue = self._ahead if ahead else self._live
            if not queue:
                return
            place = queue.popleft()
            if not place.cancelled():  # who was cancelled just now has not run yet
                self._take(ahead=ahead)
                place.set_result(None)

    def _is_jobs_turn(self) -> bool:
        if not self._ahead or self._ahead_busy:
            return False
        return not self._live or self._ahead_in_a_row < AHEAD_IN_A_ROW

    def _take(self, *, ahead: bool) -> None:
        self._busy += 1
        self._ahead_busy += ahead
        self._ahead_in_a_row = self._ahead_in_a_row + 1 if ahead else 0

    def _give_back(self, *, ahead: bool) -> None:
        self._busy -= 1
        self._ahead_busy -= ahead
        self._hand_out()
