"""git, asked about the repository that holds a folder: whoever called us, and without its hooks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from profiles.errors import OomproofError

ANSWERS_WITHIN_S = 60.0
_SETTINGS = ("GIT_CONFIG_", "GIT_SSH", "GIT_SSL_")
"""Begin the names of git's variables that say how it works, and not on which repository."""
_MARKS = ("fatal: ", "error: ", "cause: ")
_NO_HOOKS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")


def git_environment() -> dict[str, str]:
    """Return our environment without what leads git to another repository.

    A hook finds GIT_DIR and GIT_INDEX_FILE in its own: they hold for every git command that it starts. What git says
    is in English, for `reason_in`, and it waits for no password.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(_SETTINGS)
    }
    return {**kept, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def git_command(folder: Path, *words: str) -> list[str]:
    """Return the command that runs git in `folder`, to be started in `git_environment()`."""
    return ["git", "--no-optional-locks", *_NO_HOOKS, "-C", str(folder), *words]


def reason_in(said: str) -> str:
    """Return the line in which a program says why it failed, the innermost cause where it names several.

    git, uv and build backends mark such lines, and go on with hints and details. Python's traceback ends with it.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    marked = [line for line in lines if line.startswith(_MARKS)]
    return (marked or lines or ["it said nothing"])[-1]


def ask_git(folder: Path, *words: str) -> str:
    """Return what git prints, without the end of its last line.

    Raises:
        OomproofError: there is no git, it refused, or it took too long; with git's own reason.
    """
    try:
        asked = subprocess.run(
            git_command(folder, *words),
            env=git_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=ANSWERS_WITHIN_S,
        )
    except FileNotFoundError:
        raise OomproofError("git: no such program. Install it.") from None
    except subprocess.TimeoutExpired:
        raise OomproofError(f"git {words[0]}: no answer within {ANSWERS_WITHIN_S:g} s.") from None
    if asked.returncode != 0:
        said = reason_in(asked.stderr.decode(errors="replace"))
        raise OomproofError(f"git {words[0]}: {said}")
    return asked.stdout.decode(errors="surrogateescape").rstrip("\n")
