"""What Locust's statistics keep in a run of days."""

import pytest
from locust.stats import RequestStats

from loadtests.statistics_kept import MOST_HISTORY, KeptStatistics, forget_before


def statistics() -> RequestStats:
    """Statistics of requests in the seconds 1 to 10, each of which failed."""
    stats = RequestStats()
    for entry in (stats.total, stats.get("/api/tts", "POST")):
        entry.num_reqs_per_sec.update(dict.fromkeys(range(1, 11), 1))
        entry.num_fail_per_sec.update(dict.fromkeys(range(1, 11), 1))
        entry.num_requests, entry.num_failures = 10, 10
    return stats


def test_old_seconds_are_forgotten_and_counts_are_not() -> None:
    """GIVEN ten seconds WHEN those before the eighth are forgotten THEN three are left, and all counts."""
    stats = statistics()
    forget_before(stats, 8)
    for entry in (stats.total, stats.get("/api/tts", "POST")):
        assert sorted(entry.num_reqs_per_sec) == sorted(entry.num_fail_per_sec) == [8, 9, 10]
        assert (entry.num_requests, entry.num_failures) == (10, 10)


def test_the_charts_points_are_bounded() -> None:
    """GIVEN more points than are kept THEN the oldest go."""
    stats = RequestStats()
    stats.history = [{"time": second} for second in range(MOST_HISTORY + 5)]
    forget_before(stats, 0)
    assert (len(stats.history), stats.history[0]["time"]) == (MOST_HISTORY, 5)


def test_it_forgets_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a look at once and one later THEN only the later forgets."""
    monkeypatch.setattr("loadtests.statistics_kept.FORGET_EVERY_S", 1000.0)
    stats = statistics()
    kept = KeptStatistics(stats)
    kept.look()
    assert len(stats.total.num_reqs_per_sec) == 10
    monkeypatch.setattr("loadtests.statistics_kept.FORGET_EVERY_S", 0.0)
    kept.look()
    assert not stats.total.num_reqs_per_sec
