"""Which state a folder holds, as its reports will say."""

from __future__ import annotations

from pathlib import Path

import pytest

from profiles.gate.tree_state import TreeState, code_digest, tree_state
from tests.profiles.gate.repositories import SERVER, a_repository, commit, git, write_files

UNKNOWN = TreeState(None, dirty=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one commit, and nothing changed."""
    return a_repository(tmp_path / "repository")


def test_a_commit_is_called_by_the_first_of_its_number(root: Path) -> None:
    """GIVEN a repository in which nothing was changed THEN its state is the commit."""
    state = tree_state(root)
    assert state == TreeState(git(root, "rev-parse", "HEAD"), dirty=False)
    assert state.described == git(root, "rev-parse", "HEAD")[:7]


@pytest.mark.parametrize(
    ("name", "dirty"),
    [
        (SERVER, True),
        ("requirements/run.txt", True),
        ("pyproject.toml", True),
        ("loadtests/load.py", True),
        ("README.md", True),
        ("docs/guide.md", False),
        ("reports/report.json", False),
        ("tests/test_it.py", False),
    ],
)
def test_a_change_counts_but_where_no_run_reads_it(root: Path, name: str, *, dirty: bool) -> None:
    """GIVEN a tracked file that was changed THEN the state is dirty, unless it is a page, a report or a test."""
    (root / name).write_text("changed = 1\n")
    assert tree_state(root).dirty is dirty
    git(root, "add", name)
    assert tree_state(root).dirty is dirty, "staged it is the same"


def test_a_removed_file_is_a_change(root: Path) -> None:
    """GIVEN a tracked file that is gone THEN the state is dirty, and says so."""
    (root / "loadtests" / "load.py").unlink()
    assert tree_state(root).described == git(root, "rev-parse", "HEAD")[:7] + " with changes not committed"


@pytest.mark.parametrize(
    ("name", "dirty"),
    [
        ("reference_server/new.py", True),
        ("reference_server/deeper/new.py", True),
        ("requirements/more.txt", True),
        ("reference_server/__pycache__/old.pyc", False),
        ("loadtests/new.py", False),
        ("notes.txt", False),
        ("reports/runs/1/run.json", False),
        ("reports/new.json", False),
        (".cache/document.pdf", False),
    ],
)
def test_a_new_file_counts_where_it_could_change_the_server(root: Path, name: str, *, dirty: bool) -> None:
    """GIVEN a file that git was not told of THEN it counts beside the server's own, if git does not ignore it."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("new\n")
    assert tree_state(root).dirty is dirty


def test_a_file_that_was_only_touched_is_no_change(root: Path) -> None:
    """GIVEN a file with other times and the same text THEN nothing was changed."""
    (root / SERVER).touch()
    assert not tree_state(root).dirty


def test_committed_it_is_another_state(root: Path) -> None:
    """GIVEN a change WHEN it is committed THEN the state is that commit, and clean."""
    assert tree_state(root) != TreeState(commit(root, says="second"), dirty=False) == tree_state(root)


def test_only_the_own_part_of_a_larger_repository_counts(tmp_path: Path) -> None:
    """GIVEN our files in a folder of somebody's repository WHEN theirs change THEN ours have not."""
    root = write_files(tmp_path / "vendored")
    a_repository(tmp_path)
    (tmp_path / "README.md").write_text("theirs\n")
    assert tree_state(root) == TreeState(git(tmp_path, "rev-parse", "HEAD"), dirty=False)
    (root / "README.md").write_text("ours\n")
    assert tree_state(root).dirty


def test_outside_a_repository_no_commit_is_known(tmp_path: Path) -> None:
    """GIVEN files without a repository THEN there is no commit, in words too."""
    assert tree_state(write_files(tmp_path)) == UNKNOWN
    assert UNKNOWN.described == "a state that git does not know"


def test_before_the_first_commit_no_commit_is_known(tmp_path: Path) -> None:
    """GIVEN a repository without a commit THEN there is none."""
    git(write_files(tmp_path), "init", "-q")
    git(tmp_path, "add", "--all")
    assert tree_state(tmp_path) == UNKNOWN


def test_a_repository_that_ignores_us_does_not_name_our_state(root: Path) -> None:
    """GIVEN us installed into a folder that somebody's repository ignores THEN its commits are not ours."""
    assert tree_state(write_files(root / ".venv" / "site-packages")) == UNKNOWN


def test_without_git_no_commit_is_known(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a machine without git THEN a gate can still be held, of a state that nobody can name."""
    monkeypatch.setenv("PATH", str(root))
    assert tree_state(root) == UNKNOWN


def test_a_servers_code_is_told_from_another_whatever_git_knows(tmp_path: Path) -> None:
    """GIVEN a changed, a renamed or a new file of the server THEN the digest is another; else it is the same."""
    root = write_files(tmp_path)
    server = root / "reference_server"
    (server / "a.py").write_text("1\n")
    first = code_digest(root)
    (root / "README.md").write_text("more\n")
    assert code_digest(root) == first
    (server / "a.py").write_text("2\n")
    second = code_digest(root)
    (server / "a.py").rename(server / "b.py")
    assert len({first, second, code_digest(root)}) == 3
