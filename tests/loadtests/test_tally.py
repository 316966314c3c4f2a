from collections.abc import Callable
from typing import Any, Literal

import pytest

from loadtests.request_log import Row
from loadtests.tally import Tally


def play(source: str, *, waited_s: float = 0.0, t: float = 10.0) -> Row:
    """A block that began to play, or never did."""
    return Row(t, 1, "play", 0 if source.endswith("never") else 200, 0, None, waited_s, source)


def audio(
    t: float, status: int = 200, *, kind: Literal["tts", "chunk"] = "tts", source: str = "needed"
) -> Row:
    """A request for audio."""
    return Row(t, 1, kind, status, 100, 0.1, 0.0, source)


def tally_of(*rows: Row) -> Tally:
    """The counts of some rows."""
    tally = Tally()
    for row in rows:
        tally.add(row)
    return tally


def test_blocks_count_by_source_and_readers_by_their_first() -> None:
    """A block that never came is none; whoever heard a first one heard something."""
    tally = tally_of(
        play("first:live"), play("chunk"), play("asked:chunk"), play("cache"), play("first:never")
    )
    assert dict(tally.blocks) == {"live": 1, "chunk": 2, "cache": 1}
    assert tally.heard == 1


def test_stalls_are_waits_in_turn_and_silence_is_more() -> None:
    """A stall is a wait of more than 0.25 s for the next in turn; silence also what ended with no block."""
    tally = tally_of(
        play("chunk", waited_s=0.25),
        play("chunk", waited_s=0.26),
        play("never", waited_s=2.0),
        play("first:live", waited_s=4.0),
        play("asked:live", waited_s=4.0),
        play("asked:never", waited_s=8.0),
        play("asked:never", waited_s=0.1),
    )
    assert tally.stalls == 2
    assert tally.silence_s == pytest.approx(10.26)


def test_word_timings_are_too_late_when_they_never_came() -> None:
    """What came while the block played is late, and not too late."""
    rows = [Row(1.0, 1, "unhighlighted", status, 0, None, 1.0, "") for status in (200, 0, 0)]
    assert tally_of(*rows).timings_too_late == 2


def test_a_missing_chunk_and_a_reader_who_left_are_no_failures() -> None:
    """A 404 is an answer, a 499 is neither; a page instead of an MP3 is a failure."""
    tally = tally_of(
        audio(1.0, 404, kind="chunk"),
        audio(2.0, 499),
        audio(3.0, 404),
        audio(4.0, source="needed:unplayable"),
        audio(5.0, 0),
    )
    assert (tally.audio_requests, tally.audio_failures) == (5, 3)


def test_a_run_in_which_nothing_was_heard_is_no_pass() -> None:
    """Even where no request failed, because none was sent."""
    assert Tally().unwell() == "nothing was heard, 0 of 0 requests for audio failed"


@pytest.mark.parametrize(
    ("failed", "unwell"), [(1, None), (2, "2 of 100 requests for audio failed, more than 1%")]
)
def test_more_than_one_of_a_hundred_audio_requests_may_not_fail(failed: int, unwell: str | None) -> None:
    """The boundary is exact."""
    rows = [audio(float(t), 500 if t < failed else 200) for t in range(100)]
    assert tally_of(play("first:live"), *rows).unwell() == unwell


WELL = [audio(float(t)) for t in range(1000)]
HEARD = play("first:live", t=0.0)
GONE = "nobody got audio in the last tenth of the run"


@pytest.mark.parametrize(
    ("late", "unwell"),
    [
        ([audio(t, 0) for t in (1119.0, 1120.0, 1130.0)], GONE),
        ([audio(t, 0) for t in (1119.0, 1130.0)], None),
        ([*(audio(t, 0) for t in (1119.0, 1120.0, 1130.0)), audio(1125.0)], None),
        ([play("cache", t=1200.0)], None),
        ([play("never", waited_s=115.0, t=1150.0)], GONE),
        ([play("never", waited_s=114.0, t=1150.0)], None),
        ([play("never", waited_s=100.0, t=1000.0), play("chunk", t=1150.0), audio(1150.0, 499)], None),
    ],
    ids=["failed", "too few", "came back", "not asked", "hung", "waited for less", "gave up before"],
)
def test_a_server_that_has_gone_is_unwell_however_well_it_began(late: list[Row], unwell: str | None) -> None:
    """In the last tenth of the run nobody got audio, while three requests for it failed or a reader waited."""
    assert tally_of(HEARD, *WELL, *late).unwell() == unwell


def test_counts_travel_and_add_up(sent: Callable[[object], tuple[Any, int]]) -> None:
    """Two workers' counts, sent as Locust sends them, are the counts of all their rows."""
    one = [
        play("first:live", waited_s=1.0, t=3.0),
        audio(2.5),
        audio(4.0, 500),
        play("never", waited_s=3.0, t=8.0),
    ]
    other = [
        play("chunk", waited_s=2.0, t=1.0),
        audio(0.5),
        Row(9.0, 2, "unhighlighted", 0, 0, None, 1.0, ""),
    ]
    arrived = [sent(tally_of(*rows).to_json())[0] for rows in (one, other)]
    assert Tally.together(map(Tally.from_json, arrived)) == tally_of(*one, *other)
