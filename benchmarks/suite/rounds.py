"""What is measured round by round, and whose turn it is in each."""

from collections.abc import Sequence
from typing import TypeVar

from benchmarks.suite.measured import Figure

_T = TypeVar("_T")
Key = tuple[str, str, str, str]
"""Subject, setting, quantity, unit."""


class Rounds:
    """Values of each quantity, as they come, one each round."""

    def __init__(self) -> None:
        self._values: dict[Key, list[float]] = {}

    def add(self, subject: str, setting: str, quantity: str, unit: str, value: float) -> None:
        """Add the value of a round that comes next."""
        self._values.setdefault((subject, setting, quantity, unit), []).append(value)

    def figures(self) -> tuple[Figure, ...]:
        """Return a figure of each: those of a quantity together, in it those of a setting, as they were first seen."""
        quantities = list(dict.fromkeys(quantity for _, _, quantity, _ in self._values))
        settings = list(dict.fromkeys(setting for _, setting, _, _ in self._values))
        ordered = sorted(self._values, key=lambda key: (quantities.index(key[2]), settings.index(key[1])))
        return tuple(Figure(*key, tuple(self._values[key])) for key in ordered)


def in_turn(subjects: Sequence[_T], number: int) -> list[_T]:
    """Return the order of a round: each begins one of as many, and every second goes backwards.

    So none always comes first, and none always right after the same other.
    """
    first = number // 2 % len(subjects)
    order = [*subjects[first:], *subjects[:first]]
    return order[::-1] if number % 2 else order
