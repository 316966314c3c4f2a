"""`oomproof baseline`: measures what later gates compare with, and writes it down."""

from __future__ import annotations

import argparse

from rich.console import Console

from profiles.errors import EXIT_OK, OomproofError, RunError
from profiles.gate.baseline import (
    Baseline,
    baseline_of,
    baseline_path,
    check_committed,
    check_worth_keeping,
    write_baseline,
)
from profiles.gate.comparison import conditions_of_runs
from profiles.gate.measure import Contender, SideRuns, measure
from profiles.gate.options import add_shared_options, options_of, ready_to_measure, scenarios_of
from profiles.gate.outcome import Side
from profiles.gate.revision import build_this_tree
from profiles.gate.tree_state import TreeState, tree_state
from profiles.progress import Progress
from profiles.report_text import count

EXAMPLES = """examples:
  oomproof baseline                           measure the gate's scenarios, and write their baselines
  oomproof baseline gate-cached --replace     a new baseline in the place of the old one
  oomproof baseline --baselines /tmp/mine     kept elsewhere

A baseline is compared with on this kind of machine only: on others, such as hosted CI, use `oomproof gate --against`.

exit codes: 0 written, 2 wrong use (there is one already, or changes are not committed), 4 a run measured nothing or
did not survive, 130 interrupted"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "baseline",
        help="measure and write what a gate compares with",
        description="Measures the gate's scenarios and writes their figures into reports/baselines.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_shared_options(parser)
    parser.add_argument("--replace", action="store_true", help="write it in the place of one that is there")
    parser.add_argument(
        "--allow-dirty",
        action="store_true",
        help="though changes are not committed, so nobody can measure it again",
    )
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace, console: Console) -> int:
    """Measure and write; nothing is written before all was measured.

    Raises:
        OomproofError: a mistake, or a machine that cannot; a baseline that is there, and nobody asked to replace it.
    """
    scenarios = scenarios_of(chosen)
    for scenario in scenarios:
        path = baseline_path(chosen.baselines, scenario.name)
        if path.exists() and not chosen.replace:
            raise OomproofError(f"{path}: there is a baseline already. Give --replace to measure another.")
    state = tree_state()
    if not chosen.allow_dirty:
        check_committed(state)
    options = options_of(chosen, scenarios)
    chosen.baselines.mkdir(parents=True, exist_ok=True)
    with ready_to_measure(scenarios, options), Progress(console) as progress:
        progress.stage("baseline")
        build = build_this_tree(progress.tell, options.cache)
        head = Contender(Side("head", build.described), build)
        measured = measure(
            scenarios, [head], options, runs=chosen.runs, at_once=chosen.at_once, progress=progress
        )
    console.print(f"Runs: {options.out}", soft_wrap=True, highlight=False)
    baselines = [_baseline(found, state, chosen.at_once) for found in measured]
    for baseline in baselines:
        path = baseline_path(chosen.baselines, baseline.scenario)
        write_baseline(baseline, path, replace=chosen.replace)
        console.print(
            f"Baseline: {path}, {count(chosen.runs, 'run', 'runs')}", soft_wrap=True, highlight=False
        )
    return EXIT_OK


def _baseline(found: SideRuns, state: TreeState, at_once: int) -> Baseline:
    name = found.scenario.name
    try:
        check_worth_keeping(found.runs)
    except RunError as error:
        raise RunError(f"{name}: {error}") from None
    conditions = conditions_of_runs(found.runs, at_once)
    if conditions is None:
        raise RunError(f"baseline of {name}: its runs left no folder. Measure again.")
    return baseline_of(name, found.runs, conditions, commit=state.commit, dirty=state.dirty)
