"""A target under memray: its command with the tracker in front, where that is a Python program."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from profiles.errors import OomproofError

CAPTURE_FILE = "heap.bin"
"""A plain capture: an aggregated one is empty when the process is killed."""
_ASKED_WITHIN_S = 30.0
_PYTHON = re.compile(r"python(?:\d+(?:\.\d+)?)?t?$")
_WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")
_ELSEWHERE = (
    "memray profiles Python only. Give the Python command itself (python -m NAME, python FILE, or a console script "
    "such as uvicorn); of any other target `run` tells what its process tree holds, and heaptrack its native heap"
)


def capture_path(folder: Path, restarts: int = 0) -> Path:
    """Return the capture of the server after so many restarts: a process has a file of its own."""
    return folder / (CAPTURE_FILE if restarts == 0 else f"heap.{restarts}.bin")


def captured(command: Sequence[str], capture: Path) -> list[str]:
    """Return the command with memray in front, which writes to `capture`.

    Raises:
        OomproofError: it is no Python program, or its Python has no memray.
    """
    python, options, program = _split(command)
    _check_memray(python)
    return [python, *options, "-m", "memray", "run", "-q", "-o", str(capture), *program]


def _split(command: Sequence[str]) -> tuple[str, list[str], list[str]]:
    """Return the interpreter, its options, and what it runs: `-m NAME …`, `-c CODE …` or `FILE …`."""
    if not command:
        raise OomproofError(f"target.command: is empty. {_ELSEWHERE}.")
    name, words = command[0], list(command[1:])
    if _PYTHON.search(Path(name).name) is None:
        script = shutil.which(name)
        python = None if script is None else _interpreter_of(Path(script))
        if script is None or python is None:
            raise OomproofError(f"target.command {name!r}: is no Python program. {_ELSEWHERE}.")
        return python, [], [script, *words]
    at = 0
    while at < len(words) and words[at].startswith("-") and not words[at].startswith(("-m", "-c")):
        at += 2 if words[at] in _WITH_VALUE else 1
    program = words[at:]
    if not program or words[at - 1 : at] == ["-"]:
        raise OomproofError(f"target.command {' '.join(command)!r}: names no program to run. {_ELSEWHERE}.")
    if program[0][:2] in {"-m", "-c"} and len(program[0]) > 2:
        program[:1] = [program[0][:2], program[0][2:]]  # -mNAME, which memray does not take
    return name, words[:at], program


def _interpreter_of(script: Path) -> str | None:
    """Return the Python that a console script names in its first lines; None where it names none."""
    try:
        with script.open("rb") as file:
            first, second = file.readline(4096), file.readline(4096)
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    words = first[2:].decode(errors="replace").split()
    if (
        words[:1] == ["/bin/sh"] and b"exec" in second
    ):  # an interpreter whose path is too long for a first line
        found = re.search(r"exec' \"?([^\" ]+)\"?", second.decode(errors="replace"))
        words = [found[1]] if found else []
    if words[:1] == ["/usr/bin/env"]:
        words = words[1:]
    named = words[0] if words else ""
    return named if _PYTHON.search(Path(named).name) else None


def _check_memray(python: str) -> None:
    try:
        asked = subprocess.run(
            [python, "-c", "import memray"], capture_output=True, check=False, timeout=_ASKED_WITHIN_S
        )
    except FileNotFoundError:
        raise OomproofError(f"target.command {python!r}: no such program. Check its path.") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OomproofError(f"target.command {python!r}: cannot be asked for memray: {error}.") from None
    if asked.returncode != 0:
        said = asked.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"it ended with status {asked.returncode}"
        way_out = (
            "Run make compare again" if python == sys.executable else f"Try {python} -m pip install memray"
        )
        raise OomproofError(f"{python}: memray cannot be used there ({reason}). {way_out}.")
