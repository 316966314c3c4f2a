"""What a round of a load generator says."""

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.generator import Outcome
from benchmarks.observation import Observation
from benchmarks.suite import load_generator_figures as figures
from benchmarks.suite.rounds import Rounds

MEAN_BLOCK_S = 32.0
SEEN = Observation(
    pid=1, began_t=5.0, ended_t=15.0, cpu_s=2.0, users=1000, rss_before_bytes=50_000_000, rss_peak_bytes=80_000_000,
    sockets=2000, open_files_limit=20_000, requests={"chunk": 1000, "timings": 1000}, failures={}, body_bytes=10**9,
    latencies_ms={1: 1990, 40: 10}, lags_ms={1: 200},
)  # fmt: skip


def told(rounds: Rounds) -> dict[tuple[str, str], float]:
    """The figures, by subject and quantity."""
    return {(figure.subject, figure.quantity): figure.median for figure in rounds.figures()}


def test_a_round_of_users_is_told_a_request_and_a_reader() -> None:
    """GIVEN 2,000 requests in 10 s for 2 s of CPU, and 30 MB for 1,000 readers THEN each is told of one."""
    rounds = Rounds()
    figures.add_users(rounds, figures.OURS, MEAN_BLOCK_S, Outcome((SEEN,), 0.1, 2**20, 0, ""))
    found = told(rounds)
    assert found[figures.OURS, figures.CPU] == pytest.approx(1000)
    assert found[figures.OURS, figures.MADE] == pytest.approx(200)
    assert found[figures.OURS, figures.RSS] == pytest.approx(30)
    assert found[figures.OURS, figures.P99] == 1
    assert found[figures.OURS, figures.READERS] == pytest.approx(0.9 * 32 / 2 / 0.001)


def test_users_who_asked_for_nothing_are_no_round() -> None:
    """GIVEN an outcome without a request THEN there is no figure of it, but an error with the last word."""
    empty = Observation(**{**vars(SEEN), "requests": {}})
    with pytest.raises(BenchmarkError, match="nothing was asked for: Connection refused"):
        figures.add_users(
            Rounds(), figures.OURS, MEAN_BLOCK_S, Outcome((empty,), 0.1, 0, 1, "Connection refused")
        )


def test_twice_the_cpu_carries_half_the_readers() -> None:
    """GIVEN requests of 0.5 ms and of 1 ms THEN the core carries half as many of the second."""
    assert figures.readers_a_core(0.001, 32.0) == pytest.approx(14_400)
    assert figures.readers_a_core(0.0005, 32.0) == pytest.approx(28_800)


@pytest.mark.parametrize("with_wrk", [True, False])
def test_ours_is_compared_with_whoever_was_measured(with_wrk: bool) -> None:  # noqa: FBT001
    """GIVEN a round with or without wrk THEN the ratios are to the peers that are there."""
    rounds = Rounds()
    for name in (figures.OURS, figures.HTTP_USER):
        figures.add_users(rounds, name, MEAN_BLOCK_S, Outcome((SEEN,), 0.1, 2**20, 0, ""))
    if with_wrk:
        figures.add_wrk(rounds, MEAN_BLOCK_S, rate_per_s=5000.0, cpu_s=0.0001, p99_ms=4.0)
    found = {(r.quantity, r.subject, r.peer): r.median for r in figures.ratios_of(rounds.figures())}
    assert found[figures.CPU, figures.OURS, figures.HTTP_USER] == 1.0
    assert found[figures.RSS, figures.OURS, figures.HTTP_USER] == 1.0
    assert ((figures.CPU, figures.OURS, figures.WRK) in found) is with_wrk
    if with_wrk:
        assert found[figures.CPU, figures.OURS, figures.WRK] == pytest.approx(10)
        assert told(rounds)[figures.WRK, figures.RAW] == 5000.0
