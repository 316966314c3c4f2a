import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.line_file import LineFile


@contextlib.contextmanager
def full_at(size: int) -> Iterator[None]:
    """A disk on which no file grows beyond `size` bytes: the last write is cut short, the next is refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_line_that_does_not_fit_leaves_no_piece_of_itself(tmp_path: Path) -> None:
    """GIVEN room for a line and a half WHEN the second is written THEN only the first is there."""
    file = LineFile(tmp_path / "lines")
    with full_at(9):
        assert file.append(b"first\n") is None
        assert file.append(b"second\n") == "File too large"
        assert (tmp_path / "lines").read_bytes() == b"first\n"


def test_a_file_that_may_not_grow_at_all_says_so(tmp_path: Path) -> None:
    """GIVEN no room for a byte THEN the kernel's own words are the reason."""
    file = LineFile(tmp_path / "lines")
    with full_at(0):
        assert file.append(b"first\n") == "File too large"
    assert LineFile("/dev/full").append(b"first\n") == "No space left on device"


def test_lines_go_on_when_there_is_room_again(tmp_path: Path) -> None:
    """GIVEN a line that was refused WHEN there is room THEN the next stands right behind the last whole one."""
    file = LineFile(tmp_path / "lines")
    with full_at(9):
        assert file.append(b"first\n") is None
        assert file.append(b"second\n") is not None
    assert file.append(b"third\n") is None
    assert (tmp_path / "lines").read_bytes() == b"first\nthird\n"


def test_a_piece_that_could_not_be_cut_off_is_cut_off_before_the_next_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk that refuses even to shorten the file THEN that is done as soon as it can be."""
    file = LineFile(tmp_path / "lines")
    with full_at(3), monkeypatch.context() as broken:
        broken.setattr("os.ftruncate", _fail)
        assert file.append(b"first\n") == "Input/output error"
    assert (tmp_path / "lines").read_bytes() == b"fir"
    assert file.append(b"second\n") is None
    assert (tmp_path / "lines").read_bytes() == b"second\n"


def test_what_another_process_wrote_is_never_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a piece of a line behind which another process has written THEN its line stays."""
    file, other = LineFile(tmp_path / "lines"), LineFile(tmp_path / "lines")
    with full_at(3), monkeypatch.context() as broken:
        broken.setattr("os.ftruncate", _fail)
        file.append(b"first\n")
    assert other.append(b"other\n") is None
    assert file.append(b"second\n") is None
    assert (tmp_path / "lines").read_bytes() == b"firother\nsecond\n"


def _fail(fd: int, size: int) -> None:
    raise OSError(5, "Input/output error")
