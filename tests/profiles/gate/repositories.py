"""Small invented repositories, each with a server that says where its code is and what it is told to say."""

from __future__ import annotations

import subprocess
from pathlib import Path

from profiles.gate.git import git_environment

WHO = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
PLAIN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
SERVER = "reference_server/__main__.py"
FILES = {
    "reference_server/__init__.py": "",
    SERVER: "print('first')\n",
    "requirements/run.txt": "",
    "pyproject.toml": "[project]\nname = 'invented'\n",
    ".gitignore": "*.pyc\n.cache/\n.venv/\nreports/runs/\n",
    "README.md": "Read me.\n",
    "loadtests/load.py": "",
    "docs/guide.md": "A guide.\n",
    "reports/report.json": "{}\n",
    "tests/test_it.py": "",
}


def git(folder: Path, *words: str) -> str:
    """Have git do it there, whatever settings the person has who runs the tests; return what it prints."""
    command, environment = ["git", *WHO, "-C", str(folder), *words], {**git_environment(), **PLAIN}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder: Path, says: str | None = None) -> str:
    """Commit all that is there, with `says` as what the server prints; return the commit's number."""
    if says is not None:
        (folder / SERVER).write_text(f"print({says!r})\n")
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "--allow-empty", "-m", "A change")
    return git(folder, "rev-parse", "HEAD")


def write_files(folder: Path) -> Path:
    """Write the files of a server and what is around it."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def a_repository(folder: Path) -> Path:
    """Make a repository with one commit."""
    write_files(folder)
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder
