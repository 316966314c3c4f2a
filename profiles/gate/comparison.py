"""What is compared with what: both sides as measured, or head with a baseline where the two may be compared."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from profiles.gate.baseline import (
    BASELINE_FOLDER,
    Baseline,
    baseline_path,
    read_baseline,
    to_gate_runs,
)
from profiles.gate.conditions import Conditions, conditions_of, differences
from profiles.gate.decision import ScenarioRuns
from profiles.gate.measure import SideRuns
from profiles.gate.outcome import GateRun
from profiles.run_folder import RunFolder
from profiles.scenario import Scenario, scenario_names
from profiles.vm_size import VmSize

NOTHING_VALID = "head has no valid run, so nobody knows whether the conditions are the same"


@dataclass(frozen=True)
class Stored:
    """The baselines that a gate found; None where a scenario has none. `anyway`: other conditions do not matter."""

    folder: Path
    baselines: Mapping[str, Baseline | None]
    anyway: bool = False

    @property
    def described(self) -> str:
        """Which states they are of."""
        found = {baseline.described for baseline in self.baselines.values() if baseline is not None}
        return ", ".join(sorted(found)) or "no baseline"

    @property
    def missing(self) -> list[str]:
        """A line for each scenario that has none."""
        return [self.lacking(name) for name, baseline in self.baselines.items() if baseline is None]

    def lacking(self, name: str) -> str:
        """Say that there is no baseline of a scenario, and how to make one."""
        what = name if name in scenario_names() else f"{name}.toml"
        where = "" if self.folder == BASELINE_FOLDER else f" --baselines {shlex.quote(str(self.folder))}"
        return (
            f"{baseline_path(self.folder, name)}: there is no such baseline. "
            f"Make one: oomproof baseline {shlex.quote(what)}{where}"
        )


def read_baselines(scenarios: Sequence[Scenario], folder: Path, *, anyway: bool) -> Stored:
    """Return the baselines of the scenarios, before anything is measured; a missing one is no mistake.

    Raises:
        OomproofError: one is damaged.
    """
    paths = {scenario.name: baseline_path(folder, scenario.name) for scenario in scenarios}
    found = {name: read_baseline(path) if path.exists() else None for name, path in paths.items()}
    return Stored(folder, found, anyway)


def side_by_side(measured: Sequence[SideRuns], vm_size: VmSize) -> list[ScenarioRuns]:
    """Return what both sides measured now, scenario by scenario."""
    bases = {found.scenario.name: found for found in measured if found.side.name == "base"}
    return [
        replace(
            _of_head(head, vm_size, bases[head.scenario.name].runs),
            base_retried=bases[head.scenario.name].retried,
        )
        for head in measured
        if head.side.name == "head"
    ]


def beside_baselines(
    measured: Sequence[SideRuns], vm_size: VmSize, stored: Stored, at_once: int
) -> list[ScenarioRuns]:
    """Return what head measured now beside what its baselines remember, where the conditions are the same."""
    return [_beside(head, vm_size, stored, at_once) for head in measured]


def conditions_of_runs(runs: Sequence[GateRun], at_once: int) -> Conditions | None:
    """Return the conditions of runs that were measured now; None when none of them is valid."""
    folder = next((run.folder for run in runs if run.folder is not None and run.verdict != "invalid"), None)
    return None if folder is None else conditions_of(RunFolder(folder), at_once)


def _beside(head: SideRuns, vm_size: VmSize, stored: Stored, at_once: int) -> ScenarioRuns:
    name = head.scenario.name
    alone = _of_head(head, vm_size, None)
    baseline = stored.baselines[name]
    if baseline is None:
        return replace(alone, why=stored.lacking(name))
    now = conditions_of_runs(head.runs, at_once)
    if now is None:
        return replace(alone, why=NOTHING_VALID)
    found = differences(baseline.conditions, now)
    if found.incomparable and not stored.anyway:
        why = f"the baseline is of other conditions ({'; '.join(found.incomparable)})"
        return replace(alone, why=why, notes=(*alone.notes, *found.remarks))
    anyway = [f"compared all the same, as asked: {line}" for line in found.incomparable]
    return replace(alone, base_runs=to_gate_runs(baseline), notes=(*alone.notes, *anyway, *found.remarks))


def _of_head(head: SideRuns, vm_size: VmSize, base_runs: tuple[GateRun, ...] | None) -> ScenarioRuns:
    scenario = head.scenario
    return ScenarioRuns(
        scenario=scenario.name,
        head_runs=head.runs,
        base_runs=base_runs,
        vm_memory_mb=scenario.vm_size(vm_size).memory_mb,
        budget_mb=scenario.expect.peak_tree_rss_mb_below,
        head_retried=head.retried,
    )
