"""The plain file server."""

import os
import shutil

import pytest

from benchmarks import readers
from benchmarks.errors import BenchmarkError
from benchmarks.nginx import find_nginx


@pytest.fixture
def without_nginx(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without nginx, and a user who may not install it."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


@pytest.mark.usefixtures("without_nginx")
def test_a_server_that_cannot_be_had_is_told_in_one_line() -> None:
    """GIVEN no nginx and no right to install it THEN the error says how to get it, and nothing was tried."""
    told: list[str] = []
    with pytest.raises(BenchmarkError, match="apt-get install nginx"):
        find_nginx(told.append)
    assert told == []


@pytest.mark.usefixtures("without_nginx")
def test_without_its_file_server_the_command_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN no nginx WHEN the command is run THEN it ends before it makes a chunk, with one line."""
    monkeypatch.setattr(readers, "make_store", pytest.fail)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert readers.main(["--cases", "readers"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
