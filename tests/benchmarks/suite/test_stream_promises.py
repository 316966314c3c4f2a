"""What must hold of open streams."""

import pytest

from benchmarks.suite.measured import Figure
from benchmarks.suite.peers import NGINX, OURS
from benchmarks.suite.stream_promises import A_STREAM, IN_ALL, OPEN, promises_of, setting_of


def figures(streams: int, *, stream_kb: float, in_all_mb: float, still_open: int) -> list[Figure]:
    """Two rounds: a good one, and one with these figures."""
    return [
        Figure(OURS, setting_of(streams), A_STREAM, "kB", (10.0, stream_kb)),
        Figure(OURS, setting_of(streams), IN_ALL, "MB", (100.0, in_all_mb)),
        Figure(OURS, setting_of(streams), OPEN, "1", (streams, still_open)),
        Figure(NGINX, setting_of(streams), A_STREAM, "kB", (900.0, 900.0)),
    ]


@pytest.mark.parametrize(
    ("stream_kb", "in_all_mb", "holds"),
    [(20.0, 150.0, (True, True)), (20.1, 150.0, (False, True)), (20.0, 150.1, (True, False))],
)
def test_the_worst_round_decides(stream_kb: float, in_all_mb: float, holds: tuple[bool, bool]) -> None:
    """GIVEN a good round and another THEN 20 kB a stream and 150 MB in all are kept, and no more."""
    found = promises_of(figures(5000, stream_kb=stream_kb, in_all_mb=in_all_mb, still_open=5000), [5000])
    assert tuple(one.holds for one in found) == holds
    assert found[0].measured == f"{stream_kb:.1f} kB in the worst of 2 rounds"


@pytest.mark.parametrize(("still_open", "holds"), [(4950, True), (4949, None)])
def test_fewer_streams_than_promised_tell_nothing(still_open: int, *, holds: bool | None) -> None:
    """GIVEN a round in which not 99 % of the streams were open THEN nothing is said of so many."""
    found = promises_of(figures(5000, stream_kb=1.0, in_all_mb=1.0, still_open=still_open), [5000])
    assert [one.holds for one in found] == [holds, holds]
    assert ("only 4,949 were open" in found[0].measured) == (holds is None)


def test_each_number_of_streams_has_its_promise_and_the_most_the_one_in_all() -> None:
    """GIVEN 1,000 and 5,000 streams THEN a stream is judged in both, and all together in the second."""
    found = promises_of(
        [
            *figures(1000, stream_kb=25.0, in_all_mb=1.0, still_open=1000),
            *figures(5000, stream_kb=15.0, in_all_mb=120.0, still_open=5000),
        ],
        [1000, 5000],
    )
    assert [(one.text, one.holds) for one in found] == [
        ("1,000 streams: at most 20 kB of RSS a stream.", False),
        ("5,000 streams: at most 20 kB of RSS a stream.", True),
        ("5,000 streams: under 150 MB of RSS in all.", True),
    ]
