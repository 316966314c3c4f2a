import resource
import time
from collections.abc import Callable, Iterator

import gevent  # type: ignore[import-untyped]  # gevent carries no types
import pytest

from loadtests.watch import COLUMNS, Sample, Watch, raise_open_files


def watched(meanwhile: Callable[[list[Sample]], None]) -> list[Sample]:
    """The samples of a watch around something."""
    samples: list[Sample] = []
    watch = Watch(3, lambda: len(samples), samples.append)
    watch.start()
    meanwhile(samples)
    watch.stop()
    watch.stop()
    return samples


def test_a_watch_begins_and_ends_with_a_sample() -> None:
    """However short a run is, it has two rows: the first before any reader, each with what the process uses."""
    first, last = watched(lambda _: None)
    assert (first.process, first.readers, last.readers) == (3, 0, 1)
    assert last.t >= first.t
    assert first.rss_bytes > 1_000_000
    assert 0 < first.open_files <= first.open_files_limit


def test_a_busy_loop_shows_as_lag_and_as_cpu() -> None:
    """Whoever holds the loop for 0.3 s makes its timers late, and uses CPU; the next row begins anew."""

    def hold(samples: list[Sample]) -> None:
        gevent.sleep(0)  # the watch sets its timer
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
        gevent.sleep(0)
        while len(samples) < 3:
            gevent.sleep(0.05)

    first, held, calm, _ = watched(hold)
    assert held.cpu_s - first.cpu_s >= 0.3
    assert held.loop_lag_s >= 0.2
    assert calm.loop_lag_s < held.loop_lag_s


def test_a_row_has_the_columns_of_the_file() -> None:
    """A row reads back under the names that its head has."""
    line = Sample(12.5, 1, 3.25, 0.125, 1000, 20, 1024, 8).line()
    row = dict(zip(COLUMNS, line.rstrip("\n").split(","), strict=True))
    assert row == {
        "t": "12.500000",
        "process": "1",
        "cpu_s": "3.250",
        "loop_lag_s": "0.1250",
        "rss_bytes": "1000",
        "open_files": "20",
        "open_files_limit": "1024",
        "readers": "8",
    }


@pytest.fixture
def few_open_files() -> Iterator[int]:
    """A low soft limit, put back afterwards."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_open_files_are_raised_to_what_may_be(few_open_files: int) -> None:
    """The soft limit becomes the hard one."""
    raise_open_files()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (few_open_files, few_open_files)
