"""The folder of builds: one gate at a time, and not for ever."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.gate.kept_builds import KEPT_UNUSED_S, forget_unused, held, log_of


def a_build(folder: Path, unused_s: float = 0.0) -> Path:
    """A build that was used so many seconds ago, with its log."""
    build = folder / "5e5e"
    build.mkdir()
    (build / "file").write_text("a file")
    log_of(build).write_text("a log")
    with held(build, 0.0, pytest.fail):
        pass
    then = time.time() - unused_s
    os.utime(folder / "5e5e.lock", (then, then))
    return build


def test_who_comes_second_is_told_and_waits(tmp_path: Path) -> None:
    """GIVEN a build that is being made WHEN another gate wants it THEN it is told once, and goes on after the first."""
    first, told = contextlib.ExitStack(), []

    def waiting() -> None:
        told.append("waits")
        first.close()

    first.enter_context(held(tmp_path / "build", 0.0, pytest.fail))
    with held(tmp_path / "build", float("inf"), waiting):
        assert told == ["waits"]


def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    """GIVEN a gate that holds a build WHEN the time of the other is over THEN one line names the lock."""
    lock = tmp_path / "build.lock"
    with (
        held(tmp_path / "build", 0.0, pytest.fail),
        pytest.raises(OomproofError, match=f"^{lock}: another gate holds it"),
        held(tmp_path / "build", 0.0, lambda: None),
    ):
        pytest.fail("it was not held")


def test_who_looks_again_finds_it_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a gate that ends while another waits THEN that one sees it the next time it looks."""
    first = contextlib.ExitStack()
    first.enter_context(held(tmp_path / "build", 0.0, pytest.fail))
    monkeypatch.setattr(time, "sleep", lambda _: first.close())
    with held(tmp_path / "build", float("inf"), lambda: None):
        assert (tmp_path / "build.lock").exists()


def test_two_builds_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """GIVEN a build that is being made WHEN another revision's is wanted THEN nobody waits."""
    with held(tmp_path / "one", 0.0, pytest.fail), held(tmp_path / "two", 0.0, pytest.fail):
        assert (tmp_path / "two.lock").exists()


def test_what_nobody_used_for_long_is_removed(tmp_path: Path) -> None:
    """GIVEN a build that was not used for two weeks THEN it goes, with its log, and only once."""
    build = a_build(tmp_path, KEPT_UNUSED_S + 60)
    assert forget_unused(tmp_path) == [build]
    assert not build.exists()
    assert not log_of(build).exists()
    assert forget_unused(tmp_path) == []


def test_what_was_used_lately_stays(tmp_path: Path) -> None:
    """GIVEN a build that was used within two weeks THEN it stays."""
    build = a_build(tmp_path, KEPT_UNUSED_S - 60)
    assert forget_unused(tmp_path) == []
    assert (build / "file").exists()


def test_being_used_is_noted(tmp_path: Path) -> None:
    """GIVEN an old build WHEN it is used again THEN it stays for another two weeks."""
    build = a_build(tmp_path, KEPT_UNUSED_S + 60)
    with held(build, 0.0, pytest.fail):
        pass
    assert forget_unused(tmp_path) == []
    assert build.exists()


def test_what_somebody_holds_stays(tmp_path: Path) -> None:
    """GIVEN an old build that another gate has just taken THEN it is not removed under its feet."""
    build = a_build(tmp_path)
    with held(build, 0.0, pytest.fail):
        then = time.time() - KEPT_UNUSED_S - 60
        os.utime(tmp_path / "5e5e.lock", (then, then))
        assert forget_unused(tmp_path) == []
        assert build.exists()


def test_what_cannot_be_removed_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an old build of another user's WHEN it may not be removed THEN it stays, and the gate goes on."""

    def refuse(_folder: Path) -> None:
        raise PermissionError

    a_build(tmp_path, KEPT_UNUSED_S + 60)
    monkeypatch.setattr(shutil, "rmtree", refuse)
    assert forget_unused(tmp_path) == []
