"""The page cache is emptied as the kernel is told it, or not at all."""

import os
from pathlib import Path

import pytest

from benchmarks.suite import page_cache


@pytest.fixture(autouse=True)
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done; this machine's own page cache is left alone."""
    done: list[str] = []
    monkeypatch.setattr(os, "sync", lambda: done.append("sync"))
    return done


def test_what_is_to_be_written_is_written_first(
    done: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a user who may WHEN the page cache is emptied THEN what waits to be written goes first."""
    drop = tmp_path / "drop_caches"
    monkeypatch.setattr(page_cache, "_DROP", drop)
    page_cache.empty_page_cache()
    assert (done, drop.read_text()) == (["sync"], "3\n")


def test_who_may_not_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a kernel that does not take it THEN that is an OSError: nobody measures a warm cache as a cold one."""
    monkeypatch.setattr(page_cache, "_DROP", tmp_path)
    with pytest.raises(OSError, match="directory"):
        page_cache.empty_page_cache()
