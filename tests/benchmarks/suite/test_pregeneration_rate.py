"""The rate of pre-generation: figures of both sides, and what a block takes longer than its asking."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.suite.bare_upstream import Asked
from benchmarks.suite.made_ahead import Made
from benchmarks.suite.measured import Figure
from benchmarks.suite.pregeneration_rate import (
    BARE,
    CPU,
    OURS,
    OVERHEAD,
    PEAK,
    RATE,
    Pace,
    Round,
    figures_of,
    measure_rate,
    overhead_s,
)

PACE = Pace("0.5", 4, "none", blocks=100, rounds=2)
ROUNDS = [
    Round(Made(100, 12.5, 1.0), 70.0, Asked(100, 12.0, 0.4, 1)),
    Round(Made(100, 13.0, 1.2), 71.0, Asked(100, 12.5, 0.5, 1)),
]


def _figure(figures: list[Figure], subject: str, quantity: str) -> Figure:
    (found,) = (one for one in figures if (one.subject, one.quantity) == (subject, quantity))
    return found


def test_each_side_has_a_rate_and_a_cost_of_each_round() -> None:
    """GIVEN two rounds THEN each figure has a value of each, in their order and in its unit."""
    figures = figures_of(PACE, ROUNDS)
    assert {one.setting for one in figures} == {"4 at once, latency 0.5 s, without aligner"}
    assert _figure(figures, OURS, RATE).values == pytest.approx((8.0, 100 / 13))
    assert _figure(figures, BARE, RATE).values == pytest.approx((100 / 12, 8.0))
    assert _figure(figures, OURS, CPU).values == pytest.approx((10.0, 12.0))
    assert _figure(figures, BARE, CPU).values == pytest.approx((4.0, 5.0))
    assert _figure(figures, OURS, PEAK).values == (70.0, 71.0)


def test_the_overhead_of_a_block_is_what_one_of_those_made_at_once_takes_longer() -> None:
    """GIVEN 100 blocks, four at once, half a second later in all THEN each took 20 ms longer."""
    assert overhead_s(ROUNDS[0], 4) == pytest.approx(0.02)
    assert _figure(figures_of(PACE, ROUNDS), OURS, OVERHEAD).values == pytest.approx((20.0, 20.0))


def test_the_wait_for_an_aligner_is_no_overhead() -> None:
    """GIVEN rounds with an aligner THEN they have every figure but that."""
    without, with_one = (
        {one.quantity for one in figures_of(replace(PACE, aligner=aligner), ROUNDS)}
        for aligner in ("none", "embedded")
    )
    assert without - with_one == {OVERHEAD}


@pytest.mark.parametrize(
    ("pace", "setting"),
    [
        (Pace("2-5", 4, "embedded", 1, 1), "4 at once, latency 2 to 5 s, with aligner"),
        (Pace("0.5", 16, "none", 1, 1), "16 at once, latency 0.5 s, without aligner"),
    ],
)
def test_a_setting_says_what_was_different(pace: Pace, setting: str) -> None:
    """GIVEN a pace THEN its name has the concurrency, the latency and the aligner."""
    assert pace.setting == setting


@pytest.mark.slow
def test_both_sides_ask_for_the_same_blocks(tmp_path: Path) -> None:
    """GIVEN a server, a bare client and the stand-in WHEN two rounds are measured THEN neither beats its latency."""
    pace = Pace("0.2", 2, "none", blocks=4, rounds=2)
    figures, lateness = measure_rate(pace, tmp_path, lambda _: None)
    for side in (OURS, BARE):
        rate = _figure(figures, side, RATE)
        assert len(rate.values) == 2
        assert 0 < max(rate.values) <= pace.concurrency / 0.2
    assert len(json.loads((tmp_path / "texts.json").read_bytes())) == 4
    assert not (tmp_path / "docstore").exists()
    assert " of its 16 answers were more than 50 ms late" in lateness
