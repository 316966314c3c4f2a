"""What Locust's statistics keep for each second of a run, kept short: in days it would be hundreds of megabytes."""

import time
from collections.abc import Iterator, MutableMapping

from locust.stats import RequestStats, StatsEntry

KEPT_S = 120
"""Locust looks back by 12 s for its current rates; what is older nobody reads."""
FORGET_EVERY_S = 30.0
MOST_HISTORY = 720
"""Of the points of Locust's charts: an hour of them."""


class KeptStatistics:
    """Forgets what is old, now and then; the counts, the medians and the percentiles of the whole run stay."""

    def __init__(self, stats: RequestStats) -> None:
        self._stats = stats
        self._forgot_t = time.monotonic()

    def look(self) -> None:
        """Forgets what is old, where that has not been done for a while."""
        now = time.monotonic()
        if now - self._forgot_t >= FORGET_EVERY_S:
            self._forgot_t = now
            forget_before(self._stats, int(time.time()) - KEPT_S)


def forget_before(stats: RequestStats, second: int) -> None:
    """Forgets the requests of each second before this one (of the wall clock, as Locust counts)."""
    for entry in _entries(stats):
        for by_second in (entry.num_reqs_per_sec, entry.num_fail_per_sec):
            _forget(by_second, second)
    del stats.history[:-MOST_HISTORY]


def _entries(stats: RequestStats) -> Iterator[StatsEntry]:
    yield stats.total
    yield from list(stats.entries.values())


def _forget(by_second: MutableMapping[int, int], second: int) -> None:
    for old in [key for key in by_second if key < second]:
        del by_second[old]
