"""What a mark allows: known names, possible values, at least one; else one line that names what is wrong."""

from __future__ import annotations

import pytest

from profiles.memory_budget_limits import NAMES, Limits, limits_of


def test_each_limit_is_read_and_the_others_are_not_limited() -> None:
    """GIVEN some limits THEN these are given, in the order of their names, and the rest is None."""
    limits = limits_of((), {"children": 0, "rss_mb": 300})
    assert limits == Limits(rss_mb=300, growth_kib_per_call=None, children=0)
    assert list(limits.given.items()) == [("rss_mb", 300), ("children", 0)]
    assert limits_of((), {"growth_kib_per_call": 0}).given == {"growth_kib_per_call": 0}
    assert limits_of((), {"rss_mb": 0.5}).rss_mb == 0.5


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("rss_mb", 0, "no memory at all"),
        ("rss_mb", -1, "below zero"),
        ("rss_mb", "300", "no number"),
        ("rss_mb", True, "no number"),
        ("rss_mb", None, "no number"),
        ("rss_mb", float("inf"), "no number"),
        ("growth_kib_per_call", float("nan"), "no number"),
        ("growth_kib_per_call", -0.1, "below zero"),
        ("children", -1, "no number of processes"),
        ("children", 1.5, "no number of processes"),
        ("children", False, "no number of processes"),
    ],
)
def test_a_value_that_cannot_be_is_named(name: str, value: object, why: str) -> None:
    """GIVEN an impossible value THEN one line names it, with its name and what is wrong."""
    with pytest.raises(ValueError, match=f"^{name}=.* is {why}.*\\.$") as refused:
        limits_of((), {name: value})
    assert repr(value) in str(refused.value)


def test_a_name_that_is_not_known_is_named_beside_those_that_are() -> None:
    """GIVEN a wrong name THEN it stands in the message, with all there are."""
    with pytest.raises(ValueError, match=r"^rss is not known") as refused:
        limits_of((), {"rss": 300})
    assert all(name in str(refused.value) for name in NAMES)


def test_a_value_without_a_name_and_a_mark_without_a_limit_are_refused() -> None:
    """GIVEN a plain value, or nothing THEN the way out is shown."""
    with pytest.raises(ValueError, match=r"^300 has no name.*rss_mb=300"):
        limits_of((300,), {})
    with pytest.raises(ValueError, match=r"allows nothing.*rss_mb=300"):
        limits_of((), {})
