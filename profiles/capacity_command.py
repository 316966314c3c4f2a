"""`oomproof capacity`: arguments in, exit code out."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from profiles.capacity import aim_of, exit_code, read_capacities
from profiles.capacity_measure import measure
from profiles.capacity_outcome import Aim
from profiles.capacity_report import print_capacities, write_capacity_report
from profiles.capacity_search import Plan
from profiles.compare import Options
from profiles.errors import OomproofError, Terminated
from profiles.progress import Progress
from profiles.run_file import RUN_FILE
from profiles.run_folder import RunFolder
from profiles.scenario import Scenario
from profiles.vm_size import parse_memory_mb

EXAMPLES = """examples:
  oomproof capacity live cached                    the largest number of readers that each carries
  oomproof capacity cached --from 64 --most 4096   where to look
  oomproof capacity live --runs 3 --within 1.1     three runs of each number, closer bounds
  oomproof capacity cached --stalls-below 0 --budget 1GB
  oomproof capacity live --pace 1 --session-s 300  other conditions, as for `oomproof run`
  oomproof capacity --again reports/runs/x         its report made again, from the run folders
  oomproof capacity --again reports/runs/x --stalls-below 0.05

A number of readers is carried when the run survived, its process tree stayed under the budget, and at most so
many of the blocks after each reader's first were stalls, or one in all. The numbers double until one is not
carried; then the gap is halved. What the scenario itself expects is not asked. Where the load generator or this
machine's CPU was the limit, the answer is "at least".

exit codes: 0 a bound was found, 1 not even one reader was carried, 2 wrong use, 4 nothing valid was measured,
130 interrupted (what was measured is kept and reported)"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the scenarios and the options that a search has beside those of a run."""
    usual = Aim()
    add = parser.add_argument
    add("scenarios", nargs="*", metavar="SCENARIO", help="one or more, each searched on its own")
    add(
        "--from",
        dest="first",
        type=int,
        metavar="N",
        help=f"readers to begin with (default {usual.plan.first})",
    )
    add("--most", type=int, metavar="N", help=f"readers at most (default {usual.plan.most:,})")
    add(
        "--within",
        type=float,
        metavar="FACTOR",
        help=f"how close the number carried and the one not carried must come (default {usual.plan.within:g})",
    )
    add(
        "--runs",
        type=int,
        metavar="K",
        help=f"runs of each number, all of which must carry (default {usual.runs})",
    )
    add(
        "--budget",
        metavar="SIZE",
        help=f"memory of the process tree to stay under (default {usual.budget_mb:g}MB)",
    )
    add(
        "--stalls-below",
        type=float,
        metavar="SHARE",
        help=f"stalls at most, as a share of blocks after the first, or one in all (default {usual.stalls_below:g})",
    )
    add("--again", type=Path, metavar="FOLDER", help="measure nothing: make the report of these runs again")


def run(chosen: argparse.Namespace, scenarios: Sequence[Scenario], options: Options, console: Console) -> int:
    """Search, report, and return the exit code; what was measured is reported however the search ends.

    Raises:
        OomproofError: a mistake, or a machine that cannot.
    """
    if not scenarios:
        raise OomproofError("capacity: no scenario. Name one, such as `oomproof capacity live`.")
    aim, folders = _aim(chosen, Aim()), list[Path]()
    try:
        with Progress(console) as progress:
            measure(scenarios, aim, options, progress, folders.append)
    except (KeyboardInterrupt, Terminated, OomproofError, OSError):
        if _begun(folders):
            _report(folders, aim, options.out, console)
        raise
    return _report(folders, aim, options.out, console)


def again(chosen: argparse.Namespace, console: Console) -> int:
    """Make the report of a search again, from its run folders alone.

    Raises:
        OomproofError: there are none, or the options ask for a run too.
    """
    if chosen.scenarios:
        raise OomproofError(f"--again {chosen.again}: runs nothing. Leave {chosen.scenarios[0]!r} out.")
    folders = sorted(
        (path.parent for path in chosen.again.glob(f"*/{RUN_FILE}")),
        key=lambda folder: str(RunFolder(folder).run.get("started_at", "")),
    )
    aim = _aim(chosen, aim_of(folders))
    return _report(folders, aim, chosen.out or chosen.again, console)


def _report(folders: Sequence[Path], aim: Aim, out: Path, console: Console) -> int:
    capacities = read_capacities(_begun(folders), aim)
    if not capacities:
        raise OomproofError(f"{out}: no run with readers in it. Give the folder that `capacity` wrote.")
    write_capacity_report(capacities, out)
    print_capacities(capacities, console)
    console.print(f"Report: {out / 'capacity.html'}", soft_wrap=True, highlight=False)
    return exit_code(capacities)


def _begun(folders: Sequence[Path]) -> list[Path]:
    return [folder for folder in folders if (folder / RUN_FILE).is_file()]


def _aim(chosen: argparse.Namespace, usual: Aim) -> Aim:
    """The usual aim with what was chosen; says which value cannot be."""
    most = _whole("--most", chosen.most, max(usual.plan.most, chosen.first or 1))
    plan = Plan(
        first=_whole("--from", chosen.first, min(usual.plan.first, most)),
        most=most,
        within=_number("--within", chosen.within, usual.plan.within, at_least=1.0, at_most=math.inf),
    )
    if plan.first > plan.most:
        raise OomproofError(f"--from {plan.first}: is more than --most {plan.most}. Begin with fewer.")
    return replace(
        usual,
        plan=plan,
        runs=_whole("--runs", chosen.runs, usual.runs),
        budget_mb=usual.budget_mb if chosen.budget is None else _budget_mb(chosen.budget),
        stalls_below=_number(
            "--stalls-below", chosen.stalls_below, usual.stalls_below, at_least=0, at_most=1
        ),
    )


def _whole(option: str, given: int | None, usual: int) -> int:
    if given is not None and given < 1:
        raise OomproofError(f"{option} {given}: must be 1 or more.")
    return usual if given is None else given


def _number(option: str, given: float | None, usual: float, *, at_least: float, at_most: float) -> float:
    if given is None:
        return usual
    if not at_least <= given <= at_most or not math.isfinite(given):
        most = "" if at_most == math.inf else f" and at most {at_most:g}"
        raise OomproofError(f"{option} {given:g}: must be a number, at least {at_least:g}{most}.")
    return given


def _budget_mb(text: str) -> float:
    try:
        return float(parse_memory_mb(text))
    except ValueError as error:
        raise OomproofError(f"--budget {text!r}: {error}.") from None
