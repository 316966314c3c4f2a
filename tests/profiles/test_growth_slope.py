"""The slope of a noisy series, and an interval that holds the truth as often as it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.growth_slope import BLOCKS, Slope, block_medians, median_slope, slope_of

LINE = [(float(x), 3.0 * x + 7.0) for x in range(40)]
heights = st.lists(st.integers(-1000, 1000), min_size=3, max_size=30)


def test_a_line_has_its_slope_and_no_doubt() -> None:
    """GIVEN points on a line THEN value, low and high are its slope."""
    slope = slope_of(LINE)
    assert slope is not None
    assert (slope.value, slope.low, slope.high) == pytest.approx((3.0, 3.0, 3.0))


def test_single_peaks_move_nothing() -> None:
    """GIVEN a line with two points far off THEN its slope is what it was."""
    peaked = [(x, y + (500.0 if x in (7, 23) else 0.0)) for x, y in LINE]
    slope = slope_of(peaked)
    assert slope is not None
    assert slope.value == pytest.approx(3.0)
    assert slope.low <= 3.0 <= slope.high


@pytest.mark.parametrize("at", range(1, BLOCKS))
def test_one_step_is_no_growth(at: int) -> None:
    """GIVEN a level that steps up once, anywhere THEN the interval reaches down to no growth."""
    slope = slope_of([(float(x), 20.0 if x >= at else 0.0) for x in range(BLOCKS)])
    assert slope is not None
    assert slope.low <= 0.0


def test_points_that_do_not_differ_in_x_have_no_slope() -> None:
    """GIVEN nothing served THEN there is no slope, rather than an endless one."""
    assert slope_of([(5.0, 1.0), (5.0, 9.0)]) is None
    assert slope_of([]) is None
    assert median_slope([(1.0, 1.0)]) is None


def test_a_block_is_the_median_of_its_points() -> None:
    """GIVEN six points in two blocks THEN each block is the median of x and that of y."""
    points = [(0.0, 5.0), (1.0, 900.0), (2.0, 6.0), (3.0, 7.0), (4.0, 8.0), (5.0, -900.0)]
    assert block_medians(points, 2) == [(1.0, 6.0), (4.0, 7.0)]


def test_fewer_points_than_blocks_are_their_own() -> None:
    """GIVEN three points for 24 blocks THEN all three are kept; GIVEN none THEN none."""
    assert block_medians(LINE[:3]) == LINE[:3]
    assert block_medians([]) == []


def test_points_that_follow_each_other_widen_the_interval() -> None:
    """GIVEN the same residuals in another order WHEN neighbours are alike THEN the interval is wider."""
    mixed = slope_of([(float(x), 3.0 * x + (1.0 if x % 2 else -1.0)) for x in range(24)])
    alike = slope_of([(float(x), 3.0 * x + (1.0 if x % 12 < 6 else -1.0)) for x in range(24)])
    assert mixed is not None
    assert alike is not None
    assert alike.high - alike.low > mixed.high - mixed.low


@given(heights, st.integers(-10_000, 10_000), st.integers(-10_000, 10_000))
def test_a_shift_in_time_or_level_changes_nothing(ys: list[int], by_x: int, by_y: int) -> None:
    """GIVEN any series WHEN it is shifted THEN its slope and interval are the same."""
    there = slope_of([(float(x), float(y)) for x, y in enumerate(ys)])
    here = slope_of([(float(x + by_x), float(y + by_y)) for x, y in enumerate(ys)])
    assert there is not None
    assert here is not None
    assert (here.value, here.low, here.high) == pytest.approx((there.value, there.low, there.high), abs=1e-6)


@given(heights)
def test_the_value_lies_in_its_interval(ys: list[int]) -> None:
    """GIVEN any series THEN low is no more than the value, and high no less."""
    slope = slope_of([(float(x), float(y)) for x, y in enumerate(ys)])
    assert slope is not None
    assert slope.low <= slope.value <= slope.high


def test_another_unit_scales_all_three() -> None:
    """GIVEN bytes a second WHEN taken by the hour THEN value and interval are 3600 times as large."""
    assert Slope(1.0, 0.5, 2.0).times(3600) == Slope(3600.0, 1800.0, 7200.0)
