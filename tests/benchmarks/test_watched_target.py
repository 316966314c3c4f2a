"""What a watcher used."""

import pytest

from benchmarks.watched_target import Look, cost_of


def test_a_watchers_cost_is_of_the_time_between_its_first_and_last_look() -> None:
    """GIVEN three looks, 0.1 s and 0.4 ms of CPU apart THEN it used 0.4 % of a core, and 400 us a sample."""
    found = cost_of([Look(10.0, 2.0), Look(10.1, 2.0004), Look(10.2, 2.0008)], 3 * 1024 * 1024)
    assert found.cpu_share == pytest.approx(0.004)
    assert found.cpu_us_per_sample == pytest.approx(400)
    assert found.rss_mb == 3.0
