"""git, asked from wherever we are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.gate import git as asking
from profiles.gate.git import ask_git, git_environment, reason_in
from tests.profiles.gate.repositories import a_repository, git

UV_SAID = """error: Failed to download `uvicorn==0.54.0`
  cause: Hash mismatch for `uvicorn==0.54.0`

         Expected:
           sha256:00

         Computed:
           sha256:50
"""
GIT_SAID = """warning: something else
fatal: detected dubious ownership in repository at '/srv/x'
To add an exception for this directory, call:

\tgit config --global --add safe.directory /srv/x
"""
PYTHON_SAID = """Traceback (most recent call last):
  File "<string>", line 2, in <module>
ValueError: broken
"""


def a_program(folder: Path, text: str) -> None:
    """A `git` of ours in a folder of its own, which is all of PATH."""
    program = folder / "git"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)


def test_the_answer_comes_without_the_end_of_its_line(tmp_path: Path) -> None:
    """GIVEN a repository WHEN git is asked where it begins THEN the answer can be used as it is."""
    assert ask_git(a_repository(tmp_path), "rev-parse", "--show-toplevel") == str(tmp_path)


def test_the_repository_is_that_of_the_folder_also_in_a_hook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN the variables with which git starts its hooks WHEN another repository is asked THEN that one answers."""
    ours, theirs = a_repository(tmp_path / "ours"), a_repository(tmp_path / "theirs")
    monkeypatch.setenv("GIT_DIR", str(ours / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(ours))
    monkeypatch.setenv("GIT_INDEX_FILE", str(ours / "no-index"))
    monkeypatch.setenv("GIT_PREFIX", "docs/")
    assert ask_git(theirs, "rev-parse", "--show-toplevel") == str(theirs)
    assert ask_git(theirs, "ls-files", "pyproject.toml") == "pyproject.toml"


def test_settings_of_git_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN settings in the environment, such as CI gives for a folder of another owner THEN they are passed on."""
    monkeypatch.setenv("GIT_CONFIG_COUNT", "0")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -v")
    monkeypatch.setenv("GIT_QUARANTINE_PATH", "/elsewhere")
    found = git_environment()
    assert (found["GIT_CONFIG_COUNT"], found["GIT_SSH_COMMAND"]) == ("0", "ssh -v")
    assert "GIT_QUARANTINE_PATH" not in found
    assert found["GIT_TERMINAL_PROMPT"] == "0"


def test_a_refusal_gives_gits_reason(tmp_path: Path) -> None:
    """GIVEN a folder outside of any repository THEN the error says what git said."""
    with pytest.raises(OomproofError, match=r"^git rev-parse: fatal: not a git repository"):
        ask_git(tmp_path, "rev-parse", "HEAD")


def test_without_git_the_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a machine without git THEN one line says what to do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OomproofError, match=r"^git: no such program\. Install it\.$"):
        ask_git(tmp_path, "status")


def test_a_git_that_hangs_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a git that does not answer THEN the error says how long it was waited for."""
    a_program(tmp_path, "exec /bin/sleep 60")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(asking, "ANSWERS_WITHIN_S", 0.01)
    with pytest.raises(OomproofError, match=r"^git status: no answer within 0\.01 s\.$"):
        ask_git(tmp_path, "status")


def test_a_git_that_fails_without_a_word_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a git that only ends badly THEN that is no answer."""
    a_program(tmp_path, "exit 3")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OomproofError, match=r"^git status: it said nothing$"):
        ask_git(tmp_path, "status")


def test_asking_writes_nothing_into_the_repository(tmp_path: Path) -> None:
    """GIVEN a file whose times changed WHEN the state is asked for THEN git's index is left as it is."""
    root = a_repository(tmp_path)
    os.utime(root / "README.md", (1e9, 1e9))
    before = (root / ".git" / "index").read_bytes()
    assert ask_git(root, "status", "--porcelain") == ""
    assert (root / ".git" / "index").read_bytes() == before
    git(root, "status")
    assert (root / ".git" / "index").read_bytes() != before, "else this test could not fail"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (UV_SAID, "cause: Hash mismatch for `uvicorn==0.54.0`"),
        (GIT_SAID, "fatal: detected dubious ownership in repository at '/srv/x'"),
        (PYTHON_SAID, "ValueError: broken"),
        ("one line", "one line"),
        (" \n\n", "it said nothing"),
    ],
)
def test_the_reason_is_the_line_that_says_why(said: str, reason: str) -> None:
    """GIVEN what programs print as they fail THEN the line for a person is the cause, not a hint or a detail."""
    assert reason_in(said) == reason
