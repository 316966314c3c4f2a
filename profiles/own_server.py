"""A server and a load of somebody's own, as options of `oomproof run`."""

from __future__ import annotations

import argparse

from profiles.errors import OomproofError
from profiles.scenario import COMMAND, Load, Scenario, load_scenario, with_load, with_target
from profiles.target_command import split_command

NAME = "own-server"
"""The scenario that is run where none was named."""
_OF_READERS = ("readers", "mix", "processes")
"""Options that say how many people read and how: to a load of somebody's own they would mean nothing."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what names a server of somebody's own, and its load."""
    add = parser.add_argument
    add(
        "--command",
        help='another server to start in the VM, such as "node server.js"; {port} becomes its port',
    )
    add("--port", type=int, help="where it listens (default: a free port, which it finds in PORT)")
    add("--health", metavar="PATH", help="path that it answers when it is healthy (default /)")
    add("--load", metavar="COMMAND", help='another load, such as "k6 run visit.js"; it finds OOMPROOF_URL')


def scenario_of(chosen: argparse.Namespace) -> Scenario:
    """Return the scenario that was named, with the server and the load that were given.

    Raises:
        OomproofError: nothing was named, or a value does not fit.
    """
    if chosen.scenarios is None and (chosen.command is None or chosen.load is None):
        raise OomproofError(
            "run: no scenario. Name one, such as `oomproof run live`, or give --command and --load."
        )
    if chosen.scenarios is None:
        scenario = Scenario(name=NAME, description="A server and a load of your own.", load=Load(pace=1.0))
    else:
        scenario = load_scenario(chosen.scenarios)
    scenario = _with_its_load(with_target(scenario, chosen.command, chosen.port, chosen.health), chosen.load)
    if scenario.load.reads:
        return scenario
    given = next((option for option in _OF_READERS if getattr(chosen, option) is not None), None)
    if given is not None:
        raise OomproofError(
            f"--{given} {getattr(chosen, given)}: the load is a command, which has no readers. Leave it out."
        )
    return scenario


def _with_its_load(scenario: Scenario, load: str | None) -> Scenario:
    if load is None:
        return scenario
    try:
        command = split_command(load)
    except ValueError as error:
        raise OomproofError(f"--load {load!r}: {error}.") from None
    return with_load(scenario, kind=COMMAND, command=command)
