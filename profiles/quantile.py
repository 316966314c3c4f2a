"""Quantiles as every figure of a verdict takes them."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import quantiles


def percentiles(values: Iterable[float], *percents: int) -> tuple[float | None, ...]:
    """Return the percentiles asked for, to a tenth; None each where there are no values.

    Of the values as given, by linear interpolation between neighbours, so that none lies outside them.
    """
    ordered = sorted(values)
    if len(ordered) < 2:
        return tuple(round(ordered[0], 1) if ordered else None for _ in percents)
    cuts = quantiles(ordered, n=100, method="inclusive")
    return tuple(round(cuts[percent - 1], 1) for percent in percents)


def percentile(values: Iterable[float], percent: int) -> float | None:
    """Return one percentile of the values, as `percentiles` does."""
    return percentiles(values, percent)[0]
