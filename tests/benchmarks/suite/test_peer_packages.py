"""Packages that are only compared with."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import peer_packages
from benchmarks.suite.peer_packages import LOCKED, ROOT, environment_with, versions_in


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for what is installed."""
    monkeypatch.setattr(peer_packages, "_CACHE", tmp_path / "peers")
    return tmp_path / "peers"


def test_every_package_is_locked_by_hash() -> None:
    """GIVEN the peers' lock file THEN each package has hashes, and nothing says where from."""
    entries = LOCKED.read_text().replace("\\\n", " ").splitlines()
    packages = [entry.split("==")[0] for entry in entries if "==" in entry]
    assert {"uvloop", "granian"} <= set(packages)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)
    assert "://" not in LOCKED.read_text()


def test_they_are_installed_once_under_the_name_of_their_lock_file(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN nothing installed WHEN they are asked for twice THEN uv runs once, and the folder is whole from then on."""
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str], **_: object) -> object:
        commands.append(command)
        Path(command[command.index("--target") + 1]).mkdir(parents=True)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    told: list[str] = []
    folder = peer_packages.peer_packages(told.append)
    assert folder == peer_packages.peer_packages(told.append)
    assert (
        folder.name == f"{sys.implementation.cache_tag}-{hashlib.sha256(LOCKED.read_bytes()).hexdigest()[:8]}"
    )
    assert [path.name for path in cache.iterdir()] == [folder.name]
    assert len(commands) == len(told) == 1
    assert "--require-hashes" in commands[0]


@pytest.mark.usefixtures("cache")
def test_what_cannot_be_installed_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an installer that fails THEN its last line is the reason."""
    failed = SimpleNamespace(returncode=1, stderr="error: a\n  no network\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(BenchmarkError, match=r"peers\.txt: .* cannot be installed: no network"):
        peer_packages.peer_packages(lambda _: None)


@pytest.mark.usefixtures("cache")
def test_a_machine_without_uv_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no uv THEN the error says that it is uv which is missing."""

    def run(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", "uv")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(BenchmarkError, match=r"uv: .*No such file"):
        peer_packages.peer_packages(lambda _: None)


def test_a_peers_python_finds_this_project_and_its_packages(tmp_path: Path) -> None:
    """GIVEN a folder of packages THEN it stands behind this project on the path, and ours only where there is none."""
    assert environment_with(tmp_path)["PYTHONPATH"].split(os.pathsep) == [str(ROOT), str(tmp_path)]
    assert environment_with(None)["PYTHONPATH"] == str(ROOT)


def test_versions_are_read_from_the_folder(tmp_path: Path) -> None:
    """GIVEN an installed package THEN its version is told, and none of our own environment."""
    info = tmp_path / "one-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: one\nVersion: 1.2\n")
    assert versions_in(tmp_path) == {"one": "1.2"}
