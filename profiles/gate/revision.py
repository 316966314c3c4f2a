"""A revision of this repository, built beside this tree so that its server can be measured too."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from profiles.build import HERE, THIS_TREE, Build
from profiles.errors import OomproofError
from profiles.gate.build_steps import BuildSteps, Tell
from profiles.gate.git import ask_git, git_command
from profiles.gate.kept_builds import forget_unused, held, log_of
from profiles.gate.tree_state import TreeState, tree_state

BUILT_WITHIN_S = 1200.0
"""Enough to download everything over a slow line; what takes longer hangs."""
FOLDER = "revisions"
_FETCH_ALL = "This clone is shallow: git fetch --unshallow, or fetch-depth: 0 where CI checks it out"
_STAMP = Path(".venv", "complete")


@dataclass(frozen=True)
class _Revision:
    """A commit of the repository around `here`, and where its build belongs."""

    commit: str
    described: str
    here: Path
    worktree: Path
    build: Build

    @property
    def stamp(self) -> Path:
        return self.build.root / _STAMP

    @property
    def stamped(self) -> str:
        """What a build depends on beside the commit: our Python, and a place that its scripts and paths name."""
        return f"{sys.version}\n{sys.base_prefix}\n{self.build.root}\n"

    def complete(self) -> bool:
        """Return whether it was built to the end, and nobody has changed it since."""
        try:
            stamped = self.stamp.read_text(encoding="utf-8") == self.stamped
        except (OSError, UnicodeDecodeError):
            return False
        return stamped and tree_state(self.build.root) == TreeState(self.commit, dirty=False)


def build_revision(rev: str, tell: Tell, cache: Path = Path(".cache"), *, repository: Path = HERE) -> Build:
    """Return a revision's build: its files, and an environment of its own with what it requires.

    It is made as that revision's Makefile makes it, but with our Python, in `cache`/revisions, and used again as long
    as it is whole. What was interrupted is begun anew; who comes second waits.

    Raises:
        OomproofError: there is no such revision, or it cannot be built.
    """
    revision = _find(rev, cache, repository)
    named, folder = f"revision {revision.described}", revision.worktree
    deadline = time.monotonic() + BUILT_WITHIN_S
    with _writable(folder.parent):
        with held(folder, deadline, lambda: tell(f"{named}: another gate builds it")):
            if not revision.complete():
                _make(revision, BuildSteps(named, log_of(folder), tell, deadline))
        if forget_unused(folder.parent):
            ask_git(repository, "worktree", "prune")
    return revision.build


def build_this_tree(tell: Tell, cache: Path = Path(".cache"), *, here: Build = THIS_TREE) -> Build:
    """Return the build of the code that is here, described by its commit and made ready as a revision's is.

    Raises:
        OomproofError: it cannot be compiled or imported.
    """
    with _writable(cache / FOLDER) as folder:
        log = folder / "this-tree.log"
        log.unlink(missing_ok=True)
        BuildSteps("this tree", log, tell, time.monotonic() + BUILT_WITHIN_S).make_ready(here)
    return replace(here, described=tree_state(here.root).described)


@contextlib.contextmanager
def _writable(folder: Path) -> Iterator[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    except OSError as error:
        raise OomproofError(
            f"{error.filename or folder}: {error.strerror}. Make it writable, make room, or remove it."
        ) from None


def _find(rev: str, cache: Path, repository: Path) -> _Revision:
    try:
        within = ask_git(repository, "rev-parse", "--show-prefix")
        shallow = ask_git(repository, "rev-parse", "--is-shallow-repository") == "true"
    except OomproofError as error:
        raise OomproofError(f"revision {rev!r}: {error}. Use a clone, or compare with a baseline.") from None
    try:
        commit = ask_git(repository, "rev-parse", "--verify", "--end-of-options", f"{rev}^{{commit}}")
    except OomproofError:
        way_out = _FETCH_ALL if shallow else "Fetch it, or name another (git log)"
        raise OomproofError(f"revision {rev!r}: the repository holds no such commit. {way_out}.") from None
    described = commit[:7] if commit.startswith(rev) else f"{rev} ({commit[:7]})"
    worktree = cache.resolve() / FOLDER / commit
    root = worktree / within
    build = Build(root, root / ".venv" / "bin" / "python", described)
    return _Revision(commit, described, repository, worktree, build)


def _make(revision: _Revision, steps: BuildSteps) -> None:
    root, python = revision.build.root, str(revision.build.python)
    install = [_uv(), "pip", "install", "-q", "--directory", str(root), "--python", python]
    if revision.worktree.exists():
        shutil.rmtree(revision.worktree)
    steps.log.unlink(missing_ok=True)
    # Twice --force: git remembers a worktree that is gone, and locks one that it was interrupted in.
    add = ("worktree", "add", "-q", "--force", "--force", "--detach", str(revision.worktree), revision.commit)
    steps.run("its files", git_command(revision.here, *add))
    steps.run("its environment", [sys.executable, "-I", "-m", "venv", "--without-pip", str(root / ".venv")])
    steps.run("its requirements", [*install, "--require-hashes", "-r", "requirements/run.txt"])
    steps.run("its packages", [*install, "--no-deps", "--no-build-isolation", "-e", "."])
    steps.make_ready(revision.build)
    revision.stamp.write_text(revision.stamped, encoding="utf-8")


def _uv() -> str:
    """Return where uv is: beside our Python, as the Makefile installs it, or on the path.

    Raises:
        OomproofError: it is nowhere.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise OomproofError(
            f"uv: neither at {beside} nor on the path. Install it: pip install -r requirements/uv.txt."
        )
    return found
