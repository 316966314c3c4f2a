"""What must hold where chunks are served."""

import pytest

from benchmarks.suite.chunk_promises import CPU, RATE, RSS, memory_promise, promises_of, rate_promise
from benchmarks.suite.measured import Effort, Figure, Ratio
from benchmarks.suite.peers import FILE_RESPONSE, NGINX, OURS

SETTING = "16 connections"
FULL, SHORT = Effort(full=True), Effort(full=False)


def ratios(*rates: float, peer: str = NGINX, setting: str = SETTING) -> list[Ratio]:
    """Rounds with these ratios of requests/s, at twice the CPU."""
    return [
        Ratio(RATE, setting, OURS, peer, rates),
        Ratio(CPU, setting, OURS, peer, tuple(2.0 for _ in rates)),
    ]


@pytest.mark.parametrize(
    ("rates", "effort", "holds"),
    [
        ((0.5, 0.5, 0.5), FULL, True),
        ((0.499, 0.499, 0.6), FULL, False),
        ((0.4, 0.5, 0.6), FULL, True),
        ((0.6, 0.7), SHORT, True),
        ((0.3, 0.4), SHORT, False),
        ((0.4, 0.9), SHORT, None),
    ],
)
def test_the_median_decides_and_the_short_form_only_where_all_agree(
    rates: tuple[float, ...], effort: Effort, *, holds: bool | None
) -> None:
    """GIVEN rounds THEN half of nginx's requests/s is enough by their median; few rounds that differ tell nothing."""
    assert rate_promise(ratios(*rates), SETTING, NGINX, 0.5, effort).holds is holds


def test_what_was_measured_is_told_in_requests_and_in_cpu() -> None:
    """GIVEN three rounds THEN median and extremes of both are told."""
    told = rate_promise(ratios(0.4, 0.6, 0.5), SETTING, NGINX, 0.5, FULL)
    assert told.text == "Chunk serving, 16 connections: at least 0.5 times the requests/s of nginx."
    assert told.measured == (
        "0.50 times (0.40 to 0.60 in 3 rounds) the requests/s; 2.00 times (2.00 to 2.00 in 3 rounds) the CPU a request"
    )


def test_a_peer_that_was_not_measured_is_no_judge() -> None:
    """GIVEN FileResponse alone, and nginx in another setting only THEN what is promised beside nginx is open."""
    found = [*ratios(6.0, peer=FILE_RESPONSE), *ratios(0.9, setting="256 connections")]
    nginx, file_response = promises_of(found, SETTING, FULL)
    assert (nginx.measured, nginx.holds) == ("nginx was not measured", None)
    assert file_response.holds is True


@pytest.mark.parametrize(("highest_mb", "holds"), [(78.5, True), (79.0, False), (160.0, False)])
def test_a_quarter_of_a_chunk_a_connection_is_too_much(highest_mb: float, *, holds: bool) -> None:
    """GIVEN 256 connections, 50 MB before, chunks of 450 kB THEN 29 MB more are too much, in any way and round."""
    figures = [
        Figure(OURS, SETTING, RSS, "MB", (50.0, 60.0)),
        Figure(OURS, "256 connections", RSS, "MB", (55.0, highest_mb)),
        Figure(NGINX, SETTING, RSS, "MB", (900.0,)),
    ]
    told = memory_promise(figures, 256, 50.0, 450_000)
    assert told.holds is holds
    assert f"{highest_mb:.1f} MB at most, 50.0 MB before" in told.measured
