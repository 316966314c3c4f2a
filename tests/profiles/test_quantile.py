from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from profiles.quantile import percentile, percentiles


def test_nothing_has_no_percentile_and_one_value_is_all_of_them() -> None:
    """GIVEN no value or one THEN None, or that value, to a tenth."""
    assert percentiles([], 50, 95) == (None, None)
    assert percentiles([1.26], 50, 95) == (1.3, 1.3)


def test_percentiles_lie_between_neighbours() -> None:
    """GIVEN the numbers 0 to 100 in any order THEN the 95th percentile is 95."""
    assert percentiles(reversed(range(101)), 50, 95, 99) == (50.0, 95.0, 99.0)
    assert percentile([1.0, 2.0], 50) == 1.5


@given(st.lists(st.integers(0, 10_000), min_size=1))
def test_percentiles_are_in_order_and_within_the_values(values: list[int]) -> None:
    """A higher percentile is never less, and none lies outside what was measured."""
    low, middle, high = percentiles(values, 1, 50, 99)
    assert low is not None
    assert middle is not None
    assert high is not None
    assert min(values) <= low <= middle <= high <= max(values)
