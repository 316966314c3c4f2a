"""A scope of systemd's, asked for with a stand-in for systemd-run: what is asked, and what is made of the answer."""

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from profiles import systemd_scope
from profiles.errors import OomproofError
from profiles.systemd_scope import MARK, enter, inside, offer, scope_command, walls


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A made-up cgroup v2 tree, on a machine that systemd runs, for a process in none of our scopes."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    (tmp_path / "systemd").mkdir()
    monkeypatch.setattr(systemd_scope, "own_base", lambda root, own=None: None)
    systemd_scope._given_controllers.cache_clear()
    yield tmp_path
    systemd_scope._given_controllers.cache_clear()


def answering(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a systemd-run on the path that does what `script` says; its arguments land in `asked`."""
    program = folder / "bin" / "systemd-run"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >>{shlex.quote(str(folder / "asked"))}\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)


def test_what_systemd_is_asked_for() -> None:
    """A user asks their own manager, root the machine's; the scope can be divided and goes with its command."""
    command = scope_command(["python", "-m", "x"], "oomproof-7", as_root=False)
    assert shlex.join(command) == (
        "systemd-run --user --scope --quiet --collect --no-ask-password -p Delegate=yes --unit=oomproof-7 "
        "-- python -m x"
    )
    assert "--user" not in scope_command(["x"], "oomproof-7", as_root=True)


@pytest.mark.parametrize(
    ("script", "available", "reason"),
    [
        ("echo cpu io memory pids", True, ""),
        ("echo memory pids", True, "gives this user no cpu controller"),
        ("echo cpu pids", False, "gives this user no memory controller"),
        (
            "echo Failed to connect to bus: No medium found >&2; echo more >&2; exit 1",
            False,
            "to bus: No medium found",
        ),
        ("exit 3", False, "ended with status 3"),
    ],
)
def test_a_scope_is_tried_before_it_is_offered(
    root: Path, monkeypatch: pytest.MonkeyPatch, script: str, *, available: bool, reason: str
) -> None:
    """GIVEN what systemd-run does THEN the offer says it in one line, with a way out where something is lacking."""
    answering(root, monkeypatch, script)
    found = offer(root, root / "systemd")
    assert found.available is available
    assert reason in found.reason
    assert bool(found.way_out) == bool(reason)
    assert "\n" not in found.text


def test_it_is_tried_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN several who ask for the offer THEN systemd makes one scope."""
    answering(root, monkeypatch, "echo cpu memory")
    assert offer(root, root / "systemd") == offer(root, root / "systemd")
    assert len((root / "asked").read_text().splitlines()) == 1


def test_a_systemd_that_does_not_answer_is_not_waited_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a systemd-run that hangs THEN the offer is refused in bounded time."""
    answering(root, monkeypatch, "exec sleep 60")
    monkeypatch.setattr(systemd_scope, "ANSWERS_WITHIN_S", 0.1)
    assert offer(root, root / "systemd").reason == "systemd-run: no answer within 0.1 s"


def test_where_systemd_cannot_be_had_it_is_not_asked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN another init, cgroup v1, or no systemd-run THEN the line says which it is."""
    answering(root, monkeypatch, "echo cpu memory")
    assert "does not run this machine" in offer(root, root / "none").reason
    assert "no cgroup v2 tree" in offer(root / "bin", root / "systemd").reason
    monkeypatch.setenv("PATH", str(root / "none"))
    assert offer(root, root / "systemd").reason == "systemd-run: not installed"
    assert not (root / "asked").exists()


class Replaced(Exception):  # noqa: N818  # no error: this process would be another program now
    """What execvpe was given."""


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the place of the system call that replaces this process."""

    def execvpe(program: str, command: list[str], environment: dict[str, str]) -> NoReturn:
        raise Replaced(program, command, environment)

    monkeypatch.setattr(os, "execvpe", execvpe)


@pytest.mark.usefixtures("replaced", "root")
def test_the_same_command_is_started_again_in_the_scope(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a process in no scope THEN its own command line is what systemd-run is to start, marked with the scope."""
    monkeypatch.setattr(sys, "orig_argv", ["python3", "-X", "dev", "/x/oomproof", "run", "live"])
    with pytest.raises(Replaced) as caught:
        enter()
    program, command, environment = caught.value.args
    assert program == command[0] == "systemd-run"
    assert f"--unit=oomproof-{os.getpid()}" in command
    assert command[command.index("--") + 1 :] == [sys.executable, "-X", "dev", "/x/oomproof", "run", "live"]
    assert environment[MARK] == f"oomproof-{os.getpid()}"


@pytest.mark.usefixtures("replaced", "root")
def test_it_is_started_again_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a process that systemd-run started and left outside THEN it is one line, and no loop."""
    monkeypatch.setenv(MARK, f"oomproof-{os.getpid()}")
    with pytest.raises(OomproofError, match="left us outside"):
        enter()


@pytest.mark.usefixtures("replaced", "root")
def test_the_mark_of_another_process_keeps_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an environment that was inherited from an oomproof in a scope THEN we ask for our own."""
    monkeypatch.setenv(MARK, "oomproof-1")
    with pytest.raises(Replaced):
        enter()


@pytest.mark.usefixtures("root")
def test_a_systemd_run_that_cannot_be_started_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no program of that name THEN the message names it and the way out."""

    def refuse(*_: Any) -> NoReturn:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "execvpe", refuse)
    with pytest.raises(
        OomproofError, match=r"^systemd-run: No such file or directory\. Use another backend\.$"
    ):
        enter()


def in_scope(tmp_path: Path, group: str) -> tuple[Path, Path]:
    """Return a made-up tree, and a membership of `group` in it."""
    (tmp_path / group).mkdir(parents=True)
    (tmp_path / group / "cgroup.procs").write_text("")
    (tmp_path / "membership").write_text(f"0::/{group}\n")
    return tmp_path, tmp_path / "membership"


@pytest.mark.parametrize("leaf", ["", "/oomproof-owner-9"])
def test_in_the_scope_vms_are_made_in_it(tmp_path: Path, leaf: str) -> None:
    """GIVEN a process in the scope, led out of it or not THEN the VM lies right below the scope, under its own name."""
    scope = "user.slice/app.slice/oomproof-9.scope"
    root, own = in_scope(tmp_path, scope + leaf)
    assert inside(root, own)
    found = walls("oomproof-9-1", root, own)
    assert found.backend == "systemd scope"
    assert found.hierarchy.folders("oomproof-9-1") == [root / scope / "oomproof-9-1"]


def test_outside_of_a_scope_there_are_no_walls(tmp_path: Path) -> None:
    """GIVEN a process in somebody else's scope THEN it is one line."""
    root, own = in_scope(tmp_path, "user.slice/session-3.scope")
    assert not inside(root, own)
    with pytest.raises(OomproofError, match="this process is in no scope"):
        walls("oomproof-9-1", root, own)
