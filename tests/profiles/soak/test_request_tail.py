"""Rows counted as they come."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiles.soak.request_tail import Counts, RequestTail, highest_reader

HEADING = "t,reader,kind,status,bytes,latency_s,late_s,source\n"


def test_rows_count_once_and_a_row_that_is_begun_not_yet(tmp_path: Path) -> None:
    """GIVEN rows that come in pieces THEN each counts at the look after its end."""
    path = tmp_path / "requests.csv"
    tail = RequestTail(path)
    assert tail.look() == Counts()
    path.write_text(f"{HEADING}1.0,7,tts,200,10,0.5,0.0,needed\n2.0,7,tts,503,0,0.5,0.0,ah")
    assert tail.look() == Counts(audio=1, served_t=1.5, highest_reader=7)
    with path.open("a") as file:
        file.write(
            "ead\n3.0,8,play,200,0,,0.3,live\n4.0,8,play,200,0,,9.9,first:live\n5.0,8,whisper,200,1,1.0,0.0,first\n"
        )
    assert tail.look() == Counts(audio=1, failed=1, blocks=1, stalls=1, highest_reader=8)
    assert tail.look() == Counts()


def test_what_was_there_before_was_counted_before(tmp_path: Path) -> None:
    """GIVEN a file of an earlier part THEN only what comes counts."""
    path = tmp_path / "requests.csv"
    path.write_text(f"{HEADING}1.0,7,tts,500,10,0.5,0.0,needed\n")
    tail = RequestTail(path)
    with path.open("a") as file:
        file.write("2.0,9,chunk,404,0,0.1,0.0,needed\n")
    assert tail.look() == Counts(audio=1, highest_reader=9)


def test_what_had_no_answer_while_our_network_was_gone_counts_for_nothing(tmp_path: Path) -> None:
    """GIVEN a refusal, two without an answer and one that came THEN in a gap of ours one failure of two is left."""
    path = tmp_path / "requests.csv"
    tail = RequestTail(path)
    rows = "".join(f"{t}.0,0,tts,{status},0,0.1,0.0,needed\n" for t, status in enumerate((503, 0, 0, 200)))
    path.write_text(HEADING + rows)
    counts = tail.look()
    assert (counts.audio, counts.failed, counts.unanswered) == (4, 3, 2)
    left = counts.in_own_gap()
    assert (left.audio, left.failed, left.served_t) == (2, 1, 3.1)


def test_a_missing_chunk_is_an_answer_and_speech_that_cannot_be_played_is_none(tmp_path: Path) -> None:
    """GIVEN both, and a reader who left THEN one failure, and nothing was served."""
    path = tmp_path / "requests.csv"
    tail = RequestTail(path)
    path.write_text(
        f"{HEADING}1.0,0,chunk,404,0,0.1,0.0,needed\n2.0,0,tts,200,9,0.1,0.0,needed:unplayable\n3.0,0,tts,499,0,0.1,0.0,needed\n"
    )
    assert tail.look() == Counts(audio=3, failed=1, highest_reader=0)


def test_the_highest_reader_is_that_of_the_last_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no file, a heading, and rows of which only the last are read THEN none, none, and the highest of those."""
    path = tmp_path / "requests.csv"
    assert highest_reader(path) == -1
    path.write_text(HEADING)
    assert highest_reader(path) == -1
    path.write_text(HEADING + "".join(f"{t}.0,{t % 10},play,200,0,,0.0,chunk\n" for t in range(25)))
    assert highest_reader(path) == 9
    monkeypatch.setattr("profiles.soak.request_tail.LAST_BYTES", 80)
    assert highest_reader(path) == 4
