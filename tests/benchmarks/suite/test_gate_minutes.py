"""How long a gate takes, from what it wrote down."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.gate_runs import read
from benchmarks.suite import gate_minutes
from benchmarks.suite.gate_minutes import GateTime, recorded_time, time_of, timed_gate
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import line


def told(*began: str, took_s: float = 100.0) -> dict[str, Any]:
    """A `gate.json` whose runs of both sides began then."""
    runs = [{"started_at": f"2026-11-23T10:00:{second}+00:00"} for second in began]
    return {"took_s": took_s, "scenarios": [{"base_runs": runs, "head_runs": runs}]}


def test_a_gate_is_taken_apart_into_once_and_each() -> None:
    """GIVEN a gate of 100 s whose three runs a side began 20 s apart THEN each takes 20 s, and the rest is 40 s."""
    assert time_of(told("00", "20", "40")) == GateTime(once_s=40.0, each_s=20.0, runs=3)


def test_minutes_of_other_numbers_of_runs_are_calculated() -> None:
    """GIVEN 40 s once and 20 s for each THEN three runs take the 100 s that they took, and ten 4 minutes."""
    found = time_of(told("00", "20", "40"))
    assert found.minutes(3) * 60 == pytest.approx(100)
    assert found.minutes(10) == 4.0


def test_a_gate_that_was_shorter_than_its_runs_took_nothing_once() -> None:
    """GIVEN starts that whole seconds round to more than the gate took THEN nothing is left, and not less than that."""
    assert time_of(told("00", "20", took_s=39.5)).once_s == 0.0


def test_recorded_gates_are_taken_apart_too(tmp_path: Path) -> None:
    """GIVEN a recorded gate of 200 s with six runs a side, 20 s apart THEN it took 80 s once and 20 s for each."""
    lines = [line("gate-1", side, 20 * run) for side in ("base", "head") for run in range(6)]
    folder = gate_files.write(tmp_path, lines)
    (folder / "gates.jsonl").write_text('{"of": "gate-1", "exit_code": 0, "word": "pass", "took_s": 200}\n')
    assert recorded_time(read(folder)) == GateTime(once_s=80.0, each_s=20.0, runs=6)


def test_without_a_recorded_gate_there_is_no_time(tmp_path: Path) -> None:
    """GIVEN pairs, and no whole gate THEN the error says how to get one."""
    lines = [line("pair-1", side, 20 * run) for side in ("base", "head") for run in range(6)]
    with pytest.raises(BenchmarkError, match=r"benchmarks\.gate_itself"):
        recorded_time(read(gate_files.write(tmp_path, lines)))


def test_a_gate_that_cannot_run_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GIVEN a scenario that is not there THEN the gate's own word is in the error, with its exit code."""
    monkeypatch.setattr(gate_minutes, "SCENARIO", "no-such-scenario")
    with pytest.raises(BenchmarkError, match=r"exit code 2: .*no-such-scenario"):
        timed_gate(2, tmp_path)
