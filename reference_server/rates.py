"""What the making of chunks has cost lately: bytes a character, seconds a block."""

from __future__ import annotations

from dataclasses import dataclass

_WEIGHT = 0.1
"""Of the newest block in the means: about the last twenty blocks decide, so a slower upstream soon shows."""


@dataclass(frozen=True)
class Rates:
    """Exponentially weighted means; `block_s` is how long one block takes while others are made beside it."""

    bytes_per_character: float
    block_s: float


class RateMeter:
    """Measures what blocks cost, from the server's start on."""

    def __init__(self) -> None:
        self._rates: Rates | None = None

    @property
    def rates(self) -> Rates | None:
        """The means so far, or None before the first block."""
        return self._rates

    def add(self, characters: int, size_bytes: int, seconds: float) -> None:
        """Count a block of so many characters, whose MP3 has so many bytes and took so long."""
        newest = Rates(size_bytes / characters, seconds)
        if self._rates is None:
            self._rates = newest
            return
        self._rates = Rates(
            _mean(self._rates.bytes_per_character, newest.bytes_per_character),
            _mean(self._rates.block_s, newest.block_s),
        )


def _mean(before: float, newest: float) -> float:
    return before + _WEIGHT * (newest - before)
