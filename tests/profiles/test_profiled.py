"""A run under memray is told apart from a measurement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiles.profiled import is_profiled, profiled_warning
from profiles.run_folder import RunFolder
from profiles.scenario import load_scenario
from profiles.verdict import verdict_of
from profiles.verdict_record import VerdictRecord


@pytest.mark.parametrize("memray", [True, False, None])
def test_the_verdict_says_whether_the_server_was_profiled(tmp_path: Path, memray: object) -> None:
    """GIVEN what run.json says of memray THEN the verdict has it; what an old run does not say stays unknown."""
    vm = {"memory_mb": 256, "cpus": 1, "share_of_core": 1.0}
    run = {"scenario": load_scenario("live").model_dump(), "vm": vm, "memray": memray}
    (tmp_path / "run.json").write_text(json.dumps(run))
    assert verdict_of(RunFolder(tmp_path)).profiled is memray


def test_only_a_profiled_run_is_refused_and_warned_of() -> None:
    """GIVEN three runs THEN the profiled one alone is no measurement."""
    runs = [VerdictRecord(scenario=str(p), verdict="survived", profiled=p) for p in (True, False, None)]
    assert [is_profiled(run) for run in runs] == [True, False, False]
    assert profiled_warning(runs) == [
        "Run under memray, which costs CPU and memory, so no measurement: True."
    ]
    assert profiled_warning(runs[1:]) == []
