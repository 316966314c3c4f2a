"""Invented measurements: run folders that say what a run says of its conditions, and sides made of such runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from profiles.gate.baseline import baseline_of, baseline_path, write_baseline
from profiles.gate.conditions import conditions_of
from profiles.gate.measure import SideRuns
from profiles.gate.outcome import GateRun, Side
from profiles.run_file import update_run, write_run
from profiles.run_folder import RunFolder
from profiles.scenario import Scenario, load_scenario
from profiles.vm_size import VmSize
from tests.profiles.gate import outcomes

TINY = """[vm]
memory = "512MB"
[load]
mode = "cached"
readers = 4
session_s = 60
[expect]
peak_tree_rss_mb_below = 300
"""
"""A scenario whose VM fits any machine."""
MACHINE = {
    "cpu_model": "Invented CPU",
    "cpus": 2,
    "memory_mb": 24105,
    "kernel": "6.18.44",
    "python": "3.11.7",
}
COMMIT = "a32e9ed" + 33 * "0"


def tiny(folder: Path, name: str = "tiny", text: str = TINY) -> Scenario:
    """Write a scenario's file, and load it."""
    path = folder / f"{name}.toml"
    path.write_text(text)
    return load_scenario(str(path))


def run_folder(folder: Path, scenario: Scenario, **tables: object) -> Path:
    """A folder whose run.json is written by what writes those of real runs; `tables` are changed in it."""
    folder.mkdir(parents=True)
    write_run(folder, scenario, VmSize(512, 2, 0.125), "the project's own stand-in", memray=False)
    vm = {"backend": "cgroup v1", "emulated": False, "cpu_limited": True}
    known: dict[str, Any] = {
        "vm": vm,
        "machine": MACHINE,
        "document_sha256": "5e" * 32,
        "versions": {"oomproof": "0.1.0"},
    }
    for name, table in tables.items():
        known[name] = {**known[name], **table} if isinstance(table, Mapping) else table
    update_run(folder, **known)
    return folder


def side_runs(
    folder: Path,
    scenario: Scenario,
    side: str = "head",
    /,
    *,
    more_mb: float = 0.0,
    runs: int = 6,
    tables: Mapping[str, object] | None = None,
    **changes: Any,
) -> SideRuns:
    """All runs of a side, `more_mb` above what is usual, each with its folder below `folder`."""
    made: list[GateRun] = []
    for number in range(1, runs + 1):
        place = run_folder(folder / scenario.name / f"{side}-{number}", scenario, **tables or {})
        made.append(outcomes.run(side, number, more_mb, **{"folder": place, "peak_vm_mb": 130.5, **changes}))
    return SideRuns(scenario, Side(side, {"base": "main (a32e9ed)", "head": "fc060ac"}[side]), tuple(made))


def store_baseline(folder: Path, measured: SideRuns, *, at_once: int = 2) -> Path:
    """Write the baseline that these runs make."""
    place = measured.runs[0].folder
    assert place is not None
    conditions = conditions_of(RunFolder(place), at_once)
    runs = [replace(run, curve=run.curve[::10]) for run in measured.runs]
    path = baseline_path(folder, measured.scenario.name)
    made = baseline_of(measured.scenario.name, runs, conditions, commit=COMMIT, dirty=False)
    write_baseline(made, path, replace=False)
    return path
