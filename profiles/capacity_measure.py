"""How many readers a VM carries, measured: each scenario run with more and with fewer of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from profiles.capacity import AIM_KEY
from profiles.capacity_outcome import Aim, Outcome, answers, outcome
from profiles.capacity_search import next_size
from profiles.capacity_text import told
from profiles.compare import Options, benches, run_once
from profiles.errors import OomproofError, RunError
from profiles.progress import Progress
from profiles.run import Bench
from profiles.run_file import RUN_FILE, update_run
from profiles.run_folder import RunFolder
from profiles.scenario import Expectation, Scenario, with_load
from profiles.vm_size import RESTED_BALANCE_S

Began = Callable[[Path], object]
"""Hears of each run's folder as the run begins."""


def measure(
    scenarios: Sequence[Scenario], aim: Aim, options: Options, progress: Progress, began: Began
) -> None:
    """Search each scenario's capacity; every run leaves its folder in `options.out`, and `began` is told of it.

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
                _search(scenario, bench, aim, options.out, progress, began)


def _check(scenario: Scenario) -> None:
    if scenario.load.kind != "readers":
        raise OomproofError(
            f"scenario {scenario.name!r}: its load is `{scenario.load.kind}`, which has no readers to add. "
            "Give one whose load is `readers`."
        )


def _pregenerate(scenario: Scenario, bench: Bench, out: Path, progress: Progress) -> None:
    progress.stage(scenario.name)
    progress.line(f"{scenario.name}: {scenario.description}")
    # Nobody waits for this: the question is about the readers, and on an unrested share a book takes an hour.
    rested = scenario.vm.model_copy(update={"balance_s": RESTED_BALANCE_S})
    record = run_once(scenario.model_copy(update={"vm": rested}), bench, out / scenario.name, progress)
    if record.verdict != "survived":
        why = next(iter(record.evidence), record.verdict)
        raise RunError(f"{out / scenario.name}: there is no store to read from: {why}")


def _search(scenario: Scenario, bench: Bench, aim: Aim, out: Path, progress: Progress, began: Began) -> None:
    progress.line(f"{scenario.name}: {scenario.description}")
    found: list[Outcome] = []
    while (readers := next_size(aim.plan, answers(found, aim))) is not None:
        folder = _new_folder(out, f"{scenario.name}-{readers}")
        began(folder)
        progress.stage(folder.name)
        found.append(_run(_sized(scenario, readers, aim), bench, aim, folder, progress))
        progress.line(f"{scenario.name}, {told(found[-1])}")


def _sized(scenario: Scenario, readers: int, aim: Aim) -> Scenario:
    """The scenario with so many readers. What it expects is not asked here, but what carrying means."""
    expect = Expectation(verdict="survived", peak_tree_rss_mb_below=aim.budget_mb)
    return with_load(scenario, readers=readers).model_copy(update={"expect": expect})


def _run(scenario: Scenario, bench: Bench, aim: Aim, folder: Path, progress: Progress) -> Outcome:
    try:
        record = run_once(scenario, bench, folder, progress)
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
