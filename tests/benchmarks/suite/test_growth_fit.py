"""The formula that fits: what made the costs is found again, and the simplest is taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.suite.growth_fit import FITS_WITHIN, FLAT_TIMES, fit

NUMBERS = (100.0, 10_000.0, 200_000.0)


@given(start=st.floats(0.1, 1e3), slope=st.floats(1e-2, 1e2))
def test_a_line_is_found_again(start: float, slope: float) -> None:
    """GIVEN costs on a line that rises THEN it is found, and is off by nothing."""
    law = fit([(n, start + slope * n) for n in NUMBERS])
    assert law.form == "line"
    assert law.at(1000.0) == pytest.approx(start + slope * 1000, rel=1e-6)
    assert law.off_by == pytest.approx(0, abs=1e-6)


@given(factor=st.floats(1e-3, 1e3), exponent=st.sampled_from((0.3, 0.5, 1.6, 2.0)))
def test_a_power_is_found_again(factor: float, exponent: float) -> None:
    """GIVEN costs that follow a power that no line does THEN it is found, exponent and all."""
    law = fit([(n, factor * n**exponent) for n in NUMBERS])
    assert law.form == "power"
    assert law.b == pytest.approx(exponent)
    assert law.off_by == pytest.approx(0, abs=1e-6)


def test_what_differs_by_a_fifth_is_constant() -> None:
    """GIVEN a largest cost of 1.2 times the smallest THEN it is constant, in their middle; just more is a line."""
    flat = fit([(1, 1.0), (10, FLAT_TIMES)])
    assert (flat.form, flat.b) == ("constant", 0)
    assert flat.a == pytest.approx(FLAT_TIMES**0.5)
    assert fit([(1, 1.0), (10, FLAT_TIMES + 1e-6)]).form == "line"


def test_a_cost_is_never_less_than_nothing() -> None:
    """GIVEN costs whose straight line would begin below 0 THEN the line begins at 0."""
    law = fit([(1.0, 0.9), (2.0, 2.0), (4.0, 4.2)])
    assert (law.form, law.a) == ("line", 0)
    assert 0 < law.off_by < FITS_WITHIN


def test_what_is_small_counts_as_much_as_what_is_large() -> None:
    """GIVEN a cost of 1 at 1 and a million at a million THEN neither is given up for the other."""
    law = fit([(1.0, 1.1), (1_000.0, 1_000.0), (1_000_000.0, 1_000_000.0)])
    assert law.off_by < 0.1


def test_two_points_test_no_line() -> None:
    """GIVEN two numbers THEN a line through them is untested, a constant is not; GIVEN three THEN both are tested."""
    assert not fit([(1, 1.0), (10, 10.0)]).is_tested
    assert fit([(1, 1.0), (10, 1.0)]).is_tested
    assert fit([(1, 1.0), (10, 10.0), (100, 100.0)]).is_tested


@pytest.mark.parametrize(
    "points", [[(1, 1.0)], [(1, 1.0), (1, 2.0)], [(0, 1.0), (1, 1.0)], [(1, 0.0), (2, 1.0)]]
)
def test_what_no_formula_can_follow_is_refused(points: list[tuple[float, float]]) -> None:
    """GIVEN one number alone, or a cost or number of nothing THEN it is refused."""
    with pytest.raises(ValueError, match="a formula needs two numbers"):
        fit(points)
