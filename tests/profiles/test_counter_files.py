from pathlib import Path

import pytest

from profiles.counter_files import CounterFile, CounterFiles, integer, pressure, reading_of, seconds


def test_a_number_is_read_anew_each_time(tmp_path: Path) -> None:
    """GIVEN a counter that is kept open THEN it is its value of now that is read."""
    (tmp_path / "usage").write_text("12\n")
    file = CounterFile(tmp_path / "usage")
    assert file.number() == 12
    (tmp_path / "usage").write_text("13456\n")
    assert file.number() == 13456
    assert file.complaint is None


def test_a_file_that_is_not_there_is_named_and_looked_for_again(tmp_path: Path) -> None:
    """GIVEN no file THEN the value is None, and the reason names it; WHEN it comes THEN it is read."""
    file = CounterFile(tmp_path / "usage")
    assert file.number() is None
    assert file.complaint == f"{tmp_path / 'usage'}: No such file or directory"
    (tmp_path / "usage").write_text("1\n")
    assert file.number() == 1


@pytest.mark.parametrize("text", ["", "max\n", "12 13\n", "1.5\n", "\x00"])
def test_what_is_no_number_is_unknown(tmp_path: Path, text: str) -> None:
    """GIVEN anything but one number THEN it is None and never zero, and the reason quotes it."""
    (tmp_path / "usage").write_text(text)
    file = CounterFile(tmp_path / "usage")
    assert file.number() is None
    assert "says" in (file.complaint or "")


def test_a_table_has_a_value_for_each_key(tmp_path: Path) -> None:
    """GIVEN lines of a key and a value THEN they are that; a file that is not there is an empty table."""
    (tmp_path / "stat").write_text("anon 700\nfile 300\nhalf")
    assert CounterFile(tmp_path / "stat").table() == {b"anon": b"700", b"file": b"300"}
    assert CounterFile(tmp_path / "gone").table() == {}


def test_a_list_is_read_to_its_end(tmp_path: Path) -> None:
    """GIVEN more processes than one reading brings THEN all of them are there."""
    pids = "".join(f"{pid}\n" for pid in range(100_000, 140_000))
    (tmp_path / "procs").write_text(pids)
    assert CounterFile(tmp_path / "procs").whole() == pids.encode()
    assert CounterFile(tmp_path / "gone").whole() is None


def test_each_file_is_opened_once(tmp_path: Path) -> None:
    """GIVEN a path asked for twice THEN it is the same file."""
    files = CounterFiles()
    assert files[f"{tmp_path}/a"] is files[f"{tmp_path}/a"]


def test_pressure_is_the_last_ten_seconds() -> None:
    """GIVEN a PSI file THEN `some` and `full` are its avg10, in percent."""
    data = b"some avg10=1.50 avg60=9.00 avg300=9.00 total=9\nfull avg10=0.25 avg60=9.00 avg300=9.00 total=3\n"
    assert pressure(data) == (1.5, 0.25)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, (None, None)),
        (b"", (None, None)),
        (b"some avg10=", (None, None)),
        (b"some\nfull avg10=2.00 total=1\n", (None, 2.0)),
        (b"some avg10=1.00 total=1\n", (1.0, None)),
    ],
)
def test_half_a_pressure_file_is_half_known(
    data: bytes | None, expected: tuple[float | None, float | None]
) -> None:
    """GIVEN a file that is missing, cut off or without `full` THEN only what it says is known."""
    assert pressure(data) == expected


def test_unknown_stays_unknown_through_every_step() -> None:
    """GIVEN nothing, or no number THEN neither becomes one."""
    assert integer(None) is None
    assert integer(b"max") is None
    assert seconds(None, 1e6) is None
    assert seconds(2_500_000, 1e6) == 2.5


def test_a_reading_says_why_a_counter_is_unknown(tmp_path: Path) -> None:
    """GIVEN a counter, a missing file and a file without the line THEN the two unknown ones have their reason."""
    (tmp_path / "stat").write_text("file 300\n")
    stat, swap = CounterFile(tmp_path / "stat"), CounterFile(tmp_path / "swap")
    held = stat.table()
    reading = reading_of(
        {
            "file_bytes": (integer(held.get(b"file")), stat),
            "anon_bytes": (integer(held.get(b"anon")), stat),
            "swap_bytes": (swap.number(), swap),
        }
    )
    assert (reading.file_bytes, reading.anon_bytes, reading.swap_bytes) == (300, None, None)
    assert reading.why == {
        "anon_bytes": f"{tmp_path}/stat: does not say",
        "swap_bytes": f"{tmp_path}/swap: No such file or directory",
    }
