"""What the making of chunks has cost lately: bytes a character, seconds a block."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_WEIGHT = 0.1
"""Of the newest block in the means: about the last twenty blocks decide, so a slower upstream soon shows."""


@dataclass(frozen=True)
class Rates:
    """Exponentially weighted means.

    `block_s` is how long one block takes while others are made beside it, `every_s` how long after the one before
    it is done.
    """

    bytes_per_character: float
    block_s: float
    every_s: float


class RateMeter:
    """Measures what blocks cost, from the server's start on."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rates: Rates | None = None
        self._under_way = 0
        self._shared_s = 0.0
        """The time in which blocks were under way, each moment divided by how many: what one of them took of it."""
        self._looked_t = clock()

    @property
    def rates(self) -> Rates | None:
        """The means so far, or None before the first block."""
        return self._rates

    @contextmanager
    def making(self) -> Iterator[Making]:
        """Count a block as under way until the `with` ends."""
        self._share()
        self._under_way += 1
        try:
            yield Making(self, self._looked_t, self._shared_s)
        finally:
            self._share()
            self._under_way -= 1

    def add(self, newest: Rates) -> None:
        """Take one block more into the means."""
        if self._rates is None:
            self._rates = newest
            return
        self._rates = Rates(
            _mean(self._rates.bytes_per_character, newest.bytes_per_character),
            _mean(self._rates.block_s, newest.block_s),
            _mean(self._rates.every_s, newest.every_s),
        )

    def since(self, began_t: float, shared_s: float) -> tuple[float, float]:
        """Return the seconds since a block began, and its share of them."""
        self._share()
        return self._looked_t - began_t, self._shared_s - shared_s

    def _share(self) -> None:
        now = self._clock()
        if self._under_way:
            self._shared_s += (now - self._looked_t) / self._under_way
        self._looked_t = now


class Making:
    """One block that is under way."""

    def __init__(self, meter: RateMeter, began_t: float, shared_s: float) -> None:
        self._meter = meter
        self._began = began_t, shared_s

    def made(self, characters: int, size_bytes: int) -> None:
        """It is done: a block of so many characters, whose MP3 has so many bytes."""
        block_s, every_s = self._meter.since(*self._began)
        self._meter.add(Rates(size_bytes / characters, block_s, every_s))


def _mean(before: float, newest: float) -> float:
    return before + _WEIGHT * (newest - before)
