"""Bounds of a counted share, held against what is published and against the distribution itself."""

import math

import pytest

from benchmarks.gate_intervals import at_least, interval, lower, share, upper


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (0, 60, 0.0, 0.0596295),
        (1, 60, 0.0004219, 0.0893991),
        (5, 10, 0.1870860, 0.8129140),
        (20, 20, 0.8315665, 1.0),
        (0, 10, 0.0, 0.3084971),
        (81, 263, 0.2527, 0.3676),  # Newcombe 1998, table I, method 5
        (15, 148, 0.0578, 0.1617),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_bounds_are_the_published_ones(hits: int, of: int, low: float, high: float) -> None:
    """GIVEN counts whose interval is known THEN it is found."""
    assert interval(hits, of) == pytest.approx((low, high), abs=6e-5)


def test_none_of_sixty_shows_at_most_the_value_that_has_a_formula() -> None:
    """GIVEN no hit THEN the one-sided bound is 1 - 0.05^(1/n), and the two-sided one is 1 - 0.025^(1/n)."""
    found = share(0, 60)
    assert found.at_most == pytest.approx(1 - 0.05 ** (1 / 60), abs=1e-12)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 60), abs=1e-12)
    assert (found.share, found.low) == (0.0, 0.0)


@pytest.mark.parametrize(("hits", "of"), [(1, 7), (3, 7), (6, 7), (30, 10_000), (9_990, 10_000)])
def test_bounds_are_where_the_tails_are_a_fortieth(hits: int, of: int) -> None:
    """GIVEN bounds THEN just 2.5 % of the distribution at each lies as far out as what was counted."""
    low, high = interval(hits, of)
    assert low < hits / of < high
    assert at_least(hits, of, low) == pytest.approx(0.025, rel=1e-9)
    assert at_least(of - hits, of, 1 - high) == pytest.approx(0.025, rel=1e-9)


def test_a_tail_is_the_sum_of_its_terms() -> None:
    """GIVEN a small distribution THEN its tail is what its definition says."""
    terms = [math.comb(9, k) * 0.3**k * 0.7 ** (9 - k) for k in range(4, 10)]
    assert at_least(4, 9, 0.3) == pytest.approx(sum(terms), rel=1e-12)


def test_bounds_mirror_each_other() -> None:
    """GIVEN hits and misses THEN the bounds of the one are those of the other, turned round."""
    assert upper(3, 20, 0.05) == pytest.approx(1 - lower(17, 20, 0.05))
    assert lower(20, 20, 0.05) == pytest.approx(0.05 ** (1 / 20))
