"""The tail of requests.csv, as one process writes it, and as a master does for many, in batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiles.request_tail import RequestTail
from profiles.run_folder import REQUEST_COLUMNS

HEADER = ",".join(REQUEST_COLUMNS) + "\n"


def row(t: float, kind: str = "chunk", status: int = 200) -> str:
    """A row of a request sent at `t`."""
    return f"{t},0,{kind},{status},5,0.1,0.0,needed\n"


def append(path: Path, text: str) -> None:
    """Write more of the file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that holds its header and a block served before the restart."""
    file = tmp_path / "requests.csv"
    file.write_text(HEADER + row(10.0))
    return file


def test_only_audio_sent_after_the_restart_and_served_counts(path: Path) -> None:
    """GIVEN timings, a failure, a page in HTML, a play and an earlier request THEN only a chunk after them serves."""
    tail = RequestTail(path)
    tail.await_block(after=20.0)
    play = "21.0,0,play,200,0,,0.1,chunk\n"
    page = "21.0,0,tts,200,5,0.1,0.0,needed:unplayable\n"
    append(path, row(21.0, "timings") + row(21.0, "tts", 500) + page + play + row(19.9, "tts"))
    assert not tail.served()
    append(path, row(20.1, "tts"))
    assert tail.served()
    assert not tail.served()


def test_a_batch_that_comes_late_and_out_of_order_is_judged_by_its_times(path: Path) -> None:
    """GIVEN a worker's batch of three seconds ago after another's newer one THEN only what was sent after counts."""
    tail = RequestTail(path)
    tail.await_block(after=20.0)
    append(path, row(22.0, status=0) + row(23.0, status=0))
    assert not tail.served()
    append(path, row(17.0) + row(18.5) + row(19.0))
    assert not tail.served()
    append(path, row(19.5) + row(20.5) + row(18.0))
    assert tail.served()


def test_a_second_restart_is_not_served_by_rows_of_before(path: Path) -> None:
    """GIVEN a block served after the first restart that is told only after the second THEN it does not count."""
    tail = RequestTail(path)
    tail.await_block(after=20.0)
    append(path, row(20.5))
    assert tail.served()
    tail.await_block(after=30.0)
    append(path, row(25.0) + row(29.9))
    assert not tail.served()
    append(path, row(30.1))
    assert tail.served()


def test_half_a_batch_is_read_when_it_is_whole(path: Path) -> None:
    """GIVEN a batch caught while it is written THEN its cut row waits for its end, and no row is lost or read twice."""
    tail = RequestTail(path)
    tail.await_block(after=20.0)
    whole = row(20.0, status=0) + row(20.7)
    for start in range(0, len(whole) - 1, 7):
        append(path, whole[start : min(start + 7, len(whole) - 1)])
        assert not tail.served()
    append(path, whole[-1])
    assert tail.served()


def test_no_file_yet_is_no_block(tmp_path: Path) -> None:
    """GIVEN a master that has written nothing yet THEN nothing was served, and what comes then is seen."""
    tail = RequestTail(tmp_path / "requests.csv")
    tail.await_block(after=20.0)
    assert not tail.served()
    append(tmp_path / "requests.csv", HEADER + row(21.0))
    assert tail.served()


def test_nothing_is_looked_for_without_a_restart(path: Path) -> None:
    """GIVEN a run without a restart THEN served blocks are no news."""
    assert not RequestTail(path).served()


def test_a_load_of_one_s_own_has_its_own_words(tmp_path: Path) -> None:
    """GIVEN any kind of request, answered by any 2xx or 3xx THEN it was served; the end of a session is no request."""
    file = tmp_path / "requests.csv"
    file.write_text(HEADER + row(21.0, "session") + row(21.0, "get", 500) + row(21.0, "get", 0))
    tail = RequestTail(file, None)
    tail.await_block(after=20.0)
    assert not tail.served()
    append(file, row(22.0, "get", 304))
    assert tail.served()
