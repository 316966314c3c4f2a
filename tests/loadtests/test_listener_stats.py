from locust.stats import RequestStats

from loadtests.listener_stats import LISTENER, ListenerStats
from loadtests.request_log import Row


def felt(*rows: tuple[str, str, float]) -> dict[str, list[float]]:
    """Each entry after some rows of kind, source and late_s: requests, failures, median in milliseconds."""
    stats = RequestStats()
    listeners = ListenerStats(stats)
    for kind, source, late_s in rows:
        status = 0 if source.endswith("never") else 200
        listeners.add(Row(1.0, 1, kind, status, 0, None, late_s, source))  # type: ignore[arg-type]  # a kind
    assert stats.total.num_requests == 0  # the aggregated line is that of the HTTP requests
    assert {method for _, method in stats.entries} <= {LISTENER}
    return {
        name: [entry.num_requests, entry.num_failures, entry.median_response_time]
        for (name, _), entry in stats.entries.items()
    }


def test_a_wait_stands_under_why_it_was() -> None:
    """First audio, after a press, and the next block by where it came from, in milliseconds."""
    assert felt(
        ("play", "first:live", 1.5),
        ("play", "asked:chunk", 0.02),
        ("play", "chunk", 0.003),
        ("play", "chunk", 0.003),
        ("play", "cache", 0.0),
        ("tts", "needed", 9.0),
    ) == {
        "first audio": [1, 0, 1500],
        "after a press": [1, 0, 20],
        "block from chunk": [2, 0, 3],
        "block from cache": [1, 0, 0],
    }


def test_a_stall_is_a_wait_in_turn_of_more_than_a_quarter_second() -> None:
    """The boundary is exact; what never came is a stall and no block."""
    assert felt(("play", "live", 0.25), ("play", "live", 0.251), ("play", "never", 2.0)) == {
        "block from live": [2, 0, 250],
        "stall": [2, 0, 2000],
    }


def test_whoever_waited_for_nothing_is_a_failure() -> None:
    """A first block or one pressed for that never came; who pressed on at once has not waited."""
    assert felt(("play", "first:never", 2.0), ("play", "asked:never", 1.0), ("play", "asked:never", 0.2)) == {
        "first audio": [1, 1, 2000],
        "after a press": [1, 1, 1000],
    }


def test_a_block_without_highlighting_counts_by_how_long() -> None:
    """Whether its timings came in the end or not."""
    assert felt(("unhighlighted", "", 0.5)) == {"no highlighting": [1, 0, 500]}
