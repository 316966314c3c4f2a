"""The steps towards a build: what they are told, what is said when one fails, and what is checked at the end."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from profiles import processes
from profiles.build import Build
from profiles.errors import EXIT_USAGE, OomproofError
from profiles.gate.build_steps import BuildSteps
from tests.profiles.gate.repositories import SERVER, write_files


@pytest.fixture
def told() -> list[str]:
    """What a person was told."""
    return []


@pytest.fixture
def steps(tmp_path: Path, told: list[str]) -> BuildSteps:
    """Steps with a minute's time."""
    return BuildSteps("revision a32e9ed", tmp_path / "a.log", told.append, time.monotonic() + 60)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has no packages."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def test_a_step_is_told_and_its_output_kept(steps: BuildSteps, told: list[str]) -> None:
    """GIVEN two steps THEN a person reads what goes on, and the log holds what both printed."""
    steps.run("its files", ["echo", "one"])
    steps.run("its packages", ["sh", "-c", "echo $TWO"], TWO="two")
    assert told == ["revision a32e9ed: its files", "revision a32e9ed: its packages"]
    assert steps.log.read_text() == "one\ntwo\n"


def test_no_variable_of_ours_leads_a_step_elsewhere(
    steps: BuildSteps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN variables for our own Python and for a hook's git THEN no step gets them; the rest it gets."""
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "GIT_DIR", "UV_NATIVE_TLS"):
        monkeypatch.setenv(name, "1")
    steps.run("its files", ["env"])
    found = {line.partition("=")[0] for line in steps.log.read_text().splitlines()}
    assert "UV_NATIVE_TLS" in found
    assert not [name for name in found if name.startswith("PYTHON") or name == "GIT_DIR"]


def test_a_step_that_fails_is_one_line(steps: BuildSteps) -> None:
    """GIVEN a step that fails THEN the line names the revision, the step, its own reason and the log; exit code 2."""
    steps.run("its files", ["echo", "error: only a warning of an earlier step"])
    with pytest.raises(OomproofError) as failed:
        steps.run("its packages", ["sh", "-c", "echo no such wheel. >&2; exit 1"])
    assert str(failed.value) == f"revision a32e9ed: its packages: no such wheel. See {steps.log}."
    assert failed.value.exit_code == EXIT_USAGE


def test_a_step_that_cannot_be_started_is_one_line(steps: BuildSteps) -> None:
    """GIVEN a program that is not there THEN the line names it."""
    with pytest.raises(
        OomproofError, match=r"^revision a32e9ed: its files: no-such: No such file or directory\.$"
    ):
        steps.run("its files", ["no-such"])


def test_a_step_that_takes_too_long_is_ended(steps: BuildSteps, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN no time left THEN the step is ended, and the line names the log."""
    started: list[subprocess.Popen[bytes]] = []
    really_start = processes.start

    def start(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        started.append(really_start(command, log, environment=environment))
        return started[0]

    monkeypatch.setattr(processes, "start", start)
    late = BuildSteps("revision a32e9ed", steps.log, steps.tell, time.monotonic())
    with pytest.raises(
        OomproofError, match=f"^revision a32e9ed: its files: not done in time. See {steps.log}"
    ):
        late.run("its files", ["sleep", "60"])
    assert started[0].poll() is not None


def test_a_build_is_compiled_before_it_runs(steps: BuildSteps, python: Path, tmp_path: Path) -> None:
    """GIVEN an environment and a server that were never imported THEN both are compiled: no run has to."""
    root = write_files(tmp_path / "root")
    (package,) = (python.parent.parent / "lib").glob("*/site-packages")
    (package / "installed.py").write_text("x = 1\n")
    (package / "template.py").write_text("this is {no} Python\n")
    steps.make_ready(Build(root, python))
    assert list((root / "reference_server" / "__pycache__").glob("__main__.*.pyc"))
    assert list((package / "__pycache__").glob("installed.*.pyc"))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "reference_server/__init__.py",
            "raise RuntimeError('broken')\n",
            "its import: RuntimeError: broken",
        ),
        (SERVER, "def (:\n", "its bytecode: SyntaxError: invalid syntax"),
        (SERVER, None, "its import: error: there is no reference_server.__main__, which would start it"),
    ],
)
def test_a_server_that_cannot_start_is_found_before_any_run(
    steps: BuildSteps, python: Path, tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    """GIVEN a server that raises, is no Python or is missing THEN that is said before a VM is made for it."""
    root = write_files(tmp_path / "root")
    (root / name).unlink() if text is None else (root / name).write_text(text)
    with pytest.raises(OomproofError) as failed:
        steps.make_ready(Build(root, python))
    assert str(failed.value) == f"revision a32e9ed: {said}. See {steps.log}."


def test_a_server_of_another_place_is_not_taken_for_this_one(steps: BuildSteps, tmp_path: Path) -> None:
    """GIVEN a root without a server, and a Python that finds one elsewhere THEN that one is not measured for it."""
    with pytest.raises(OomproofError, match="its import: error: reference_server is taken from /"):
        steps.make_ready(Build(tmp_path))
