"""What `oomproof gate` and `oomproof baseline` are told on the command line, checked."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from profiles.backends import BACKENDS, enter, own_size
from profiles.compare import Options, make_out
from profiles.errors import OomproofError
from profiles.gate.baseline import BASELINE_FOLDER
from profiles.gate.ranks import MOST_RUNS
from profiles.machine import check_vm_fits
from profiles.plan import check_names, with_pregeneration
from profiles.scenario import Scenario, load_scenario, scenario_names
from profiles.vm_size import fly_toml_here, read_fly_toml

PREFIX = "gate-"
"""Begins the names of the scenarios that a gate runs unless told others."""
RUNS = 6
"""The fewest that can prove a rise in one of four metrics at the gate's level (profiles/gate/enough_runs.py)."""
AT_ONCE = min(2, os.cpu_count() or 1)


def add_shared_options(parser: argparse.ArgumentParser) -> None:
    """Add what both commands take."""
    add = parser.add_argument
    names = ", ".join(gate_scenario_names())
    add("scenarios", nargs="*", metavar="SCENARIO", help=f"names or .toml files (default: {names})")
    add("--baselines", type=Path, default=BASELINE_FOLDER, metavar="FOLDER", help="where baselines are kept")
    add("--runs", type=int, default=RUNS, help=f"runs of each scenario and side (default {RUNS})")
    add("--at-once", type=int, default=AT_ONCE, help=f"runs at the same time (default {AT_ONCE})")
    add("--out", type=Path, help="folder for the results (default: a new one in reports/runs)")
    add("--document", type=Path, help="what is read (default: the language reference, built here)")
    add(
        "--fly-toml", type=Path, help="where [[vm]] is read from (default: fly.toml here, else the project's)"
    )
    add("--backend", metavar="NAME", help=f"what makes the VM: {', '.join(BACKENDS)} (default: the best)")


def gate_scenario_names() -> list[str]:
    """Return the scenarios that a gate runs unless told others."""
    return [name for name in scenario_names() if name.startswith(PREFIX)]


def scenarios_of(chosen: argparse.Namespace) -> list[Scenario]:
    """Return the scenarios to run.

    Raises:
        OomproofError: one is unknown, or is none whose memory can be compared run by run.
    """
    scenarios = [load_scenario(name) for name in chosen.scenarios or gate_scenario_names()]
    for scenario in scenarios:
        if scenario.load.kind != "readers":
            raise OomproofError(
                f"scenario {scenario.name!r}: its load is `{scenario.load.kind}`. A gate compares loads of readers."
            )
    return scenarios


def options_of(chosen: argparse.Namespace, scenarios: Sequence[Scenario]) -> Options:
    """Return what holds for every run; may start this command again where the VM's walls can be built.

    Raises:
        OomproofError: a number does not fit, a port is wanted twice, or the machine offers no VM.
    """
    _check("--runs", chosen.runs, range(2, MOST_RUNS + 1))
    _check("--at-once", chosen.at_once, range(1, 65))
    for scenario in scenarios:
        if scenario.target.port is not None and chosen.at_once > 1:
            raise OomproofError(
                f"--at-once {chosen.at_once}: scenario {scenario.name!r} listens on a port of its own (target.port), "
                "which one server at a time can have. Give --at-once 1, or leave the port out."
            )
    offer = enter(chosen.backend)
    if offer.text:
        print(f"oomproof: {offer.backend}: {offer.text}", file=sys.stderr)
    own = own_size(offer.backend)
    if own is not None and chosen.at_once > 1:
        raise OomproofError(
            f"--at-once {chosen.at_once}: with --backend {offer.backend} all runs share one VM. Give --at-once 1."
        )
    return Options(
        out=chosen.out or Path("reports/runs") / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ"),
        vm_size=own or read_fly_toml(chosen.fly_toml or fly_toml_here()),
        backend=offer.backend,
        document=chosen.document,
    )


@contextlib.contextmanager
def ready_to_measure(scenarios: Sequence[Scenario], options: Options) -> Iterator[None]:
    """Refuse what a person can mend before anything is built, which may take minutes; make the folder for results.

    That folder is removed again where nothing came into it: so is one that was refused for another reason.

    Raises:
        OomproofError: two scenarios of one name, a VM that does not fit, no such document, or a folder that is in use.
    """
    check_names(scenarios)
    with_pregeneration(scenarios)
    for scenario in scenarios:
        check_vm_fits(scenario.vm_size(options.vm_size))
    if options.document is not None and not options.document.is_file():
        raise OomproofError(f"--document {options.document}: no such file. Name another.")
    was_there = options.out.exists()
    make_out(options.out)
    try:
        yield
    finally:
        if not was_there:
            with contextlib.suppress(OSError):  # it holds something
                options.out.rmdir()


def _check(option: str, number: int, allowed: Sequence[int]) -> None:
    if number not in allowed:
        raise OomproofError(f"{option} {number}: {allowed[0]} to {allowed[-1]} are possible. Give one.")
