"""The gate's case: power beside minutes."""

from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.gate import Effect
from benchmarks.suite import gate_power
from benchmarks.suite.gate_minutes import GateTime
from benchmarks.suite.gate_round import (
    ALARMS,
    FOUND,
    GATE,
    GATES,
    MINUTES,
    ONE,
    PER_MINUTE,
    RULES,
    VERDICT,
    WHOLE,
)
from benchmarks.suite.measured import Effort, Measured
from tests.benchmarks import gate_files
from tests.benchmarks.gate_files import believable

SIX = GATES[0].name
EIGHT_MB = "8 MB more from the start"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Believable runs in place of the recorded ones, and a gate that takes 40 s once and 20 s for each run."""
    written = gate_files.write(
        tmp_path / "runs", list(believable(16, 12, (Effect("hold", 8), Effect("leak", 32))))
    )
    monkeypatch.setattr(gate_power, "FOLDER", written)
    monkeypatch.setattr(gate_power, "timed_gate", lambda runs, _: GateTime(40.0, 20.0, runs, (0.05, 0.07)))
    monkeypatch.setattr(Effort, "of", lambda _, short, __: min(short, 8))
    return tmp_path


def measured(folder: Path) -> Measured:
    """The case, in its smallest form."""
    return gate_power.measure(Effort(full=False), folder, lambda _: None)


def test_power_has_its_price(folder: Path) -> None:
    """GIVEN 40 s once and 20 s for each run THEN six runs take 160 s, and what they find is told a minute too."""
    found = {(f.subject, f.setting, f.quantity): f.values for f in measured(folder).figures}
    assert found[SIX, WHOLE, MINUTES] == pytest.approx((160 / 60,))
    assert found[ONE, WHOLE, MINUTES] == (1.0,)
    assert found[SIX, EIGHT_MB, FOUND] == (1.0, 1.0)
    assert found[SIX, EIGHT_MB, PER_MINUTE] == pytest.approx((60 / 160, 60 / 160))
    assert found[GATE, WHOLE, VERDICT] == pytest.approx((50.0, 70.0))


def test_each_rule_is_told_with_its_false_alarms(folder: Path) -> None:
    """GIVEN rounds THEN each rule has the share of false alarms in each of them."""
    alarms = {f.subject: f.values for f in measured(folder).figures if f.quantity == ALARMS}
    assert alarms.keys() == {rule.name for rule in RULES}
    assert alarms[SIX] == (0.0, 0.0)
    assert all(len(values) == 2 for values in alarms.values())


def test_only_what_was_measured_is_told(folder: Path) -> None:
    """GIVEN runs of two of the six regressions THEN there are figures of those two."""
    settings = {figure.setting for figure in measured(folder).figures if figure.quantity == FOUND}
    assert settings == {EIGHT_MB, "32 KiB more a session"}


def test_a_rule_that_finds_nothing_is_compared_with_by_no_ratio(folder: Path) -> None:
    """GIVEN rules THEN each ratio is of the gate of six runs to a rule that found something in every round."""
    found = measured(folder)
    assert {ratio.subject for ratio in found.ratios} == {SIX}
    ratios = {(ratio.setting, ratio.quantity, ratio.peer): ratio.median for ratio in found.ratios}
    assert ratios[WHOLE, MINUTES, ONE] == pytest.approx(160 / 60)
    assert ratios[EIGHT_MB, PER_MINUTE, ONE] < 1


def test_the_same_runs_give_the_same_power(folder: Path) -> None:
    """GIVEN the same runs twice THEN all but the CPU of a decision is the same."""
    first, second = ([f for f in measured(folder).figures if "CPU" not in f.quantity] for _ in range(2))
    assert first == second


def test_where_no_gate_can_be_run_recorded_ones_tell_the_time(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """GIVEN a machine that makes no VM THEN the minutes are those of recorded gates, and a note says why."""

    def no_gate(_: int, __: Path) -> GateTime:
        raise BenchmarkError("oomproof gate: exit code 2: needs root")

    monkeypatch.setattr(gate_power, "timed_gate", no_gate)
    monkeypatch.setattr(gate_power, "recorded_time", lambda _: GateTime(80.0, 20.0, 6))
    found = measured(folder)
    assert any("exit code 2: needs root" in note for note in found.notes)
    minutes = {f.subject: f.median for f in found.figures if f.quantity == MINUTES}
    assert minutes[SIX] == pytest.approx(200 / 60)


def test_without_recorded_runs_nothing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIVEN no recorded runs THEN the case says how to make them."""
    monkeypatch.setattr(gate_power, "FOLDER", tmp_path)
    with pytest.raises(BenchmarkError, match=r"python -m benchmarks\.gate"):
        measured(tmp_path)
