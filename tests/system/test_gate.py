"""The gate, whole and small: two revisions with their own servers, real VMs, and each verdict that can be forced.

A clone of this repository has three commits: as it is here, with a server that holds 32 MB more, and with requirements
that nobody can install.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import psutil
import pytest

from profiles.cgroup import stale_groups
from profiles.machine import find_hierarchy
from profiles.run_folder import RunFolder
from tests.profiles.gate.repositories import commit, git

pytestmark = [pytest.mark.kernel, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
SCENARIO = """
[vm]
memory = "640MB"
[target]
pregenerated = true
[target.environment]
ALIGNERS = "1"
[load]
mode = "cached"
readers = 4
pace = 60
session_s = 60
chapters = 1
blocks = 3
[upstream]
latency = "1-1"
[expect]
verdict = "survived"
"""
SENTENCE = (
    "Every reader of this short book hears the same few words, again and again, until the session ends. "
)
HOLDS_FROM = '_log = logging.getLogger("reference_server")\n'
HELD_MB = 32
WITHIN_S = 240.0


@dataclass
class Clone:
    """A repository of its own, and the commits in it."""

    folder: Path
    as_it_is: str
    heavier: str
    broken: str

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the gate of the commit that is checked out, on the tiny scenario."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "GITHUB_"))}
        return subprocess.Popen(
            [sys.executable, "-m", "profiles.cli", "gate", "tiny.toml", "--document", "book.txt", *arguments],
            cwd=self.folder,
            env=plain,  # coverage would weigh on head's server alone: base's environment has none
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def gate(self, *arguments: str) -> tuple[int, list[str]]:
        """Run it to its end; return its exit code, and what it said."""
        with self.start(*arguments) as command:
            try:
                output, _ = command.communicate(timeout=WITHIN_S)
            except subprocess.TimeoutExpired:
                command.terminate()
                raise
        return command.returncode, output.splitlines()

    def processes(self) -> list[psutil.Process]:
        """Whatever runs in it: all that a gate starts runs where the gate was started."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if Path(process.cwd()).is_relative_to(self.folder):
                    found.append(process)
        return found


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """The clone, with the heavier server checked out."""
    folder = tmp_path_factory.mktemp("gate") / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    as_it_is = git(folder, "rev-parse", "HEAD")
    (folder / "requirements" / "run.txt").write_text("no-such-package==1.0 --hash=sha256:" + 64 * "0" + "\n")
    broken = commit(folder)
    git(folder, "reset", "-q", "--hard", as_it_is)
    server = folder / "reference_server" / "__main__.py"
    text = server.read_text()
    assert HOLDS_FROM in text
    server.write_text(text.replace(HOLDS_FROM, f'{HOLDS_FROM}_HELD = b"x" * ({HELD_MB} << 20)\n'))
    heavier = commit(folder)
    (folder / "tiny.toml").write_text(SCENARIO)
    (folder / "book.txt").write_text("\n\n".join(3 * [4 * SENTENCE]))
    return Clone(folder, as_it_is, heavier, broken)


@pytest.fixture(autouse=True)
def nothing_left_behind(clone: Clone) -> Iterator[None]:
    """However a test ends: no process in the clone, and no VM without its owner."""
    before = unowned_vms()
    yield
    assert [process.cmdline() for process in clone.processes()] == []
    left, deadline = unowned_vms() - before, time.monotonic() + 15
    while left:  # another test's, of a dead owner too, is removed by its recorder
        assert time.monotonic() < deadline, left
        time.sleep(0.05)
        left &= unowned_vms()


def unowned_vms() -> set[str]:
    """The VMs whose owner is no more."""
    return {group.name for group in stale_groups(find_hierarchy())}


def result_of(out: Path) -> dict[str, Any]:
    """What the gate wrote for programs."""
    found: dict[str, Any] = json.loads((out / "gate.json").read_text())
    return found


def test_two_runs_tell_nothing_and_leave_everything(clone: Clone) -> None:
    """GIVEN two runs of each side THEN it is inconclusive, and files and runs of both sides are there."""
    status, said = clone.gate("--against", "HEAD~1", "--runs", "2", "--at-once", "2", "--out", "two")
    assert status == 3, said
    assert said[-1] == "inconclusive: tiny (exit code 3)"
    assert f"Report: {Path('two', 'gate.md')}" in said
    out = clone.folder / "two"
    result = result_of(out)
    assert result["base"]["described"] == f"HEAD~1 ({clone.as_it_is[:7]})"
    assert result["head"]["described"] == clone.heavier[:7]
    suite = ET.parse(out / "junit.xml").getroot()  # noqa: S314  # we wrote it
    assert int(suite.get("tests", 0)) > 0
    assert "tiny" in (out / "gate.md").read_text()
    (scenario,) = result["scenarios"]
    for side, described in (("base", result["base"]["described"]), ("head", result["head"]["described"])):
        assert [run["verdict"] for run in scenario[f"{side}_runs"]] == ["survived", "survived"], scenario[
            "notes"
        ]
        for number in (1, 2):
            run = RunFolder(out / "tiny" / f"{side}-{number}")
            assert run.run["build"] == described
            assert run.samples
    assert not list(out.glob("work-*"))
    assert (clone.folder / ".cache" / "revisions" / clone.as_it_is / "reference_server").is_dir()


def test_a_server_that_holds_more_regressed(clone: Clone) -> None:
    """GIVEN a commit whose server holds 32 MB more THEN the gate proves it, says which memory, and draws it."""
    status, said = clone.gate("--against", "HEAD~1", "--runs", "6", "--out", "six")
    assert status == 1, said
    assert said[-1] == "regressed: tiny (exit code 1)"
    (scenario,) = result_of(clone.folder / "six")["scenarios"]
    assert "steady RSS of the process tree rose by " in scenario["reason"]
    steady = next(found for found in scenario["metrics"] if found["metric"]["name"] == "steady_rss_mb")
    assert steady["word"] == "regressed"
    assert steady["shift"] == pytest.approx(HELD_MB, abs=HELD_MB / 4)
    for kind in ("svg", "png"):
        assert (clone.folder / "six" / f"memory-tiny.{kind}").stat().st_size > 0
    suite = ET.parse(clone.folder / "six" / "junit.xml").getroot()  # noqa: S314  # we wrote it
    assert int(suite.get("failures", 0)) > 0


def test_a_revision_that_does_not_build_is_one_line(clone: Clone) -> None:
    """GIVEN a revision whose requirements cannot be installed THEN exit code 2, one line, and no folder of results."""
    status, said = clone.gate("--against", clone.broken, "--out", "broken")
    assert status == 2
    assert said[-1].startswith(f"oomproof: revision {clone.broken[:7]}: its requirements: ")
    assert not any("Traceback" in line for line in said)
    assert not (clone.folder / "broken").exists()


def test_a_gate_that_is_told_to_end_stops_everything(clone: Clone) -> None:
    """GIVEN a gate whose servers run WHEN SIGTERM arrives THEN exit code 130; servers, VMs and copies are gone."""
    out = clone.folder / "ended"
    with clone.start("--against", "HEAD~1", "--at-once", "2", "--out", "ended") as command:
        deadline = time.monotonic() + WITHIN_S
        while not all(RunFolder(out / f"pregenerate-{side}").named("started") for side in ("base", "head")):
            assert command.poll() is None, command.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        command.send_signal(signal.SIGTERM)
        output, _ = command.communicate(timeout=60)
    assert command.returncode == 130, output
    assert output.splitlines()[-1] == "oomproof: interrupted; everything started was stopped."
    assert not list(out.glob("work-*"))
