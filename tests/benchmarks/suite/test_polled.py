"""What a poller wrote of itself."""

from pathlib import Path

from benchmarks.suite.polled import looks_in
from benchmarks.watched_target import Look


def test_a_poller_that_has_not_begun_has_told_nothing(tmp_path: Path) -> None:
    """GIVEN no file, and then an empty one THEN nothing was told."""
    assert looks_in(tmp_path / "polled.csv") == []
    (tmp_path / "polled.csv").touch()
    assert looks_in(tmp_path / "polled.csv") == []


def test_a_row_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    """GIVEN two rows and a part of a third THEN the two are told."""
    (tmp_path / "polled.csv").write_text("1.5,0.25,4096\n1.6,0.26,4096\n1.7,0.2")
    assert looks_in(tmp_path / "polled.csv") == [Look(1.5, 0.25), Look(1.6, 0.26)]
