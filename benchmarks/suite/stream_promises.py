"""What must hold of open streams: how much memory each adds, and how much there is in all."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.suite.measured import Figure, Promise
from benchmarks.suite.peers import OURS

A_STREAM, IN_ALL, OPEN = "RSS a stream", "RSS in all, at most", "streams open at the server"
"""Quantities."""

MOST_KB_A_STREAM = 20.0
MOST_MB_IN_ALL = 150.0
_LEAST_OPEN = 0.99
"""Of the streams: with fewer open, nothing is said of so many."""


def setting_of(streams: int) -> str:
    """Return what the report calls so many streams."""
    return f"{streams:,} streams"


def promises_of(figures: Sequence[Figure], streams: Sequence[int]) -> tuple[Promise, ...]:
    """Return the promises on a stream with each of these numbers of them, and on all with the most.

    The worst round decides. None holds, nor fails, where not all streams were open in every round.
    """
    each = [
        _promise(
            figures,
            count,
            A_STREAM,
            MOST_KB_A_STREAM,
            f"at most {MOST_KB_A_STREAM:g} kB of RSS a stream",
            "kB",
        )
        for count in streams
    ]
    in_all = f"under {MOST_MB_IN_ALL:g} MB of RSS in all"
    return (*each, _promise(figures, max(streams), IN_ALL, MOST_MB_IN_ALL, in_all, "MB"))


def _promise(
    figures: Sequence[Figure], streams: int, quantity: str, most: float, text: str, unit: str
) -> Promise:
    text = f"{setting_of(streams)}: {text}."
    found = {
        one.quantity: one.values
        for one in figures
        if (one.subject, one.setting) == (OURS, setting_of(streams))
    }
    worst, fewest = max(found[quantity]), min(found[OPEN])
    measured = f"{worst:.1f} {unit} in the worst of {len(found[quantity])} rounds"
    if fewest < _LEAST_OPEN * streams:
        return Promise(text, f"{measured}, but only {fewest:,.0f} were open", None)
    return Promise(text, measured, worst <= most)
