from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from profiles.gate.conditions import Conditions, Differences, conditions_of, differences
from profiles.gate.strict_json import to_text
from profiles.run_file import update_run, write_run
from profiles.run_folder import RunFolder, RunFolderError
from profiles.scenario import Scenario
from profiles.vm_size import VmSize

ROOT = Path(__file__).parents[3]
PUBLISHED = RunFolder(ROOT / "reports" / "compare" / "cached")
SHA = "5e" * 32


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder whose run.json is written by what writes that of real runs."""
    scenario = Scenario.model_validate(
        {
            "name": "gate-cached",
            "description": "invented",
            "vm": {"memory": "4GB"},
            "target": {"environment": {"ALIGNERS": "1"}},
            "load": {"mode": "cached", "readers": 64, "pace": 60.0},
        }
    )
    write_run(tmp_path, scenario, VmSize(4096, 2, 0.125), "the project's own stand-in", memray=False)
    update_run(
        tmp_path,
        vm={"backend": "cgroup v1", "emulated": False, "cpu_limited": True},
        machine={
            "cpu_model": "Invented CPU",
            "cpus": 2,
            "memory_mb": 24105,
            "kernel": "6.18.44-fc-v669",
            "python": "3.11.7",
        },
        document_sha256=SHA,
    )
    return tmp_path


def changed(run: Path, **tables: object) -> Conditions:
    """The conditions of the run once some tables of its run.json are changed."""
    update_run(run, **tables)
    return conditions_of(RunFolder(run))


def with_table(run: Path, table: str, **values: object) -> dict[str, Any]:
    """The run's scenario with other values in one of its tables."""
    scenario: dict[str, Any] = json.loads((run / "run.json").read_text())["scenario"]
    return {**scenario, table: {**scenario[table], **values}}


def test_the_conditions_are_what_run_json_tells(run: Path) -> None:
    """GIVEN what a run writes THEN machine, VM, document, scenario and versions are told from it."""
    found = conditions_of(RunFolder(run), at_once=2)
    machine, vm = found.machine, found.vm
    assert (machine.cpu_model, machine.cpus, machine.memory_gb) == ("Invented CPU", 2, 23.5)
    assert (machine.kernel, machine.vm_backend, found.python) == ("6.18", "cgroup v1", "3.11.7")
    assert (vm.memory_mb, vm.swap_mb, vm.cpus, vm.share_of_core, vm.cpu_limited) == (4096, 0, 2, 0.125, True)
    assert (found.document_sha256, found.profiled, found.at_once) == (SHA, False, 2)
    assert (found.scenario.load.readers, found.scenario.vm.memory_mb) == (64, 4096)
    assert found.scenario.target.environment == {"ALIGNERS": "1"}
    assert found.versions["oomproof"]
    assert "description" not in found.model_dump_json()


def test_an_older_run_has_todays_defaults_for_what_it_lacks() -> None:
    """GIVEN a published run from before there were mixes, swap and latencies THEN its conditions can be told."""
    found = conditions_of(PUBLISHED)
    assert (found.scenario.load.mix, found.scenario.upstream.latency, found.vm.swap_mb) == (
        "steady",
        "2-5",
        0,
    )
    assert found.vm.cpu_limited is None


def test_conditions_come_back_from_text(run: Path) -> None:
    """GIVEN conditions as a baseline holds them THEN they are read as they were."""
    found = conditions_of(RunFolder(run))
    text = to_text(found.model_dump(mode="json", exclude_none=True))
    assert Conditions.model_validate_json(text, by_name=True) == found


def test_the_same_conditions_do_not_differ(run: Path) -> None:
    """GIVEN another name, description and expectation THEN nothing differs: they change no memory."""
    before = conditions_of(RunFolder(run))
    scenario = with_table(run, "expect", stalls=3)
    now = changed(run, scenario={**scenario, "name": "other", "description": "other"})
    assert differences(before, now) == Differences()


@pytest.mark.parametrize(
    ("table", "values", "line"),
    [
        ("machine", {"cpu_model": "AMD"}, "CPU model: Invented CPU in the baseline, AMD now"),
        ("machine", {"cpu_model": None}, "CPU model: Invented CPU in the baseline, none now"),
        ("machine", {"cpus": 4}, "CPU cores: 2 in the baseline, 4 now"),
        ("machine", {"memory_mb": 16000}, "memory of the machine, GB: 23.5 in the baseline, 15.6 now"),
        ("machine", {"kernel": "6.19.1"}, "kernel: 6.18 in the baseline, 6.19 now"),
        ("machine", {"kernel": "unknown"}, "kernel: 6.18 in the baseline, unknown now"),
        ("machine", {"python": "3.12.0"}, "Python: 3.11.7 in the baseline, 3.12.0 now"),
        ("vm", {"backend": "watchdog"}, "what builds the VM: cgroup v1 in the baseline, watchdog now"),
        ("vm", {"memory_mb": 2048}, "VM's memory_mb: 4096 in the baseline, 2048 now"),
        ("vm", {"cpu_limited": False}, "VM's cpu_limited: yes in the baseline, no now"),
    ],
)
def test_another_kind_of_machine_cannot_be_compared(
    run: Path, table: str, values: dict[str, object], line: str
) -> None:
    """GIVEN one condition of the machine or its VM that is another THEN one line says both values."""
    before = conditions_of(RunFolder(run))
    assert differences(before, changed(run, **{table: values})) == Differences(incomparable=(line,))


@pytest.mark.parametrize(
    ("table", "values", "line"),
    [
        ("load", {"readers": 48}, "scenario's load.readers: 64 in the baseline, 48 now"),
        ("load", {"mix": "restless"}, "scenario's load.mix: steady in the baseline, restless now"),
        ("vm", {"memory_mb": 2048}, "scenario's vm.memory_mb: 4096 in the baseline, 2048 now"),
        ("target", {"pregenerated": True}, "scenario's target.pregenerated: no in the baseline, yes now"),
        (
            "target",
            {"environment": {"ALIGNERS": "1", "X": "y"}},
            "scenario's target.environment.X: none in the baseline, y now",
        ),
        (
            "upstream",
            {"faults": ["429=0.1"]},
            'scenario\'s upstream.faults: [] in the baseline, ["429=0.1"] now',
        ),
    ],
)
def test_another_scenario_cannot_be_compared(
    run: Path, table: str, values: dict[str, object], line: str
) -> None:
    """GIVEN one key of the scenario that is another THEN one line says which, and both values."""
    before = conditions_of(RunFolder(run))
    now = changed(run, scenario=with_table(run, table, **values))
    assert differences(before, now) == Differences(incomparable=(line,))


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (
            {"document_sha256": "a3" * 32},
            "document: 5e5e5e5e5e5e… in the baseline, a3a3a3a3a3a3… now",
        ),
        ({"document_sha256": None}, "document: 5e5e5e5e5e5e… in the baseline, none now"),
        (
            {"upstream": "https://api.example"},
            "speech API: the project's own stand-in in the baseline, https://api.example now",
        ),
        ({"memray": True}, "under memray: no in the baseline, yes now"),
    ],
)
def test_another_document_speech_api_or_a_profiler_cannot_be_compared(
    run: Path, facts: dict[str, object], line: str
) -> None:
    """GIVEN something else that is read, that speaks or that watches THEN one line says both values."""
    before = conditions_of(RunFolder(run))
    assert differences(before, changed(run, **facts)) == Differences(incomparable=(line,))


def test_runs_that_shared_the_machine_are_not_compared_with_runs_that_did_not(run: Path) -> None:
    """GIVEN two runs at once on one side THEN it is said: they wait for the CPU as the others do not."""
    folder = RunFolder(run)
    found = differences(conditions_of(folder, at_once=2), conditions_of(folder))
    assert found == Differences(incomparable=("runs at once: 2 in the baseline, 1 now",))


@pytest.mark.parametrize(
    ("table", "values", "line"),
    [
        ("versions", {"starlette": "9.9"}, "starlette: {starlette} in the baseline, 9.9 now"),
        ("versions", {"new-one": "1.0"}, "new-one: none in the baseline, 1.0 now"),
        ("machine", {"python": "3.11.9"}, "Python: 3.11.7 in the baseline, 3.11.9 now"),
    ],
)
def test_another_version_is_worth_a_remark_only(
    run: Path, table: str, values: dict[str, object], line: str
) -> None:
    """GIVEN another version THEN memory is compared: that version may be the very change that is tested."""
    before = conditions_of(RunFolder(run))
    said = line.format_map(before.versions)
    assert differences(before, changed(run, **{table: values})) == Differences(remarks=(said,))


@pytest.mark.parametrize("memory_mb", [24105 - 64, 24105 + 64])
def test_what_a_kernel_keeps_for_itself_makes_no_other_machine(run: Path, memory_mb: int) -> None:
    """GIVEN a few MB more or less THEN the machine is of the same kind, wherever its memory is rounded."""
    before = conditions_of(RunFolder(run))
    assert differences(before, changed(run, machine={"memory_mb": memory_mb})) == Differences()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "has no 'machine'"),
        ({"machine": []}, "not what a run writes"),
        ({"machine": {"cpus": 2, "memory_mb": "much"}}, "not what a run writes"),
        ({"machine": {"cpus": 2, "memory_mb": 1, "kernel": 6}}, "not what a run writes"),
        (
            {"machine": {"cpus": 2, "memory_mb": 1, "kernel": "6.1", "python": "3.11"}},
            "has no 'backend'",
        ),
    ],
)
def test_a_run_that_does_not_tell_its_conditions_is_refused(
    tmp_path: Path, facts: dict[str, object], said: str
) -> None:
    """GIVEN a run.json that lacks something THEN one line names the file and what is not there."""
    known = {"vm": {"memory_mb": 1}, **facts} if facts else {}
    (tmp_path / "run.json").write_text(json.dumps(known))
    with pytest.raises(RunFolderError) as caught:
        conditions_of(RunFolder(tmp_path))
    assert str(caught.value).startswith(f"{tmp_path / 'run.json'}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_of_no_scenario_is_refused(run: Path) -> None:
    """GIVEN a server that was only watched THEN the line says that a gate has no use for it."""
    with pytest.raises(RunFolderError, match=r"scenario\.load\.kind: 'none': .* Measure it again\.$"):
        changed(run, scenario=with_table(run, "load", kind="none"))
