"""The formula that fits how a cost follows a number: constant, a line, or a power, the simplest that does.

Sizes lie decades apart, so what is small counts as much as what is large: all deviations are relative ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, geometric_mean
from typing import Literal

Point = tuple[float, float]
"""A number of readers, chunks or pages, and the cost there."""
Form = Literal["constant", "line", "power"]

FLAT_TIMES = 1.2
"""Largest over smallest up to which a cost is called constant: what is promised of the store, within 20 %."""
FITS_WITHIN = 0.2
"""How far off, relatively, a line may be at worst before a power is tried instead."""


@dataclass(frozen=True)
class Law:
    """A formula, and how well it fits.

    Attributes:
        form: `constant` is a; `line` is a + b n; `power` is a times n to the power of b.
        a: first coefficient.
        b: second one; 0 of a constant.
        off_by: the largest relative deviation of a measured cost from it.
        points: how many numbers it was fitted to.
    """

    form: Form
    a: float
    b: float
    off_by: float
    points: int

    def at(self, n: float) -> float:
        """Return the cost at a number."""
        if self.form == "power":
            return float(self.a * n**self.b)
        return self.a + self.b * n

    @property
    def is_tested(self) -> bool:
        """Whether a number more was measured than the formula has coefficients, so that it could have failed to fit."""
        return self.points > (1 if self.form == "constant" else 2)


def fit(points: Sequence[Point]) -> Law:
    """Return the simplest formula that fits; numbers and costs are positive, and there are two numbers at least.

    Raises:
        ValueError: they are not.
    """
    if len({n for n, _ in points}) < 2 or min(min(point) for point in points) <= 0:
        raise ValueError(f"{list(points)}: a formula needs two numbers at least, and costs above 0")
    costs = [cost for _, cost in points]
    if max(costs) <= FLAT_TIMES * min(costs):
        return _law("constant", points, geometric_mean(costs), 0.0)
    line = _line(points)
    if line.off_by <= FITS_WITHIN:
        return line
    power = _power(points)
    return min(line, power, key=lambda law: law.off_by)


def _line(points: Sequence[Point]) -> Law:
    """Least squares of the relative deviations; a cost of nothing is no less than 0."""
    weights = [1 / cost**2 for _, cost in points]
    total = math.fsum(weights)
    mean_n = math.fsum(w * n for w, (n, _) in zip(weights, points, strict=True)) / total
    mean_cost = math.fsum(w * cost for w, (_, cost) in zip(weights, points, strict=True)) / total
    both = math.fsum(
        w * (n - mean_n) * (cost - mean_cost) for w, (n, cost) in zip(weights, points, strict=True)
    )
    slope = both / math.fsum(w * (n - mean_n) ** 2 for w, (n, _) in zip(weights, points, strict=True))
    start = mean_cost - slope * mean_n
    if start < 0:
        of_n = math.fsum(w * n * cost for w, (n, cost) in zip(weights, points, strict=True))
        start, slope = 0.0, of_n / math.fsum(w * n * n for w, (n, _) in zip(weights, points, strict=True))
    return _law("line", points, start, slope)


def _power(points: Sequence[Point]) -> Law:
    """Least squares of the logarithms."""
    logs = [(math.log(n), math.log(cost)) for n, cost in points]
    mean_n, mean_cost = fmean(n for n, _ in logs), fmean(cost for _, cost in logs)
    both = math.fsum((n - mean_n) * (cost - mean_cost) for n, cost in logs)
    exponent = both / math.fsum((n - mean_n) ** 2 for n, _ in logs)
    return _law("power", points, math.exp(mean_cost - exponent * mean_n), exponent)


def _law(form: Form, points: Sequence[Point], a: float, b: float) -> Law:
    law = Law(form, a, b, 0.0, len({n for n, _ in points}))
    off_by = max(abs(law.at(n) / cost - 1) for n, cost in points)
    return Law(form, a, b, off_by, law.points)
