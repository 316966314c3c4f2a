from pathlib import Path

import pytest

from profiles.event_log import EventLog
from profiles.read_figures import read_figures
from profiles.run_folder import RunFolder
from profiles.vm_size import MIB

NOTHING = {"server_read_mb": None, "server_storage_read_mb": None, "page_cache_share": None}


def folder_of(path: Path, *points: tuple[str, int | None, int | None], restarted: bool = False) -> RunFolder:
    """A run with these checkpoints: label, MB read, MB from storage."""
    events = EventLog(path)
    if restarted:
        events.write("restarted", pid=7)
    for label, read_mb, storage_mb in points:
        read, storage = (None if mb is None else mb * MIB for mb in (read_mb, storage_mb))
        events.write("checkpoint", label=label, server_read_bytes=read, server_storage_read_bytes=storage)
    events.close()
    return RunFolder(path)


def test_the_share_is_what_storage_did_not_have_to_give(tmp_path: Path) -> None:
    """GIVEN 200 MB read under load, 50 of them from storage THEN three quarters were in the page cache."""
    found = read_figures(folder_of(tmp_path, ("before", 10, 8), ("after", 210, 58)))
    assert found == {"server_read_mb": 200.0, "server_storage_read_mb": 50.0, "page_cache_share": 0.75}


def test_what_read_ahead_fetched_too_much_makes_no_share_below_nothing(tmp_path: Path) -> None:
    """GIVEN more from storage than was asked for THEN the share is 0."""
    assert read_figures(folder_of(tmp_path, ("before", 0, 0), ("after", 10, 12)))["page_cache_share"] == 0


def test_who_read_nothing_has_no_share(tmp_path: Path) -> None:
    """GIVEN no byte read THEN no share of it."""
    assert read_figures(folder_of(tmp_path, ("before", 5, 5), ("after", 5, 5))) == {
        "server_read_mb": 0.0,
        "server_storage_read_mb": 0.0,
        "page_cache_share": None,
    }


@pytest.mark.parametrize(
    "points",
    [
        (),
        (("before", 10, 8),),
        (("before", 10, None), ("after", 20, 9)),
        (("before", 10, 8), ("after", None, None)),
    ],
)
def test_what_was_not_noted_is_unknown(
    tmp_path: Path, points: tuple[tuple[str, int | None, int | None], ...]
) -> None:
    """GIVEN a checkpoint that is missing, of an older run or of a kernel that does not count THEN nothing is said."""
    assert read_figures(folder_of(tmp_path, *points)) == NOTHING


def test_two_servers_have_no_common_count(tmp_path: Path) -> None:
    """GIVEN a restart THEN the second server's count is not taken for a rise of the first's."""
    assert read_figures(folder_of(tmp_path, ("before", 10, 8), ("after", 12, 9), restarted=True)) == NOTHING
