"""The figures of live against cached: by number of readers, in rounds, without those of an invalid run."""

import pytest

from benchmarks.suite.first_audio_figures import (
    FIRST,
    HEARD,
    ends_of,
    figures_of,
    promise_of,
    ratios_of,
    setting_of,
)
from benchmarks.suite.listened import CACHED, LIVE, Listened


def _run(mode: str, readers: int, first_ms: float, *, heard: int = 1, invalid: str | None = None) -> Listened:
    return Listened(mode, readers, (first_ms,), heard, (first_ms,) * heard, invalid, "it survived")


ROUNDS = [
    _run(LIVE, 1, 3000.0),
    _run(CACHED, 1, 10.0),
    _run(LIVE, 100, 8000.0, heard=0),
    _run(CACHED, 100, 20.0),
    _run(CACHED, 1, 20.0),
    _run(LIVE, 1, 4000.0),
    _run(CACHED, 100, 40.0),
    _run(LIVE, 100, 9000.0, heard=0),
]


def test_live_and_cached_are_compared_within_a_round() -> None:
    """GIVEN two rounds in either order THEN each ratio is of one round, at each number of readers."""
    found = ratios_of(ROUNDS)
    assert [(one.setting, one.values) for one in found] == [
        ("1 reader", (300.0, 200.0)),
        ("100 readers", (400.0, 225.0)),
    ]


def test_who_heard_nothing_has_no_latency_but_a_share() -> None:
    """GIVEN runs in which no block was answered THEN there is no latency of one, and 0 of the readers heard."""
    live = [one for one in figures_of(ROUNDS) if (one.subject, one.setting) == (LIVE, "100 readers")]
    assert not [one for one in live if one.quantity.startswith("block latency")]
    assert [one.values for one in live if one.quantity == HEARD] == [(0.0, 0.0)]
    assert [one.values for one in live if one.quantity == FIRST] == [(8000.0, 9000.0)]


def test_an_invalid_run_is_left_out_with_its_pair_and_says_why() -> None:
    """GIVEN an invalid run of live in the first round THEN live has the second, and only that is compared."""
    runs = [
        _run(LIVE, 10, 1.0, invalid="the load fell behind"),
        _run(CACHED, 10, 5.0),
        _run(CACHED, 10, 10.0),
        _run(LIVE, 10, 3000.0),
    ]
    first = {one.subject: one.values for one in figures_of(runs) if one.quantity == FIRST}
    assert first == {LIVE: (3000.0,), CACHED: (5.0, 10.0)}
    assert [one.values for one in ratios_of(runs)] == [(300.0,)]
    assert (
        "Live, 10 readers: invalid and left out, the load fell behind; it survived (1 of 1 heard)."
        in list(ends_of(runs))
    )


def test_runs_of_different_rounds_are_never_compared() -> None:
    """GIVEN each mode invalid in another round THEN both have figures, and there is no ratio."""
    runs = [
        _run(LIVE, 10, 3000.0),
        _run(CACHED, 10, 5.0, invalid="late"),
        _run(CACHED, 10, 10.0),
        _run(LIVE, 10, 1.0, invalid="late"),
    ]
    assert len({one.subject for one in figures_of(runs)}) == 2
    assert ratios_of(runs) == []


@pytest.mark.parametrize(("live_ms", "holds"), [(1000.0, True), (999.0, False)])
def test_a_hundred_times_sooner_at_every_number_of_readers(live_ms: float, holds: bool) -> None:  # noqa: FBT001
    """GIVEN one number of readers well above the limit and one at it THEN the second decides."""
    runs = [*ROUNDS, _run(LIVE, 1000, live_ms), _run(CACHED, 1000, 10.0)]
    promise = promise_of([one for one in ratios_of(runs) if one.setting != "100 readers"])
    assert promise.holds is holds
    assert promise.measured.startswith("1 reader: 250 times (200 to 300); 1,000 readers: ")


def test_nothing_measured_is_no_promise_kept() -> None:
    """GIVEN no ratio THEN whether the promise holds is not known."""
    assert promise_of([]).holds is None


def test_each_mode_and_number_says_how_its_runs_ended() -> None:
    """GIVEN the runs of two rounds THEN a sentence has both ends, with who heard something."""
    assert "Live, 100 readers: it survived (0 of 1 heard); it survived (0 of 1 heard)." in list(
        ends_of(ROUNDS)
    )


def test_numbers_of_readers_are_written_as_people_write_them() -> None:
    """GIVEN one and a thousand THEN the one is no plural, and the other has its comma."""
    assert (setting_of(1), setting_of(1000)) == ("1 reader", "1,000 readers")
