"""Which state of the code a run measured: as the run says it, or as git knows it."""

import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from profiles.run_folder import RunFolder

COMMITTED = "Measured: "
"""What the message of a run's commit begins with."""
COMMITTED_WITHIN = timedelta(minutes=10)
"""A run that came into the repository later than this after its end was brought there from elsewhere."""
CHANGED = " with changes not committed"
_CODE = (":(top)", ":(top,exclude)reports")


def measured_commit(folder: RunFolder) -> str | None:
    """Return the commit that a run measured: what it says itself, else what git knows of it.

    `benchmarks.options --commit` puts a run into the repository as soon as it is over, so the code that it measured
    is the last change before that commit which is no report. A run that came there in any other way is told as
    unknown.
    """
    told = folder.run.get("commit")
    if told:
        return str(told)
    added = git(folder.path, "log", "-1", "--diff-filter=A", "--format=%H%x00%cI%x00%s", "--", "verdict.json")
    if not added:
        return None
    commit, at, subject = added.split("\0", 2)
    ended = datetime.fromisoformat(str(folder.run["ended_at"]))
    late = datetime.fromisoformat(at) - ended
    if not subject.startswith(COMMITTED) or not timedelta(0) <= late <= COMMITTED_WITHIN:
        return None
    return code_commit(folder.path, commit)


def code_commit(folder: Path, at: str = "HEAD") -> str | None:
    """Return the last commit up to `at` that changed more than reports; None outside a repository."""
    return git(folder, "log", "-1", "--format=%h", at, "--", *_CODE) or None


def code_state(folder: Path) -> str | None:
    """Return the same of what is in the working tree, and whether it has changes besides; None outside a repository."""
    commit = code_commit(folder)
    changed = git(folder, "status", "--porcelain", "--untracked-files=no", "--", *_CODE)
    return f"{commit}{CHANGED}" if commit and changed else commit


def git(folder: Path, *words: str) -> str:
    """Return what git says, run in that folder; empty where it says nothing, or there is none."""
    try:
        told = subprocess.run(
            ["git", "-C", folder, *words], capture_output=True, text=True, check=False, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
