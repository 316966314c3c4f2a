"""Whether a machine was quiet enough: each limit passes exactly, and fails just beyond."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.suite import noise
from benchmarks.suite.idle import CoreWork, Look
from benchmarks.suite.measured import Figure
from tests.benchmarks.suite.results import CALM, EVEN_MS, QUIET


def rate(subject: str, *values: float) -> Figure:
    """A rate in some rounds."""
    return Figure(subject, "16 connections", "requests/s", "1/s", values)


def uneven(spread: float) -> Look:
    """A look at a core whose slowest tenth is so much slower."""
    return replace(QUIET, work=(CoreWork(0, (1.0,) * 30 + (1 + spread,) * 10),))


def as_fast(times: float) -> Look:
    """A look at a machine whose second core takes so many times as long."""
    return replace(QUIET, work=(CoreWork(0, EVEN_MS), CoreWork(1, tuple(times * ms for ms in EVEN_MS))))


def test_a_quiet_machine_has_nothing_against_it() -> None:
    """GIVEN quiet looks and figures that repeat THEN there is no reason."""
    assert noise.reasons(QUIET, QUIET, CALM, [rate("nginx", 100, 101, 102)]) == []


@pytest.mark.parametrize(
    ("at_limit", "beyond", "said"),
    [
        (
            replace(QUIET, busy_share=noise.BUSY_AT_MOST),
            replace(QUIET, busy_share=noise.BUSY_AT_MOST + 1e-6),
            "others took 3.0% of a core",
        ),
        (
            replace(QUIET, stolen_share=noise.STOLEN_AT_MOST),
            replace(QUIET, stolen_share=noise.STOLEN_AT_MOST + 1e-6),
            "the host took 2.0%",
        ),
        (uneven(noise.SPREAD_AT_MOST - 1e-6), uneven(noise.SPREAD_AT_MOST + 1e-6), "a tenth of equal pieces"),
    ],
)
def test_a_look_is_held_to_each_limit(at_limit: Look, beyond: Look, said: str) -> None:
    """GIVEN a look at the limit THEN it passes, before and after; GIVEN one beyond it THEN it says so, either time."""
    assert noise.reasons(at_limit, at_limit, CALM, []) == []
    before, after = noise.reasons(beyond, beyond, CALM, [])
    assert before.startswith("before it")
    assert after.startswith("after it")
    assert said in before
    assert said in after


def test_a_core_that_became_slower_is_told_and_one_that_became_faster_too() -> None:
    """GIVEN a core that takes a tenth longer at one end of a case THEN it passes; a little more does not."""
    assert noise.reasons(QUIET, as_fast(1 + noise.DRIFT_AT_MOST - 1e-6), CALM, []) == []
    slower = as_fast(1 + noise.DRIFT_AT_MOST + 1e-6)
    for before, after in ((QUIET, slower), (slower, QUIET)):
        (reason,) = noise.reasons(before, after, CALM, [])
        assert "10.0% slower at one end" in reason


@pytest.mark.parametrize(
    ("which", "most", "said"),
    [
        ("stolen_share", noise.STOLEN_AT_MOST, "during it the host took 2.0%"),
        ("neighbours_share", noise.BUSY_AT_MOST, "during it other programs took 3.0% of a core"),
    ],
)
def test_what_was_taken_during_a_case_counts_by_itself(which: str, most: float, said: str) -> None:
    """GIVEN looks that are quiet, and time taken between them THEN the limit passes, and just more is told."""
    assert noise.reasons(QUIET, QUIET, replace(CALM, **{which: most}), []) == []
    (reason,) = noise.reasons(QUIET, QUIET, replace(CALM, **{which: most + 1e-6}), [])
    assert reason.startswith(said)


def test_peers_that_repeat_within_a_quarter_pass() -> None:
    """GIVEN a peer's rounds whose range is a quarter of their middle THEN it passes; just more is told."""
    assert noise.figures_reason([rate("nginx", 100, 90, 115)]) == []
    (reason,) = noise.figures_reason([rate("nginx", 100, 90, 115.1)])
    assert "requests/s of nginx, 16 connections: 25%" in reason


def test_one_peer_that_hiccups_does_not_decide() -> None:
    """GIVEN three peers of which one lies far apart THEN it passes; of which two do THEN the furthest is named."""
    calm, wild, wilder = (
        rate("nginx", 100, 101, 102),
        rate("granian", 100, 50, 150),
        rate("wrk", 100, 10, 200),
    )
    assert noise.figures_reason([calm, calm, wild]) == []
    (reason,) = noise.figures_reason([calm, wild, wilder])
    assert "of wrk" in reason


def test_only_what_a_quiet_machine_repeats_is_asked() -> None:
    """GIVEN our own figures, latencies, and figures of two rounds THEN none of them speaks of the machine."""
    wild = (1.0, 100.0, 200.0)
    assert noise.steady([rate("oomproof", *wild), rate("oomproof ReaderUser", *wild)]) == []
    assert noise.steady([Figure("nginx", "x", "p99", "ms", wild)]) == []
    assert noise.steady([rate("nginx", 1.0, 100.0)]) == []
    cpu = Figure("nginx", "x", "CPU a request", "us", wild)
    assert noise.steady([cpu]) == [cpu]


def test_nothing_at_all_is_not_apart() -> None:
    """GIVEN a peer that took no CPU in any round THEN its rounds are not apart."""
    assert noise.rounds_apart(Figure("nginx", "x", "CPU", "1", (0.0, 0.0, 0.0))) == 0
