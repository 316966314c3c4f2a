"""Which commit a run measured: as it says itself, or as git knows."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.options_commit import code_commit, code_state, git, measured_commit
from profiles.run_folder import RunFolder
from tests.benchmarks.option_folders import make_run

NAME = "balance-500/live-1"


def told(repository: Path, *words: str) -> str:
    """What git says there, which must work."""
    run = subprocess.run(["git", "-C", repository, *words], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def commit(repository: Path, subject: str) -> str:
    """Commit everything and return the commit."""
    told(repository, "add", ".")
    told(repository, "commit", "-q", "-m", subject)
    return told(repository, "rev-parse", "--short", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit of code."""
    for key, value in (("NAME", "Somebody"), ("EMAIL", "somebody@example.org")):
        monkeypatch.setenv(f"GIT_AUTHOR_{key}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{key}", value)
    told(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("print(1)\n")
    commit(tmp_path, "Begun")
    return tmp_path


def run_that_ended(repository: Path, ago: timedelta, name: str = NAME) -> RunFolder:
    """A run in `reports`, whose end lies so far back."""
    folder = make_run(repository / "reports" / "options", name)
    run = json.loads((folder / "run.json").read_text())
    run["ended_at"] = (datetime.now(UTC) - ago).isoformat(timespec="seconds")
    (folder / "run.json").write_text(json.dumps(run))
    return RunFolder(folder)


def test_a_run_that_says_its_commit_is_believed(repository: Path) -> None:
    """GIVEN a commit in `run.json` THEN it is that one, whatever git says."""
    folder = run_that_ended(repository, timedelta(seconds=3))
    (folder.path / "run.json").write_text('{"commit": "abc1234 with changes not committed"}')
    assert measured_commit(RunFolder(folder.path)) == "abc1234 with changes not committed"


def test_the_code_is_the_last_commit_that_is_no_report(repository: Path) -> None:
    """GIVEN runs committed one after the other THEN each measured the code below them, not the run before."""
    code = told(repository, "rev-parse", "--short", "HEAD")
    first = run_that_ended(repository, timedelta(seconds=3))
    commit(repository, f"Measured: {NAME}")
    second = run_that_ended(repository, timedelta(seconds=3), "balance-500/live-2")
    commit(repository, "Measured: balance-500/live-2")
    (repository / "code.py").write_text("print(2)\n")
    commit(repository, "Changed since")
    assert measured_commit(first) == measured_commit(second) == code


@pytest.mark.parametrize(
    ("subject", "ago"),
    [
        (f"Measured: {NAME}", timedelta(hours=1)),  # brought here from elsewhere, long after
        (f"Measured: {NAME}", timedelta(hours=-1)),  # committed before it ended: a clock was set
        ("The runs are published", timedelta(seconds=3)),
    ],
)
def test_a_run_that_came_in_another_way_is_not_guessed_at(
    repository: Path, subject: str, ago: timedelta
) -> None:
    """GIVEN a run that was not committed as it ended THEN its commit is unknown."""
    folder = run_that_ended(repository, ago)
    commit(repository, subject)
    assert measured_commit(folder) is None


def test_a_run_that_is_not_committed_is_unknown(repository: Path) -> None:
    """GIVEN a run that git does not have THEN its commit is unknown."""
    assert measured_commit(run_that_ended(repository, timedelta())) is None


def test_the_state_of_a_tree_tells_changes(repository: Path) -> None:
    """GIVEN a clean tree, one with a new report, and one with changed code THEN only the last is said to differ."""
    code = told(repository, "rev-parse", "--short", "HEAD")
    assert code_state(repository) == code_commit(repository) == code
    (repository / "reports").mkdir()
    (repository / "reports" / "new").write_text("1")
    assert code_state(repository) == code
    (repository / "code.py").write_text("print(2)\n")
    assert code_state(repository) == f"{code} with changes not committed"


def test_outside_a_repository_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no repository, or no git at all THEN no commit is claimed."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert code_state(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git(tmp_path, "status") == ""
