from __future__ import annotations

import pytest

from tests.fly.series import QueryError, SeriesStore

FREE = "fly_instance_memory_mem_available"


@pytest.fixture
def store() -> SeriesStore:
    """Two machines' free memory, every 15 s from 100 to 160."""
    store = SeriesStore(lookback_s=30.0)
    for instance, free in (("a", 1000.0), ("b", 2000.5)):
        for index in range(5):
            store.add(FREE, {"app": "reader", "instance": instance}, 100.0 + 15 * index, free + index)
    return store


def values(store: SeriesStore, query: str, start: float, end: float, step: float) -> list[object]:
    """The values of the first series found."""
    found = store.query_range(query, start, end, step, newest=1e9)
    assert isinstance(found[0], dict)
    listed: list[object] = found[0]["values"]
    return listed


def test_a_range_is_told_on_its_own_grid(store: SeriesStore) -> None:
    """GIVEN samples every 15 s WHEN asked every 10 s THEN each point has the newest sample before it, as text."""
    found = values(store, f'{FREE}{{instance="a"}}', 95, 135, 10)
    assert found == [[105, "1000"], [115, "1001"], [125, "1001"], [135, "1002"]]


def test_a_series_is_looked_back_at_and_then_ends(store: SeriesStore) -> None:
    """GIVEN a last sample at 160 THEN it is told until 30 s later, and not at that moment."""
    assert values(store, FREE, 160, 200, 10) == [[160, "1004"], [170, "1004"], [180, "1004"]]


def test_what_is_not_told_yet_is_left_out(store: SeriesStore) -> None:
    """GIVEN samples that are told late THEN a range ends where they do."""
    found = store.query_range(f'{FREE}{{instance="a"}}', 100, 160, 15, newest=131)
    assert isinstance(found[0], dict)
    assert [value for _, value in found[0]["values"]] == ["1000", "1001", "1002"]


@pytest.mark.parametrize(
    ("query", "instances"),
    [
        (FREE, ["a", "b"]),
        (FREE + '{app="reader"}', ["a", "b"]),
        (FREE + '{app="reader", instance!="a"}', ["b"]),
        (FREE + "{instance=~'a|c'}", ["a"]),
        ('{__name__=~"fly_instance_.*",instance!~"b.*"}', ["a"]),
        (FREE + '{app="another"}', []),
        ("fly_instance_up", []),
    ],
)
def test_a_selector_picks_by_name_and_labels(store: SeriesStore, query: str, instances: list[str]) -> None:
    """GIVEN a selector THEN what fits it is found, and an unknown app is no error."""
    found = store.query_range(query, 100, 100, 15, newest=1e9)
    assert [one["metric"]["instance"] for one in found if isinstance(one, dict)] == instances


@pytest.mark.parametrize("query", ["", "{}", "sum(x)", FREE + "{app=}", FREE + '{app="x"', FREE + "[5m]"])
def test_what_is_no_selector_is_refused(store: SeriesStore, query: str) -> None:
    """GIVEN more of the language than a selector THEN it is an error, and no empty answer."""
    with pytest.raises(QueryError, match="parse error"):
        store.query_range(query, 0, 1, 1, newest=1e9)


@pytest.mark.parametrize(("start", "end", "step"), [(0, 10, 0), (10, 0, 1), (0, 11_001, 1)])
def test_an_impossible_range_is_refused(store: SeriesStore, start: float, end: float, step: float) -> None:
    """GIVEN no step, an end before the start, or more points than Prometheus gives THEN it is an error."""
    with pytest.raises(QueryError):
        store.query_range(FREE, start, end, step, newest=1e9)


def test_as_many_points_as_prometheus_gives_are_given(store: SeriesStore) -> None:
    """GIVEN the longest range that is allowed THEN it is answered."""
    assert store.query_range(FREE, 0, 11_000, 1, newest=1e9)
