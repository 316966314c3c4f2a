"""The rank test: its p is counted, its size is what it says, its interval is the test turned round."""

from __future__ import annotations

import math
from itertools import combinations
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.errors import OomproofError
from profiles.gate.ranks import (
    MOST_RUNS,
    differences_beyond,
    holm,
    p_higher,
    shift,
    shift_interval,
    smallest_p,
)

few = st.lists(st.integers(-4, 4), min_size=1, max_size=5)
"""Small whole numbers, so that ties are common."""


def enumerated_p(base: list[int], head: list[int]) -> float:
    """The same by the definition: midranks of all, and every choice of as many as head has."""
    together = [*base, *head]
    ranks = [sum(other < value for other in together) + (together.count(value) + 1) / 2 for value in together]
    found = sum(ranks[len(base) :])
    sums = [sum(chosen) for chosen in combinations(ranks, len(head))]
    return sum(total >= found for total in sums) / len(sums)


@pytest.mark.parametrize(("runs", "choices"), [(3, 20), (5, 252), (6, 924), (12, 2_704_156)])
def test_samples_that_lie_apart_are_one_choice_of_all(runs: int, choices: int) -> None:
    """GIVEN head wholly above base THEN p is one in all choices of ranks; wholly below, it is 1."""
    below, above = [float(i) for i in range(runs)], [100.0 + i for i in range(runs)]
    assert p_higher(below, above) == 1 / choices == smallest_p(runs, runs)
    assert p_higher(above, below) == 1.0


def test_two_by_two_by_hand() -> None:
    """GIVEN the ranks 1 and 3 against 2 and 4 THEN two of the six choices add up to 6 or more."""
    assert p_higher([1.0, 3.0], [2.0, 4.0]) == 2 / 6


def test_ties_by_hand() -> None:
    """GIVEN 1, 2 against 2, 3 THEN the midranks are 1, 2.5, 2.5, 4 and two of the six choices reach 6.5."""
    assert p_higher([1.0, 2.0], [2.0, 3.0]) == 2 / 6


def test_equal_values_prove_nothing() -> None:
    """GIVEN one and the same value everywhere THEN every choice is as high."""
    assert p_higher([7.0] * 6, [7.0] * 6) == 1.0


@given(few, few)
def test_p_is_the_share_of_all_choices(base: list[int], head: list[int]) -> None:
    """GIVEN any samples, with ties THEN p is what enumerating every choice gives."""
    assert p_higher(base, head) == pytest.approx(enumerated_p(base, head), abs=1e-12)


@given(few, few)
def test_turning_both_round_changes_nothing(base: list[int], head: list[int]) -> None:
    """GIVEN any samples WHEN sides and signs are changed together THEN p and shift are the same."""
    mirrored_base, mirrored_head = [-value for value in head], [-value for value in base]
    assert p_higher(mirrored_base, mirrored_head) == p_higher(base, head)
    assert shift(mirrored_base, mirrored_head) == shift(base, head)


@given(few, few, st.integers(-100, 100), st.sampled_from([0.01, 0.05, 0.2]))
def test_what_is_added_to_head_is_added_to_the_shift(
    base: list[int], head: list[int], added: int, alpha: float
) -> None:
    """GIVEN any samples WHEN head is raised THEN shift and interval rise by as much."""
    raised = [value + added for value in head]
    assert shift(base, raised) == shift(base, head) + added
    assert shift_interval(base, raised, alpha) == tuple(
        end + added for end in shift_interval(base, head, alpha)
    )


@given(few, few)
def test_p_does_not_rise_with_head(base: list[int], head: list[int]) -> None:
    """GIVEN no ties WHEN head is raised THEN p is no higher."""
    spread_base = [float(value) + i / 64 for i, value in enumerate(base)]
    spread_head = [float(value) + i / 64 + 1 / 1024 for i, value in enumerate(head)]
    ps = [p_higher(spread_base, [value + added for value in spread_head]) for added in (0.0, 1.5, 3.0)]
    assert ps == sorted(ps, reverse=True)


def test_the_shift_is_the_median_of_all_differences() -> None:
    """GIVEN 1, 2, 4 against 5, 9 THEN the shift is the middle of 1, 3, 4, 5, 7, 8."""
    assert shift([1.0, 2.0, 4.0], [5.0, 9.0]) == 4.5


def test_the_interval_by_the_tables() -> None:
    """GIVEN 6 v 6 THEN U of 2 or less has 4 of 924, of 3 or less 7; so at 1 % the fourth difference is the end."""
    assert differences_beyond(6, 6, 7 / 924) == 4
    assert differences_beyond(6, 6, 6.9 / 924) == 3
    assert differences_beyond(6, 6, 0.01) == 4
    assert differences_beyond(6, 6, 1 / 924) == 1
    assert differences_beyond(6, 6, 0.9 / 924) == 0


def test_too_few_runs_bound_nothing() -> None:
    """GIVEN 3 v 3 at 1 % THEN the interval is endless on both sides; at 5 % it is not."""
    base, head = [1.0, 2.0, 3.0], [11.0, 12.0, 13.0]
    assert shift_interval(base, head, 0.01) == (-math.inf, math.inf)
    assert shift_interval(base, head, 0.05) == (8.0, 12.0)


def test_a_level_of_one_ends_where_the_differences_do() -> None:
    """GIVEN a level that allows everything THEN no difference is counted that is not there."""
    assert differences_beyond(2, 3, 1.0) == 6


@given(
    st.lists(st.integers(0, 10**6), min_size=12, max_size=12, unique=True),
    st.sampled_from([0.002, 0.01, 0.1]),
)
def test_the_interval_is_the_test_turned_round(values: list[int], alpha: float) -> None:
    """GIVEN no ties THEN the test rejects a shift just below the interval and not one just inside it."""
    base, head = values[:6], values[6:]
    low, high = shift_interval(base, head, alpha)

    def p_above(by: float) -> float:
        return p_higher(base, [value - by for value in head])

    def p_below(by: float) -> float:
        return p_higher([value - by for value in head], base)

    assert p_above(low - 0.25) <= alpha < p_above(low + 0.25)
    assert p_below(high + 0.25) <= alpha < p_below(high - 0.25)


def test_the_test_is_wrong_as_often_as_it_says() -> None:
    """GIVEN 2,000 pairs of samples of one distribution THEN p is at most 5 % in about its exact share of them."""
    draw = Random(7)
    ps = [
        p_higher([draw.expovariate(1) for _ in range(6)], [draw.expovariate(1) for _ in range(6)])
        for _ in range(2000)
    ]
    exact = 43 / 924  # P(U <= 7), the most that 5 % allows
    tolerated = 4 * math.sqrt(exact / len(ps))
    assert sum(p <= 0.05 for p in ps) / len(ps) == pytest.approx(exact, abs=tolerated)
    assert median(ps) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("step", [0.001, 1.0])
def test_each_end_misses_as_seldom_as_it_says(step: float) -> None:
    """GIVEN a true shift of 5, measured finely or in whole steps THEN each end is wrong in at most its 5 %."""
    draw, missed_low, missed_high, times = Random(11), 0, 0, 2000
    for _ in range(times):
        base = [round(draw.gauss(0, 2) / step) * step for _ in range(6)]
        head = [round(draw.gauss(5, 2) / step) * step for _ in range(6)]
        low, high = shift_interval(base, head, 0.05)
        missed_low, missed_high = missed_low + (low > 5), missed_high + (high < 5)
    assert max(missed_low, missed_high) / times <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / times)


def test_holm_by_hand() -> None:
    """GIVEN four p values THEN the least is multiplied by 4, the next by 3, and none falls below one before it."""
    assert holm([0.03, 0.005, 0.02, 0.9]) == pytest.approx([0.06, 0.02, 0.06, 0.9])
    assert holm([0.01, 0.01]) == [0.02, 0.02]
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_only_raises_and_keeps_the_order(ps: list[float]) -> None:
    """GIVEN any p values THEN each corrected one is no smaller, at most 1, and in the order of the raw ones."""
    corrected = holm(ps)
    assert all(raw <= one <= 1 for raw, one in zip(ps, corrected, strict=True))
    by_p = [one for _, one in sorted(zip(ps, corrected, strict=True))]
    assert by_p == sorted(by_p)


@pytest.mark.parametrize(
    ("base", "head", "named"),
    [
        ([], [1.0], "0 values"),
        ([1.0], [1.0] * (MOST_RUNS + 1), "51 values"),
        ([1.0, math.nan], [1.0], "nan"),
        ([1.0], [math.inf], "inf"),
    ],
)
def test_what_cannot_be_ranked_is_named(base: list[float], head: list[float], named: str) -> None:
    """GIVEN no values, too many, or one that is no number THEN the error names it and what to do."""
    for compare in (p_higher, shift):
        with pytest.raises(OomproofError, match=rf"^{named}.*\. (Give|Leave)"):
            compare(base, head)


def test_the_most_runs_are_counted_too() -> None:
    """GIVEN as many runs as are allowed, lying apart THEN p is still exact."""
    assert p_higher(range(MOST_RUNS), range(100, 100 + MOST_RUNS)) == smallest_p(MOST_RUNS, MOST_RUNS)
