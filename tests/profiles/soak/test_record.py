"""The folder of a soak that goes on: whose it is, what was torn, who holds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.soak.record import Record, asked_before, last_t, read_soak, repair
from tests.profiles.soak.scripted import PAGE


def begun(folder: Path) -> Record:
    """The record of a soak that has begun."""
    record = Record(folder)
    record.begin(PAGE, {"t": 0.0})
    return record


def test_a_soak_goes_on_with_what_was_asked_at_first(tmp_path: Path) -> None:
    """GIVEN a folder of this target THEN what was asked; with its parts counted."""
    record = begun(tmp_path)
    assert asked_before(tmp_path, None) == asked_before(tmp_path, PAGE.target + "/") == PAGE
    assert record.begin(PAGE, {"t": 9.0}) == 2
    assert [part["t"] for part in read_soak(tmp_path)["parts"]] == [0.0, 9.0]


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"asked": {"target": "x"}}', '{"asked": 1}'])
def test_a_folder_that_is_none_of_a_soak_is_refused(tmp_path: Path, content: str | None) -> None:
    """GIVEN no folder, or one without a soak's file THEN one line with the folder."""
    if content is not None:
        (tmp_path / "soak.json").write_text(content)
    with pytest.raises(OomproofError, match="no soak that was begun") as error:
        asked_before(tmp_path if content is not None else tmp_path / "none", None)
    assert error.value.exit_code == 2


def test_another_targets_soak_and_one_that_is_over_are_refused(tmp_path: Path) -> None:
    """GIVEN another target, or a soak that is over THEN one line each."""
    record = begun(tmp_path)
    with pytest.raises(OomproofError, match=r"a soak of http://app\.test, not of http://other\.test"):
        asked_before(tmp_path, "http://other.test")
    record.end("the time was over", finished=True)
    with pytest.raises(OomproofError, match="is over"):
        asked_before(tmp_path, None)


def test_two_soaks_do_not_write_into_one_folder(tmp_path: Path) -> None:
    """GIVEN a soak that writes there THEN another is refused, until the first lets go."""
    record = begun(tmp_path)
    with pytest.raises(OomproofError, match="writes into it now"):
        Record(tmp_path)
    record.close()
    Record(tmp_path).close()


def test_a_torn_line_is_cut_off_and_a_whole_one_is_not(tmp_path: Path) -> None:
    """GIVEN files with and without a torn line THEN only what stands behind the last newline goes."""
    (tmp_path / "samples.csv").write_text("t,x\n1.0,2\n3.0,")
    (tmp_path / "events.jsonl").write_text('{"t": 1}\n')
    (tmp_path / "requests.csv").write_text("t,rea")
    assert repair(tmp_path) == {"samples.csv": 4, "requests.csv": 5}
    assert (tmp_path / "samples.csv").read_text() == "t,x\n1.0,2\n"
    assert (tmp_path / "requests.csv").read_text() == ""
    assert repair(tmp_path) == {}


def test_the_last_samples_time_is_found_without_reading_all(tmp_path: Path) -> None:
    """GIVEN no samples, a heading, and rows THEN before all time, the same, and the last row's."""
    path = tmp_path / "samples.csv"
    assert last_t(tmp_path) == float("-inf")
    path.write_text("t,vm_bytes\n")
    assert last_t(tmp_path) == float("-inf")
    path.write_text("t,vm_bytes\n" + "".join(f"{t}.0,1\n" for t in range(5000)))
    assert last_t(tmp_path) == 4999.0
