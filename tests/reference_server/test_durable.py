"""Files are whole or absent."""

import errno
import os
from pathlib import Path

import pytest

from reference_server.durable import is_leftover, remove_folder, remove_leftovers, write_aside, write_whole


def test_a_write_replaces_the_whole_file(tmp_path: Path) -> None:
    """The new bytes are there, and nothing else is left in the folder."""
    path = tmp_path / "file"
    write_whole(path, b"old and long")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk that is full WHEN a file is replaced THEN the old one stays, with no debris beside it."""
    path = tmp_path / "file"
    write_whole(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_written_aside_is_hidden(tmp_path: Path) -> None:
    """A name with a dot is what opening and pruning a store know as debris."""
    assert write_aside(tmp_path, b"x").name.startswith(".")


def test_removing_a_folder_tells_whether_it_was_there(tmp_path: Path) -> None:
    """The first removal takes everything, the second finds nothing."""
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_text("x")
    assert remove_folder(folder)
    assert not remove_folder(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_cannot_be_given_leaves_nothing_aside(tmp_path: Path) -> None:
    """GIVEN a folder in the place of the file THEN the write fails, and no hidden file stays."""
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_leftovers_are_known_by_their_names_and_removed(tmp_path: Path) -> None:
    """What is written aside and what is half removed; other hidden files stay."""
    assert is_leftover(write_aside(tmp_path, b"x").name)
    (tmp_path / ".doomed-1").mkdir()
    (tmp_path / ".doomed-1" / "file").write_text("x")
    (tmp_path / ".doomed-link").symlink_to(tmp_path)
    (tmp_path / ".hidden").write_text("x")
    assert remove_leftovers(tmp_path) == 3
    assert [path.name for path in tmp_path.iterdir()] == [".hidden"]
