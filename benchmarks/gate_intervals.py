"""Between which bounds a share lies that was counted: exact, from the binomial distribution alone."""

import math
from dataclasses import dataclass

LEVEL = 0.95
_HALVINGS = 60
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True)
class Share:
    """So many of so many, and the bounds between which the true share lies (Clopper and Pearson 1934).

    Attributes:
        hits: how many.
        of: of how many.
        share: of it.
        low: the lower bound, 95 % two-sided.
        high: the upper bound.
        at_most: the upper bound alone, 95 % one-sided: what "none of 60" shows at most.
    """

    hits: int
    of: int
    share: float
    low: float
    high: float
    at_most: float


def share(hits: int, of: int) -> Share:
    """Return the share of at least one try, with its bounds."""
    low, high = interval(hits, of)
    return Share(hits, of, hits / of, low, high, upper(hits, of, 1 - LEVEL))


def interval(hits: int, of: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the two-sided interval of Clopper and Pearson: it holds the truth at least as often as `level`."""
    beyond = (1 - level) / 2
    return lower(hits, of, beyond), upper(hits, of, beyond)


def lower(hits: int, of: int, beyond: float) -> float:
    """Return the share at which as many hits, or more, would be seen with the probability `beyond`."""
    low, high = 0.0, hits / of
    for _ in range(_HALVINGS if hits else 0):
        half = (low + high) / 2
        low, high = (low, half) if at_least(hits, of, half) > beyond else (half, high)
    return low if hits < of else beyond ** (1 / of)


def upper(hits: int, of: int, beyond: float) -> float:
    """Return the share at which as few hits, or fewer, would be seen with the probability `beyond`."""
    return 1 - lower(of - hits, of, beyond)


def at_least(hits: int, of: int, probability: float) -> float:
    """Return how probable as many hits or more are; `probability` is that of one, above 0 and at most `hits / of`.

    Up to there each term is smaller than the one before, so the sum may end with the first that adds nothing.
    """
    term = math.exp(
        math.lgamma(of + 1) - math.lgamma(hits + 1) - math.lgamma(of - hits + 1)
        + hits * math.log(probability) + (of - hits) * math.log1p(-probability)
    )  # fmt: skip
    odds, total = probability / (1 - probability), 0.0
    for found in range(hits, of + 1):
        total += term
        term *= odds * (of - found) / (found + 1)
        if term <= total * _NEGLIGIBLE:
            break
    return total
