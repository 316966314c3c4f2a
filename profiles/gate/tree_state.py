"""Which state of the code a folder holds: the commit, and whether it was changed since."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from profiles.build import HERE
from profiles.errors import OomproofError
from profiles.gate.git import ask_git

_SERVER = ("reference_server", "requirements", "pyproject.toml")
"""What makes the server: here a new file counts before git is told of it."""
_NEVER = ("docs", "reports", "tests")


@dataclass(frozen=True)
class TreeState:
    """A commit's full number, None where git knows of none, and whether changes are not committed."""

    commit: str | None
    dirty: bool

    @property
    def described(self) -> str:
        """The state as people call it."""
        if self.commit is None:
            return "a state that git does not know"
        return self.commit[:7] + (" with changes not committed" if self.dirty else "")


def code_digest(root: Path = HERE) -> str:
    """Return what tells two states of the server's own files apart, whatever git knows of them."""
    digest = hashlib.sha256()
    for path in sorted((root / _SERVER[0]).rglob("*.py")):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def tree_state(root: Path = HERE) -> TreeState:
    """Return the state of the code in `root`.

    It is dirty when a tracked file is changed, staged or not, except in docs, reports and tests, which no run reads;
    or when a file that git neither knows nor ignores lies in reference_server or requirements. Whatever else git does
    not know, such as the runs and caches that we write ourselves, cannot change a server.

    Outside a repository, before its first commit, without git, and where git does not know `root`, which may be
    installed into a folder that somebody's repository ignores, there is no commit.
    """
    try:
        if not ask_git(root, "ls-files", "--", _SERVER[0]):
            return TreeState(None, dirty=False)
        commit = ask_git(root, "rev-parse", "--verify", "HEAD^{commit}")
        excluded = (f":(exclude){folder}" for folder in _NEVER)
        changed = ask_git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", *excluded)
        new = ask_git(root, "ls-files", "--others", "--exclude-standard", "--", *_SERVER)
    except OomproofError:
        return TreeState(None, dirty=False)
    return TreeState(commit, dirty=bool(changed or new))
