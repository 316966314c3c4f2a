"""What a load process saw of itself."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.observation import BUSY_SHARE, LATE_S, Observation, merged, quantile

CALM = Observation(
    pid=7,
    began_t=100.0,
    ended_t=110.0,
    cpu_s=2.0,
    users=5,
    rss_before_bytes=1,
    rss_peak_bytes=2,
    sockets=10,
    open_files_limit=1024,
    requests={"/api/tts/chunk": 3},
    failures={},
    body_bytes=9,
    latencies_ms={1: 2, 40: 1},
    lags_ms={0: 99, 800: 1},
)


def test_an_observation_is_read_as_it_was_saved(tmp_path: Path) -> None:
    """GIVEN an observation WHEN it goes through a file THEN it is the same, its counts by number."""
    CALM.save(tmp_path)
    assert Observation.load(tmp_path / "observed-7.json") == CALM


def test_a_process_is_busy_above_its_share_only() -> None:
    """GIVEN a window of ten seconds WHEN its CPU is at the bound THEN it is not saturated; above it is."""
    assert not replace(CALM, cpu_s=10 * BUSY_SHARE).saturated
    assert replace(CALM, cpu_s=10 * BUSY_SHARE + 0.01).saturated


def test_a_process_is_late_when_more_than_one_look_in_a_hundred_was() -> None:
    """GIVEN a hundred looks WHEN one is late THEN it is not saturated; with two it is."""
    late_ms = round(1000 * LATE_S) + 1
    assert not replace(CALM, lags_ms={0: 99, late_ms: 1}).saturated
    assert replace(CALM, lags_ms={0: 98, late_ms: 2}).saturated


@pytest.mark.parametrize(("share", "value"), [(0.5, 1), (0.66, 1), (0.67, 40), (1.0, 40)])
def test_a_quantile_is_the_smallest_value_that_so_many_do_not_exceed(share: float, value: float) -> None:
    """GIVEN two of 1 and one of 40 THEN two thirds are at most 1."""
    assert quantile({40: 1, 1: 2}, share) == value


def test_nothing_counted_has_no_quantile() -> None:
    """GIVEN no count THEN there is none, and it is no zero."""
    assert math.isnan(quantile({}, 0.5))


def test_counts_of_several_processes_add_up() -> None:
    """GIVEN two processes THEN a value that both have counts for both."""
    assert merged({1: 2, 3: 1}, {1: 5}) == {1: 7, 3: 1}
