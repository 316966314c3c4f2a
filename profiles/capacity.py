"""How many readers a VM carries: each scenario run with more and fewer of them, and what the runs add up to."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from profiles.capacity_outcome import Aim, Outcome, answers, outcome
from profiles.capacity_search import Bounds, bounds, next_size
from profiles.compare import Options, benches, run_once
from profiles.errors import OomproofError, RunError
from profiles.progress import Progress
from profiles.run import Bench
from profiles.run_file import RUN_FILE, update_run
from profiles.run_folder import RunFolder
from profiles.scenario import Expectation, Scenario, with_load
from profiles.verdict import judge

AIM_KEY = "capacity"
"""Under this key `run.json` holds the Aim that a run was part of."""


@dataclass(frozen=True)
class Capacity:
    """What the runs of one scenario add up to; `outcomes` in the order in which they were run."""

    scenario: str
    aim: Aim
    outcomes: tuple[Outcome, ...]

    @property
    def bounds(self) -> Bounds:
        """The numbers of readers that were carried, and that were not."""
        return bounds(answers(self.outcomes, self.aim))

    @property
    def finished(self) -> bool:
        """Whether the search came to its end; else it was broken off."""
        return next_size(self.aim.plan, answers(self.outcomes, self.aim)) is None

    def deciding(self, readers: int | None) -> Outcome | None:
        """Return the run that decided a number of readers: the first that did not carry, else the last."""
        runs = [found for found in self.outcomes if found.readers == readers]
        return next((found for found in runs if found.showed == "failed"), runs[-1] if runs else None)


def measure(scenarios: Sequence[Scenario], aim: Aim, options: Options, progress: Progress) -> None:
    """Search each scenario's capacity; every run leaves its folder in `options.out`.

    Raises:
        OomproofError: a mistake, or a machine that cannot, or chunks that could not be made ahead.
    """
    for scenario in scenarios:
        _check(scenario)
    with contextlib.closing(benches(scenarios, options, ends_at_death=True)) as plan:
        for scenario, bench in plan:
            if scenario.load.kind == "pregenerate":
                _pregenerate(scenario, bench, options.out, progress)
            else:
                _search(scenario, bench, aim, options.out, progress)


def read_capacities(folders: Sequence[Path], aim: Aim) -> list[Capacity]:
    """Judge the run folders and return what they add up to, scenario by scenario, in the order they were run.

    Raises:
        RunFolderError: a file of a run is damaged.
    """
    by_scenario: dict[str, list[Outcome]] = defaultdict(list)
    for folder in folders:
        record = judge(folder)
        if record.load_kind == "readers":
            by_scenario[record.scenario].append(outcome(RunFolder(folder), record, aim))
    return [Capacity(name, aim, tuple(outcomes)) for name, outcomes in by_scenario.items()]


def _check(scenario: Scenario) -> None:
    if scenario.load.kind != "readers":
        raise OomproofError(
            f"scenario {scenario.name!r}: its load is `{scenario.load.kind}`, which has no readers to add. "
            "Give one whose load is `readers`."
        )


def _pregenerate(scenario: Scenario, bench: Bench, out: Path, progress: Progress) -> None:
    progress.stage(scenario.name)
    progress.line(f"{scenario.name}: {scenario.description}")
    record = run_once(scenario, bench, out / scenario.name, progress)
    if record.verdict != "survived":
        why = next(iter(record.evidence), record.verdict)
        raise RunError(f"{out / scenario.name}: there is no store to read from: {why}")


def _search(scenario: Scenario, bench: Bench, aim: Aim, out: Path, progress: Progress) -> None:
    progress.line(f"{scenario.name}: {scenario.description}")
    found: list[Outcome] = []
    while (readers := next_size(aim.plan, answers(found, aim))) is not None:
        progress.stage(f"{scenario.name}, {readers:,} readers")
        found.append(_run(scenario, readers, bench, aim, out, progress))


def _run(scenario: Scenario, readers: int, bench: Bench, aim: Aim, out: Path, progress: Progress) -> Outcome:
    """Run a scenario with so many readers; what it expects is not asked here, but what carrying means."""
    expect = Expectation(verdict="survived", peak_tree_rss_mb_below=aim.budget_mb)
    sized = with_load(scenario, readers=readers).model_copy(update={"expect": expect})
    folder = _new_folder(out, f"{scenario.name}-{readers}")
    try:
        record = run_once(sized, bench, folder, progress)
    finally:
        if (folder / RUN_FILE).exists():
            update_run(folder, **{AIM_KEY: asdict(aim)})
    return outcome(RunFolder(folder), record, aim)


def _new_folder(out: Path, name: str) -> Path:
    folder, number = out / name, 1
    while folder.exists():
        number += 1
        folder = out / f"{name}-{number}"
    return folder
