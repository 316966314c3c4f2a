"""Whether one small sample lies above another, and by how much: exact, with no assumption but that runs are alike.

The test is Mann and Whitney's (1947) on the ranks that the two samples have together. Its p value is counted, not
approximated: under "no difference" every choice of ranks for head was as likely, so p is the share of choices with
a rank sum as high as head's. Equal values share the middle of their ranks, and the count is made with just these
ranks (conditional on the ties), so p is exact with ties too. The interval of the shift is the same test turned
round (Hodges and Lehmann 1963): the shifts that it would not reject.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from statistics import median

from profiles.errors import OomproofError

MOST_RUNS = 50
"""More values a side are refused: counting all choices exactly would begin to take seconds."""


def p_higher(base: Sequence[float], head: Sequence[float]) -> float:
    """Return the exact probability that head ranks as high as it does, or higher, if both are draws of one thing.

    Raises:
        OomproofError: a side has no value, more than `MOST_RUNS`, or one that is no finite number.
    """
    _check(base, head)
    doubled = _doubled_ranks([*base, *head])
    found = sum(doubled[value] for value in head)
    ways = _ways([doubled[value] for value in (*base, *head)], len(head))
    return _ways_from(ways, found, len(base) + len(head)) / math.comb(len(base) + len(head), len(head))


def smallest_p(base_runs: int, head_runs: int) -> float:
    """Return the least p that so many runs can show: one choice of ranks is the highest."""
    return 1 / math.comb(base_runs + head_runs, head_runs)


def differences(base: Sequence[float], head: Sequence[float]) -> list[float]:
    """Return every head value minus every base value, in order.

    Raises:
        OomproofError: as `p_higher`.
    """
    _check(base, head)
    return sorted(after - before for before in base for after in head)


def shift(base: Sequence[float], head: Sequence[float]) -> float:
    """Return by how much head lies above base: the median of all pairs' differences (Hodges-Lehmann).

    Raises:
        OomproofError: as `p_higher`.
    """
    return median(differences(base, head))


def shift_interval(
    base: Sequence[float], head: Sequence[float], one_sided_alpha: float
) -> tuple[float, float]:
    """Return the lowest and the highest shift that the test does not reject, each at that level, below 0.5.

    Each end is wrong with at most that probability. It is infinite where the runs are too few to bound it. Values
    that are equal make the interval wider than it need be, never too narrow.

    Raises:
        OomproofError: as `p_higher`.
    """
    steps = differences(base, head)
    beyond = differences_beyond(len(base), len(head), one_sided_alpha)
    if not beyond:
        return -math.inf, math.inf
    return steps[beyond - 1], steps[-beyond]


@lru_cache(maxsize=1024)
def differences_beyond(base_runs: int, head_runs: int, one_sided_alpha: float) -> int:
    """Return which of the ordered differences, counted from either end, is the interval's end; 0: none is.

    Of runs that do not differ, fewer than so many differences are above zero with at most that probability.
    """
    runs = base_runs + head_runs
    ways, fewest = _ways(range(runs), head_runs), head_runs * (head_runs - 1) // 2
    allowed = one_sided_alpha * math.comb(runs, head_runs)
    as_few = beyond = 0
    while beyond < base_runs * head_runs:
        as_few += _ways_of(ways, fewest + beyond, runs)
        if as_few > allowed:
            break
        beyond += 1
    return beyond


def holm(ps: Sequence[float]) -> list[float]:
    """Return each p corrected for how many there are (Holm 1979): at most alpha, and it may be rejected at alpha.

    That any true "no difference" among them is rejected has then at most the probability alpha, whatever
    ties the figures to each other.
    """
    corrected = [0.0] * len(ps)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[index]))
        corrected[index] = highest
    return corrected


def _check(*sides: Sequence[float]) -> None:
    for values in sides:
        if not 0 < len(values) <= MOST_RUNS:
            raise OomproofError(
                f"{len(values)} values on a side: they are compared exactly, from 1 to {MOST_RUNS}. "
                "Give another --runs."
            )
        if strange := [value for value in values if not math.isfinite(value)]:
            raise OomproofError(f"{strange[0]}: is no value that can be ranked. Leave that run out.")


def _doubled_ranks(values: Sequence[float]) -> dict[float, int]:
    """Twice each value's rank, so that the middle of two ranks is a whole number too."""
    ranks, below = {}, 0
    for value, times in sorted(Counter(values).items()):
        ranks[value] = 2 * below + times + 1
        below += times
    return ranks


def _ways(ranks: Sequence[int], chosen: int) -> int:
    """In how many ways so many ranks have each sum: the counts, as the digits of one large number.

    Its base is 2 to the power of one more than the number of ranks, so no count overflows its digit. To add a rank to
    every sum is then one shift, and to add up two tables one addition.
    """
    width = len(ranks) + 1
    ways = [1] + [0] * chosen
    for rank in ranks:
        for taken in range(chosen, 0, -1):
            ways[taken] += ways[taken - 1] << (rank * width)
    return ways[chosen]


def _ways_of(ways: int, total: int, ranks: int) -> int:
    width = ranks + 1
    return (ways >> (total * width)) & ((1 << width) - 1)


def _ways_from(ways: int, total: int, ranks: int) -> int:
    """The digits from that sum on, added up: a number divided by its base less one leaves what its digits' sum does."""
    width = ranks + 1
    return (ways >> (total * width)) % ((1 << width) - 1)
