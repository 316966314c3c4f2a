"""What is compared with what, and why nothing is: another machine, another document, no baseline, no valid run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from profiles.errors import OomproofError
from profiles.gate.baseline import BASELINE_FOLDER, read_baseline, to_gate_runs
from profiles.gate.comparison import (
    NOTHING_VALID,
    Stored,
    beside_baselines,
    conditions_of_runs,
    read_baselines,
    side_by_side,
)
from profiles.gate.decision import ScenarioRuns
from profiles.gate.measure import SideRuns
from profiles.scenario import Scenario, load_scenario
from profiles.vm_size import VmSize
from tests.profiles.gate import outcomes
from tests.profiles.gate.measured import MACHINE, side_runs, store_baseline, tiny

FLYS = VmSize(4096, 2, 0.125)


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """A small scenario from a file."""
    return tiny(tmp_path)


@pytest.fixture
def baselines(tmp_path: Path, scenario: Scenario) -> Path:
    """A folder with its baseline, made two at once."""
    store_baseline(tmp_path / "baselines", side_runs(tmp_path / "then", scenario))
    return tmp_path / "baselines"


def beside(head: SideRuns, baselines: Path, *, anyway: bool = False, at_once: int = 2) -> ScenarioRuns:
    """What head is compared with."""
    stored = read_baselines([head.scenario], baselines, anyway=anyway)
    (found,) = beside_baselines([head], FLYS, stored, at_once)
    return found


def test_the_same_conditions_are_compared(tmp_path: Path, scenario: Scenario, baselines: Path) -> None:
    """GIVEN head on the same machine with the same document THEN the baseline's runs stand beside its own."""
    head = side_runs(tmp_path / "now", scenario, more_mb=3)
    found = beside(head, baselines)
    assert found.base_runs == to_gate_runs(read_baseline(baselines / "tiny.json"))
    assert found.head_runs == head.runs
    assert (found.scenario, found.vm_memory_mb, found.budget_mb) == ("tiny", 512, 300)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("tables", "at_once", "why"),
    [
        (
            {"machine": {**MACHINE, "cpu_model": "Other CPU"}},
            2,
            "CPU model: Invented CPU in the baseline, Other CPU now",
        ),
        (
            {"document_sha256": "6f" * 32},
            2,
            "document: 5e5e5e5e5e5e… in the baseline, 6f6f6f6f6f6f… now",
        ),
        ({}, 1, "runs at once: 2 in the baseline, 1 now"),
        (
            {"machine": {"kernel": "7.0.1"}, "vm": {"backend": "watchdog"}},
            2,
            "kernel: 6.18 in the baseline, 7.0 now; what builds the VM: cgroup v1 in the baseline, watchdog now",
        ),
    ],
    ids=["machine", "document", "at once", "two"],
)
def test_other_conditions_are_not_compared(
    tmp_path: Path, scenario: Scenario, baselines: Path, tables: dict[str, Any], at_once: int, why: str
) -> None:
    """GIVEN a baseline of another machine or document THEN there is no base, and both values are told."""
    found = beside(side_runs(tmp_path / "now", scenario, tables=tables), baselines, at_once=at_once)
    assert found.base_runs is None
    assert found.uncompared == found.why == f"the baseline is of other conditions ({why})"


def test_they_are_compared_all_the_same_where_one_asks_for_it(
    tmp_path: Path, scenario: Scenario, baselines: Path
) -> None:
    """GIVEN --compare-anyway THEN the base is there, and what differs is a note."""
    tables = {"machine": {"cpus": 64}, "versions": {"oomproof": "0.2.0"}}
    found = beside(side_runs(tmp_path / "now", scenario, tables=tables), baselines, anyway=True)
    assert found.base_runs is not None
    assert found.uncompared == ""
    assert found.notes == (
        "compared all the same, as asked: CPU cores: 2 in the baseline, 64 now",
        "oomproof: 0.1.0 in the baseline, 0.2.0 now",
    )


@pytest.mark.parametrize("kernel", ["6.18.99", "7.0.1"])
def test_a_remark_is_made_whether_compared_or_not(
    tmp_path: Path, scenario: Scenario, baselines: Path, kernel: str
) -> None:
    """GIVEN another version of a package THEN that is a note, and no reason not to compare."""
    tables = {"machine": {"kernel": kernel}, "versions": {"oomproof": "0.2.0"}}
    found = beside(side_runs(tmp_path / "now", scenario, tables=tables), baselines)
    assert (found.base_runs is None) is (kernel == "7.0.1")
    assert found.notes == ("oomproof: 0.1.0 in the baseline, 0.2.0 now",)


def test_without_a_valid_run_nobody_knows(tmp_path: Path, scenario: Scenario, baselines: Path) -> None:
    """GIVEN head without a valid run THEN its conditions are not known, and nothing is compared."""
    found = beside(side_runs(tmp_path / "now", scenario, verdict="invalid"), baselines)
    assert (found.base_runs, found.why) == (None, NOTHING_VALID)


def test_the_first_valid_run_tells_the_conditions(tmp_path: Path, scenario: Scenario) -> None:
    """GIVEN a first run that was invalid, such as one whose VM was never made THEN the next is asked."""
    runs = side_runs(tmp_path, scenario).runs
    assert runs[0].folder is not None
    (runs[0].folder / "run.json").write_text("{}")
    found = conditions_of_runs([replace(runs[0], verdict="invalid"), *runs[1:]], 3)
    assert found is not None
    assert (found.machine.cpu_model, found.at_once) == ("Invented CPU", 3)
    assert conditions_of_runs([replace(run, folder=None) for run in runs], 3) is None


def test_a_scenario_without_a_baseline_says_how_to_make_one(tmp_path: Path, scenario: Scenario) -> None:
    """GIVEN no baseline THEN there is no base, and the line names the file and the command, which can be copied."""
    folder = tmp_path / "my baselines"
    found = beside(side_runs(tmp_path / "now", scenario), folder)
    assert found.base_runs is None
    assert found.why == (
        f"{folder}/tiny.json: there is no such baseline. Make one: oomproof baseline tiny.toml --baselines '{folder}'"
    )


def test_one_of_ours_is_made_by_its_name() -> None:
    """GIVEN a scenario that comes with the project, and the usual folder THEN its name is enough."""
    stored = read_baselines([load_scenario("live")], BASELINE_FOLDER, anyway=False)
    assert stored.missing == [
        "reports/baselines/live.json: there is no such baseline. Make one: oomproof baseline live"
    ]


def test_a_damaged_baseline_is_refused(baselines: Path, scenario: Scenario) -> None:
    """GIVEN a baseline that somebody edited THEN it is refused before anything is measured."""
    (baselines / "tiny.json").write_text("{")
    with pytest.raises(OomproofError, match=r"tiny\.json: "):
        read_baselines([scenario], baselines, anyway=True)


def test_baselines_are_described_by_their_states(baselines: Path, scenario: Scenario, tmp_path: Path) -> None:
    """GIVEN two baselines of one commit and a missing one THEN the commit is told once; without any, that is told."""
    found = read_baseline(baselines / "tiny.json")
    stored = Stored(tmp_path, {"a": found, "b": None, "c": found})
    assert stored.described == found.described
    assert len(stored.missing) == 1
    assert Stored(tmp_path, {"b": None}).described == "no baseline"


def test_both_sides_as_measured_stand_side_by_side(tmp_path: Path, scenario: Scenario) -> None:
    """GIVEN two scenarios of both sides THEN each head stands beside the base of its own scenario."""
    other = tiny(tmp_path, "other", "[expect]\n")
    base, head = side_runs(tmp_path, scenario, "base"), side_runs(tmp_path, scenario)
    other_base, other_head = side_runs(tmp_path, other, "base"), side_runs(tmp_path, other, verdict="crashed")
    found = side_by_side([base, head, other_base, other_head], FLYS)
    assert [(one.scenario, one.base_runs, one.head_runs) for one in found] == [
        ("tiny", base.runs, head.runs),
        ("other", other_base.runs, other_head.runs),
    ]
    assert [(one.vm_memory_mb, one.budget_mb) for one in found] == [(512, 300), (4096, None)]


def test_first_tries_of_both_sides_are_handed_on(tmp_path: Path) -> None:
    """GIVEN runs that were tried once more THEN their first tries go on to the decision, side by side."""
    scenario = load_scenario("gate-cached")
    first = outcomes.run("head", 1, verdict="unhealthy")
    base, head = (side_runs(tmp_path, scenario, side) for side in ("base", "head"))
    (found,) = side_by_side([base, replace(head, retried=(first,))], FLYS)
    assert (found.base_retried, found.head_retried) == ((), (first,))
