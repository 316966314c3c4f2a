"""Medians and axes of a gate's plot: no point is made up, and no difference is hidden or blown up in silence."""

from __future__ import annotations

import math

import pytest

from profiles.gate.curve_figures import (
    LEAST_SPAN_MB,
    POINTS,
    Curve,
    Scale,
    curves_of,
    limits_mb,
    median_curve,
    scale_of,
)
from profiles.gate.outcome import BudgetCheck
from tests.profiles.gate import outcomes


def flat(mb: float, end_s: float = 60.0) -> Curve:
    """A curve that stays where it is."""
    return ((0.0, mb), (end_s, mb))


def test_a_curve_has_two_known_points_at_least() -> None:
    """GIVEN runs without a curve, with one point, and with a gap THEN only what can be drawn is left."""
    gap = ((0.0, 80.0), (1.0, math.nan), (2.0, 82.0))
    runs = [outcomes.run("head", 1, curve=curve) for curve in ((), ((0.0, 80.0),), gap, flat(80.0))]
    assert curves_of(runs) == [((0.0, 80.0), (2.0, 82.0)), flat(80.0)]


def test_the_median_is_taken_point_by_point() -> None:
    """GIVEN curves that rise, fall and stay THEN at each time the middle one of the three."""
    found = median_curve([((0.0, 0.0), (10.0, 100.0)), ((0.0, 100.0), (10.0, 0.0)), flat(60.0, 10.0)])
    assert len(found) == POINTS
    assert (found[0], found[-1]) == ((0.0, 60.0), (10.0, 60.0))
    assert all(t_s == pytest.approx(10 * at / (POINTS - 1)) for at, (t_s, _) in enumerate(found))
    assert max(mb for _, mb in found) == pytest.approx(60.0)
    assert min(mb for _, mb in found) == pytest.approx(50.0, abs=0.5)


def test_between_two_points_a_curve_is_a_line() -> None:
    """GIVEN one curve with a corner, and two points at one time THEN its median is itself."""
    found = dict(median_curve([((0.0, 0.0), (2.0, 20.0), (2.0, 40.0), (4.0, 40.0))]))
    assert found[0.0] == 0.0
    assert found[4.0] == 40.0
    assert all(mb == pytest.approx(10 * t_s) for t_s, mb in found.items() if t_s < 2.0)
    assert all(mb == pytest.approx(40.0) for t_s, mb in found.items() if t_s > 2.0)


@pytest.mark.parametrize(("ends_s", "until_s"), [((30.0, 60.0), 60.0), ((30.0, 30.0, 60.0), 30.0)])
def test_a_median_of_fewer_than_half_of_the_runs_is_not_drawn(
    ends_s: tuple[float, ...], until_s: float
) -> None:
    """GIVEN runs that ended early THEN the median goes on while at least half of them are known."""
    found = median_curve([flat(80.0, end_s) for end_s in ends_s])
    assert found[-1][0] == pytest.approx(until_s, abs=0.3)
    assert found[-1][0] <= until_s


def test_no_curve_has_no_median() -> None:
    """GIVEN nothing THEN nothing."""
    assert median_curve([]) == ()


def scale(*mb: float, limits: tuple[float, ...] = ()) -> Scale:
    """The axis of two or more flat sides."""
    curves = [flat(one) for one in mb]
    return scale_of(curves, curves, limits)


def test_a_large_difference_is_seen_from_0() -> None:
    """GIVEN 60 and 93 MB THEN the axis begins at 0 and ends a little above."""
    found = scale(60.0, 93.0)
    assert not found.zoomed
    assert 93.0 < found.top_mb < 1.1 * 93.0


def test_a_small_difference_is_looked_at_closer() -> None:
    """GIVEN 8 of 70 MB THEN the axis begins higher, shows both, and not much more."""
    found = scale(70.0, 78.0)
    assert found.zoomed
    assert found.bottom_mb < 70.0
    assert found.top_mb > 78.0
    assert found.top_mb - found.bottom_mb < 25.0


def test_no_difference_is_not_made_a_mountain_of() -> None:
    """GIVEN sides a tenth of a MB apart THEN the axis spans 20 MB, and not the noise."""
    found = scale(80.0, 80.1)
    assert found.top_mb - found.bottom_mb >= LEAST_SPAN_MB


def test_an_axis_that_must_be_long_begins_at_0() -> None:
    """GIVEN two alike sides that climb from nearly nothing THEN a closer look would show no more."""
    climb = ((0.0, 5.0), (60.0, 80.0))
    assert not scale_of([climb, climb], [climb, climb]).zoomed
    assert not scale(8.0, 9.0).zoomed


def test_one_side_alone_has_nothing_to_compare_with() -> None:
    """GIVEN head alone, or sides that never overlap in time THEN the axis begins at 0."""
    assert not scale(80.0).zoomed
    late = ((100.0, 81.0), (160.0, 81.0))
    assert not scale_of([flat(80.0), late], [flat(80.0), late]).zoomed
    assert not scale_of([flat(80.0)], [flat(80.0), ()]).zoomed


def test_nothing_held_is_no_axis_of_no_height() -> None:
    """GIVEN 0 MB THEN there is an axis all the same."""
    assert scale(0.0).top_mb > 0


def test_a_limit_that_is_near_is_on_the_axis() -> None:
    """GIVEN a limit just above and one far above THEN the axis reaches the first."""
    found = scale(60.0, 93.0, limits=(110.0, 4096.0))
    assert 110.0 < found.top_mb < 130.0


def test_limits_are_those_that_are_known() -> None:
    """GIVEN a check with one limit, and without THEN only what was told."""
    assert limits_mb(BudgetCheck(kept=True, lines=(), tree_limit_mb=2048.0)) == {"budget": 2048.0}
    assert limits_mb(BudgetCheck(kept=True, lines=(), tree_limit_mb=2048.0, vm_memory_mb=4096.0)) == {
        "budget": 2048.0,
        "memory of the VM": 4096.0,
    }
    assert limits_mb(BudgetCheck(kept=True, lines=())) == {}
