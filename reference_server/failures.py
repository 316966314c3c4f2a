"""The blocks of a job that could not be made: which ones failed last, and which are still wanting."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from itertools import islice

from reference_server.outline import Block
from reference_server.progress import Failure

_TOLD = 100
_KEPT = 500
"""A follower who lags behind by more failures than this is told the others by their number only."""
_MESSAGE_CHARS = 300


class Failures:
    """Failed blocks, each counted once however often it is tried; `in_a_row` since the last one made."""

    def __init__(self) -> None:
        self.in_a_row = 0
        self._wanting: dict[tuple[int, int], Failure] = {}
        self._latest: deque[Failure] = deque(maxlen=_KEPT)
        self._ever = 0

    def __len__(self) -> int:
        return len(self._wanting)

    def add(self, block: Block, message: str) -> Failure:
        """Count a block as failed."""
        failure = Failure(block.page, block.index, message[:_MESSAGE_CHARS])
        self._wanting[block.page, block.index] = failure
        self._latest.append(failure)
        self._ever += 1
        self.in_a_row += 1
        return failure

    def take(self, pages: Container[int]) -> dict[int, list[int]]:
        """Forget the failed blocks of some pages, to try them again; return their indices by page."""
        taken: dict[int, list[int]] = {}
        for page, index in self._wanting:
            if page in pages:
                taken.setdefault(page, []).append(index)
        for page, indices in taken.items():
            for index in indices:
                del self._wanting[page, index]
        return taken

    def last(self) -> tuple[Failure, ...]:
        """Return the last hundred that are still wanting, the newest at the end."""
        return tuple(islice(reversed(self._wanting.values()), _TOLD))[::-1]

    def since(self, told: int) -> tuple[list[Failure], int]:
        """Return what failed after the first `told` failures, and how many there have been in all."""
        new = min(self._ever - told, len(self._latest))
        return list(self._latest)[len(self._latest) - new :], self._ever
