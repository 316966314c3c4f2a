"""Any Python command can be put under memray, and what is none is refused with a way out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from profiles.errors import OomproofError
from profiles.heap_capture import capture_path, captured

CAPTURE = Path("run/heap.bin")
TRACKED = ["-m", "memray", "run", "-q", "-o", "run/heap.bin"]


def script(folder: Path, *lines: str) -> str:
    """A program of these lines, to be run."""
    path = folder / "serve"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["-m", "app", "--port", "1"], [*TRACKED, "-m", "app", "--port", "1"]),
        (["app.py", "-m"], [*TRACKED, "app.py", "-m"]),
        (
            ["-u", "-X", "dev", "-W", "error", "-m", "app"],
            ["-u", "-X", "dev", "-W", "error", *TRACKED, "-m", "app"],
        ),
        (["-Wdefault", "-mapp", "x"], ["-Wdefault", *TRACKED, "-m", "app", "x"]),
        (["-c", "print(1)"], [*TRACKED, "-c", "print(1)"]),
    ],
)
def test_a_python_command_is_tracked_with_its_own_options(given: list[str], expected: list[str]) -> None:
    """GIVEN what follows an interpreter THEN its options stay in front, and memray runs the program."""
    assert captured([sys.executable, *given], CAPTURE) == [sys.executable, *expected]


def test_a_tracked_program_has_the_last_word(tmp_path: Path) -> None:
    """GIVEN a server that ends while it starts THEN the last line of its log is its own, and not memray's advice."""
    command = captured([sys.executable, "-c", "raise SystemExit('no such table')"], tmp_path / "heap.bin")
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.splitlines()[-1] == "no such table"


def test_a_console_script_is_tracked_by_the_python_that_it_names(tmp_path: Path) -> None:
    """GIVEN a script whose first line is a Python THEN that Python runs it under memray."""
    program = script(tmp_path, f"#!{sys.executable} -s", "print(1)")
    assert captured([program, "app:app"], CAPTURE) == [sys.executable, *TRACKED, program, "app:app"]


def test_a_console_script_of_a_long_path_is_tracked_too(tmp_path: Path) -> None:
    """GIVEN a first line that is a shell's, and a second that leads to a Python THEN that Python runs it."""
    program = script(tmp_path, "#!/bin/sh", f'\'\'\'exec\' "{sys.executable}" "$0" "$@"', "' '''")
    assert captured([program], CAPTURE)[0] == sys.executable


@pytest.mark.parametrize("command", [["node", "server.js"], ["sleep", "1"], ["no-such-program-anywhere"], []])
def test_what_is_no_python_is_refused_with_what_to_use_instead(command: list[str]) -> None:
    """GIVEN another program THEN one line says that memray is for Python, and what else there is."""
    with pytest.raises(OomproofError, match=r"memray profiles Python only.*heaptrack"):
        captured(command, CAPTURE)


def test_a_python_without_a_program_is_refused() -> None:
    """GIVEN an interpreter and nothing to run THEN it is refused."""
    with pytest.raises(OomproofError, match="names no program"):
        captured([sys.executable, "-u"], CAPTURE)


def test_a_python_without_memray_is_one_line(tmp_path: Path) -> None:
    """GIVEN an interpreter that cannot import memray THEN the line gives its words and the way out."""
    folder = tmp_path / "bin"
    folder.mkdir()
    python = folder / "python3"
    python.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'memray'\" >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(OomproofError, match=r"No module named 'memray'\)\. Try .* -m pip install memray\.$"):
        captured([str(python), "app.py"], CAPTURE)


def test_a_python_that_is_not_there_is_one_line() -> None:
    """GIVEN an interpreter that does not exist THEN the line names it."""
    with pytest.raises(OomproofError, match="/nowhere/python3': no such program"):
        captured(["/nowhere/python3", "app.py"], CAPTURE)


def test_each_restart_has_a_capture_of_its_own(tmp_path: Path) -> None:
    """A server that is started again does not write over what killed the first."""
    assert [capture_path(tmp_path, n).name for n in range(3)] == ["heap.bin", "heap.1.bin", "heap.2.bin"]
