"""How costs follow a number of readers, streams, chunks or pages, as a result has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.suite.growth_fit import Law, Point, fit
from benchmarks.suite.result import Value
from benchmarks.suite.settings import counted

OURS = ("oomproof", "cached")
"""Whose growth is told: this project's, as it is meant to run."""


@dataclass(frozen=True)
class Series:
    """One quantity over a number.

    Attributes:
        case: its title.
        subject: whose.
        quantity: of what.
        unit: in what.
        word: of what the number is: `reader`, `chunk`, `page`.
        points: the median at each number, the smallest number first.
        ranges: smallest and largest of the rounds there.
    """

    case: str
    subject: str
    quantity: str
    unit: str
    word: str
    points: tuple[Point, ...]
    ranges: tuple[tuple[float, float], ...]

    @property
    def law(self) -> Law:
        """The formula that fits the medians."""
        return fit(self.points)


def series_of(value: Value) -> Iterator[Series]:
    """Yield every quantity of ours that was measured at two numbers or more, in the result's order."""
    for case in value["cases"]:
        found: dict[tuple[str, str, str, str], list[tuple[float, Value]]] = {}
        for one in case["figures"]:
            number = counted(one["setting"])
            if number is not None and one["subject"] in OURS and one["low"] > 0 and _is_cost(one):
                key = (one["subject"], one["quantity"], one["unit"], number[1])
                found.setdefault(key, []).append((number[0], one))
        for (subject, quantity, unit, word), those in found.items():
            if len({n for n, _ in those}) > 1:
                those.sort(key=lambda pair: pair[0])
                points = tuple((n, one["median"]) for n, one in those)
                ranges = tuple((one["low"], one["high"]) for _, one in those)
                yield Series(case["title"], subject, quantity, unit, word, points, ranges)


def _is_cost(one: Value) -> bool:
    """A bare number that is no share of a core counts something, such as the streams that were open."""
    return one["unit"] != "1" or any(word in one["quantity"] for word in ("CPU", "core"))
