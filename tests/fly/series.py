"""Series of samples, and the little of Prometheus's query language that picks some of them: `name{label="value"}`."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

Labels = Mapping[str, str]

MOST_POINTS = 11_000
"""A range that has more on its grid is refused, as Prometheus does."""

_SELECTOR = re.compile(r"\s*(?P<name>[a-zA-Z_:][\w:]*)?\s*(?:\{(?P<matchers>[^{}]*)\})?\s*")
_MATCHER = re.compile(
    r"""\s*(?P<label>\w+)\s*(?P<how>=~|!~|!=|=)\s*(?P<quote>["'])(?P<value>.*?)(?P=quote)\s*(?:,|$)"""
)
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "=": lambda wanted, found: wanted == found,
    "!=": lambda wanted, found: wanted != found,
    "=~": lambda wanted, found: re.fullmatch(wanted, found) is not None,
    "!~": lambda wanted, found: re.fullmatch(wanted, found) is None,
}


class QueryError(Exception):
    """A query or a range that cannot be answered; the message says why."""


@dataclass
class _Series:
    labels: dict[str, str]
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def at(self, t: float, lookback_s: float) -> float | None:
        """Return the newest value at `t`, no older than `lookback_s`."""
        found = bisect.bisect_right(self.times, t) - 1
        return self.values[found] if found >= 0 and self.times[found] > t - lookback_s else None


class SeriesStore:
    """Keeps samples and answers queries; a sample is looked back at for `lookback_s`."""

    def __init__(self, lookback_s: float) -> None:
        self._lookback_s = lookback_s
        self._series: dict[tuple[tuple[str, str], ...], _Series] = {}

    def add(self, name: str, labels: Labels, t: float, value: float) -> None:
        """Keep one sample; times of a series never go back."""
        named = {"__name__": name, **labels}
        series = self._series.setdefault(tuple(sorted(named.items())), _Series(named))
        series.times.append(t)
        series.values.append(float(value))

    def query_range(self, query: str, start: float, end: float, step: float, newest: float) -> list[object]:
        """Return the matrix of a range query; nothing after `newest` is known yet.

        Raises:
            QueryError: the query is none that is understood here, or the range is none.
        """
        if not (step > 0 and start <= end):
            raise QueryError("zero or negative query resolution step, or an end before the start")
        if (end - start) / step > MOST_POINTS:
            raise QueryError(f"exceeded maximum resolution of {MOST_POINTS} points per timeseries")
        grid = [start + index * step for index in range(math.floor((end - start) / step) + 1)]
        matrix: list[object] = []
        for series in self._picked(query):
            found = ((t, series.at(t, self._lookback_s)) for t in grid if t <= newest)
            values = [[_plain(t), _written(value)] for t, value in found if value is not None]
            if values:
                matrix.append({"metric": series.labels, "values": values})
        return matrix

    def _picked(self, query: str) -> Iterator[_Series]:
        matchers = _matchers(query)
        for series in self._series.values():
            if all(matches(series.labels.get(label, "")) for label, matches in matchers):
                yield series


def _written(value: float) -> str:
    """Return a value as Prometheus writes it."""
    return str(int(value)) if value.is_integer() else repr(value)


def _plain(t: float) -> float:
    return int(t) if t == int(t) else round(t, 3)


def _matchers(query: str) -> list[tuple[str, Callable[[str], bool]]]:
    match = _SELECTOR.fullmatch(query)
    if match is None or not (match["name"] or match["matchers"]):
        raise QueryError(f"parse error: the stand-in knows selectors only, not {query!r}")
    found: list[tuple[str, Callable[[str], bool]]] = []
    if match["name"]:
        found.append(("__name__", match["name"].__eq__))
    rest = match["matchers"] or ""
    while rest.strip():
        part = _MATCHER.match(rest)
        if part is None:
            raise QueryError(f"parse error: unexpected {rest!r} in label matching")
        found.append((part["label"], _matching(part["how"], part["value"])))
        rest = rest[part.end() :]
    return found


def _matching(how: str, wanted: str) -> Callable[[str], bool]:
    matches = _MATCHES[how]
    return lambda found: matches(wanted, found)
