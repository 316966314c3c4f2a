"""Whole gates of a revision against itself: what is kept of each, with an invented command in the gate's place."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gate_itself
from benchmarks.gate import RUNS_FILE, Runs
from profiles.errors import EXIT_OK, EXIT_USAGE
from profiles.gate.tree_state import TreeState

RUN = {"verdict": "survived", "figures": {"steady_rss_mb": 69.1}, "started_at": "now", "host_psi_some": 0.1}


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were run; each leaves a gate.json of two runs a side, from a tree without changes."""
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        out = Path(command[-1])
        out.mkdir()
        scenario = {"base_runs": [RUN, RUN], "head_runs": [RUN, RUN]}
        found = {"word": "pass", "took_s": 100.4, "conditions": {"runs_at_once": 2}, "scenarios": [scenario]}
        (out / "gate.json").write_text(json.dumps(found))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(gate_itself, "tree_state", lambda: TreeState("a32e9ed", dirty=False))
    return commands


def test_each_gate_is_one_more_pair(said: list[list[str]], tmp_path: Path) -> None:
    """GIVEN two gates wanted THEN each is the command as people call it, and its runs and its word are kept."""
    assert gate_itself.main(["--out", str(tmp_path), "--gates", "2"]) == EXIT_OK
    assert [command[3:-1] for command in said] == [["gate", "--against", "HEAD", "--out"]] * 2
    lines = [json.loads(line) for line in (tmp_path / gate_itself.GATES_FILE).read_text().splitlines()]
    assert lines[1] == {"of": "gate-2", "exit_code": 0, "word": "pass", "took_s": 100.4}
    runs = Runs(tmp_path / RUNS_FILE)
    assert [line["side"] for line in runs.of("gate-1")] == ["base", "base", "head", "head"]


def test_what_is_there_is_not_done_again(said: list[list[str]], tmp_path: Path) -> None:
    """GIVEN a gate that was run THEN only what is missing is."""
    gate_itself.main(["--out", str(tmp_path), "--gates", "1"])
    assert gate_itself.main(["--out", str(tmp_path), "--gates", "2"]) == EXIT_OK
    assert len(said) == 2


def test_a_tree_with_changes_is_not_what_head_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN changes that are not committed THEN nothing is run, and the way out is told."""
    monkeypatch.setattr(gate_itself, "tree_state", lambda: TreeState("a32e9ed", dirty=True))
    assert gate_itself.main(["--out", str(tmp_path / "out")]) == EXIT_USAGE
    assert "Commit first" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_gate_that_says_nothing_ends_it(
    said: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """GIVEN a gate that left no result, or hung THEN that is told in a line, and nothing is kept of it."""

    def fails(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 2, "", "oomproof: no root\n")

    def hangs(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        raise subprocess.TimeoutExpired(command, 1)

    for broken, line in ((fails, "no root"), (hangs, "not done within")):
        monkeypatch.setattr(subprocess, "run", broken)
        assert gate_itself.main(["--out", str(tmp_path)]) == EXIT_USAGE
        assert line in capsys.readouterr().err
    assert not (tmp_path / gate_itself.GATES_FILE).exists()
