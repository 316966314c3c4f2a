"""Figures of a case, and whether it carried its readers."""

from dataclasses import replace

import pytest

from benchmarks.figures import Conditions, Figures, figures
from benchmarks.generator import Load, Outcome
from benchmarks.observation import Observation

CONDITIONS = Conditions(
    name="readers",
    users="ReaderUser",
    server="nginx",
    load_cores=(1,),
    server_cores=(0,),
    mean_block_s=20.0,
    load_average=0.1,
)
LOAD = Load(arguments=(), readers=1000, ramp_s=60, window_s=100, environment={}, processes=2)
ONE = Observation(
    pid=1,
    began_t=0.0,
    ended_t=100.0,
    cpu_s=30.0,
    users=500,
    rss_before_bytes=50 * 2**20,
    rss_peak_bytes=100 * 2**20,
    sockets=1000,
    open_files_limit=20000,
    requests={"/api/tts/chunk": 2500, "/api/tts/timings": 2500},
    failures={},
    body_bytes=10**9,
    latencies_ms={2: 5000},
    lags_ms={1: 1999, 70: 1},
)


def of(*observations: Observation) -> Figures:
    """The figures of a case with these load processes."""
    return figures(CONDITIONS, LOAD, Outcome(observations, 0.05, 2**20, 0, ""))


def test_figures_of_two_processes_are_those_of_both() -> None:
    """GIVEN two processes THEN requests, bytes and CPU add up, and what bounds a process is that of the worse."""
    both = of(ONE, replace(ONE, pid=2, cpu_s=40.0, rss_peak_bytes=150 * 2**20))
    assert both.not_carried == ""
    assert (both.readers, both.requests_per_s, both.expected_per_s, both.megabytes_per_s) == (
        1000,
        100,
        100,
        20,
    )
    assert (both.cpu_share, both.cpu_share_all, both.cpu_ms_per_request) == (0.4, 0.7, 7.0)
    assert (both.rss_mb, both.rss_kb_per_reader, both.sockets_per_reader) == (150, 153.6, 2.0)
    assert (both.lag_p99_ms, both.lag_max_ms) == (1, 70)


@pytest.mark.parametrize(
    ("worse", "reason"),
    [
        (replace(ONE, cpu_s=91.0), "used 0.91 of a core"),
        (replace(ONE, lags_ms={1: 97, 600: 3}), "600 ms late"),
        (
            replace(ONE, failures={"HTTP 503": 2, "HTTP 500": 1}),
            "3 requests failed, most of them so: HTTP 503",
        ),
        (replace(ONE, users=499), "only 999 of 1000 readers"),
        (replace(ONE, requests={"/api/tts/chunk": 3900}), "89 % of the expected requests"),
    ],
)
def test_what_is_not_carried_says_why(worse: Observation, reason: str) -> None:
    """GIVEN one process that is worse in one thing THEN the readers were not carried, for that reason alone."""
    found = of(ONE, worse).not_carried
    assert reason in found
    assert ";" not in found
