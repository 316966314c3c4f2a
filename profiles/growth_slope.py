"""How steeply a noisy series rises: Theil-Sen's slope of its blocks' medians, with an interval that can be believed.

A block's median takes out what is shorter than the block: the saw-tooth of a garbage collector, a child that
comes and goes. What is longer leaves neighbouring blocks alike; Sen's interval takes every point for an
independent witness and would be too narrow, so it is widened by how alike they are. How often the
interval then holds the truth is measured: `python -m benchmarks.growth`, docs/decisions/0011.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

Point = tuple[float, float]
BLOCKS = 24
"""Into so many the stretch that a slope is taken of is cut: fewer tell too little, more are too much alike."""
CONFIDENCE_Z = 2.1
"""For intervals of which 95 % hold the true slope: the normal's 1.96, and some for what the blocks' likeness, an
estimate too, gets wrong. Chosen by the measured coverage."""
MOST_ALIKE = 0.9
"""Beyond it a series has no blocks that witness apart."""


@dataclass(frozen=True)
class Slope:
    """A slope with its 95 % interval; the unit is the caller's y by the caller's x."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Slope:
        """Return it in another unit; `factor` is above zero."""
        return Slope(self.value * factor, self.low * factor, self.high * factor)


def block_medians(points: Sequence[Point], blocks: int = BLOCKS) -> list[Point]:
    """Return the medians of x and of y of `blocks` stretches with as many points each; of fewer, the points."""
    count = min(blocks, len(points))
    edges = [round(i * len(points) / count) for i in range(count + 1)] if count else []
    parts = (points[start:end] for start, end in pairwise(edges))
    return [(median(x for x, _ in part), median(y for _, y in part)) for part in parts]


def slope_of(points: Sequence[Point]) -> Slope | None:
    """Return the Theil-Sen slope with its interval; None where no two points differ in x.

    The interval is Sen's (1968), with the variance of Kendall's S times (1 + r) / (1 - r), where r is how much
    neighbouring residuals are alike: what serial correlation does to a trend test (von Storch 1995). It never
    reaches beyond the steepest pairs.
    """
    slopes = sorted(_pair_slopes(points))
    if not slopes:
        return None
    middle = median(slopes)
    n, pairs = len(points), len(slopes)
    variance = n * (n - 1) * (2 * n + 5) / 18
    alike = _alike([y - middle * x for x, y in points])
    half_width = CONFIDENCE_Z * math.sqrt(variance * (1 + alike) / (1 - alike))
    low, high = math.floor((pairs - half_width) / 2), math.ceil((pairs + half_width) / 2)
    return Slope(middle, slopes[max(0, low)], slopes[min(pairs - 1, high)])


def median_slope(points: Sequence[Point]) -> float | None:
    """Return the Theil-Sen slope alone (the median of all pairs' slopes): single peaks do not move it."""
    slopes = list(_pair_slopes(points))
    return median(slopes) if slopes else None


def _pair_slopes(points: Sequence[Point]) -> Iterator[float]:
    for i, (x_a, y_a) in enumerate(points):
        for x_b, y_b in points[i + 1 :]:
            if x_b > x_a:
                yield (y_b - y_a) / (x_b - x_a)


def _alike(residuals: Sequence[float]) -> float:
    """Return the correlation of neighbours, from 0 to `MOST_ALIKE`, without its bias in short series (Kendall 1954)."""
    mean = fmean(residuals)
    from_mean = [residual - mean for residual in residuals]
    spread = sum(value * value for value in from_mean)
    if not spread:
        return 0.0
    found = sum(a * b for a, b in pairwise(from_mean)) / spread
    return min(MOST_ALIKE, max(0.0, found + (1 + 4 * found) / len(residuals)))
