"""The plan of a comparison: what is run, in which order, and what shares a speech upstream."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from profiles.errors import OomproofError
from profiles.load import DIALOGUE, Upstream
from profiles.scenario import Scenario, SpeechUpstream, Target, load_scenario, with_load
from profiles.target_command import check_command, check_port_free


def check_names(scenarios: Sequence[Scenario]) -> None:
    """Raise OomproofError when two scenarios would write into one folder."""
    names = [scenario.name for scenario in scenarios]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise OomproofError(
            f"scenario {twice!r}: is named twice, and each has a folder of its name. Name it once."
        )


def check_upstream(scenarios: Sequence[Scenario], other: Upstream | None) -> None:
    """Raise OomproofError when a scenario sets what another speech API than our own does not have."""
    wanting = next((found for found in scenarios if found.upstream != SpeechUpstream()), None)
    if wanting is not None and other is not None:
        raise OomproofError(
            f"--upstream {other.base_url}: scenario {wanting.name!r} sets latency or faults, which only "
            "the project's own upstream has. Leave one out."
        )


def check_targets(scenarios: Sequence[Scenario]) -> None:
    """Raise OomproofError when a target's or a load's command cannot be started, or its port is taken."""
    for scenario in scenarios:
        target, place = scenario.target, f"scenario {scenario.name!r}"
        if target.command is not None:
            check_command(f"{place}: target.command", target.command, target.environment)
        if target.port is not None:
            check_port_free(target.port)
        if scenario.load.command is not None:
            check_command(f"{place}: load.command", scenario.load.command, {})


def with_pregeneration(
    scenarios: Sequence[Scenario], environment: Mapping[str, str] | None = None
) -> list[Scenario]:
    """Return the plan: pre-generation is made once, of the chapters to be read, before who needs it.

    It has the upstream's latency, but no fault: a store to read from is what is wanted. `environment` are the
    settings that every server has, beside those of a scenario alone.

    Raises:
        OomproofError: two scenarios read different documents, so no store is for both.
    """
    needing = [scenario for scenario in scenarios if scenario.target.pregenerated]
    if not needing or any(scenario.load.kind == "pregenerate" for scenario in scenarios):
        return list(scenarios)
    first = needing[0]
    load = first.load
    for other in needing:
        if (other.load.chapters, other.load.blocks) != (load.chapters, load.blocks):
            raise OomproofError(
                f"scenarios {first.name!r} and {other.name!r}: they read other chapters (load.chapters, load.blocks), "
                "and the store is made for one of them. Run them apart."
            )
    made = with_load(
        load_scenario("pregenerate"), mix=_mix_of_all(needing),
        readers=load.readers, pace=load.pace, seed=load.seed, chapters=load.chapters, blocks=load.blocks,
    )  # fmt: skip
    upstream = first.upstream.model_copy(update={"faults": []})
    target = made.target if first.target.command is None else first.target
    made = made.model_copy(
        update={"vm": first.vm, "upstream": upstream, "target": _cold(target, environment or {})}
    )
    at = scenarios.index(first)
    return [*scenarios[:at], made, *scenarios[at:]]


def _cold(target: Target, environment: Mapping[str, str]) -> Target:
    """The same target with more settings, which starts with an empty store."""
    return target.model_copy(
        update={"pregenerated": False, "environment": {**target.environment, **environment}}
    )


def _mix_of_all(needing: Sequence[Scenario]) -> str:
    """Return a mix that reads every document that one of the scenarios reads."""
    alone = [scenario for scenario in needing if scenario.load.kinds == (DIALOGUE,)]
    others = [scenario for scenario in needing if scenario not in alone]
    if alone and others:
        raise OomproofError(
            f"scenarios {alone[0].name!r} and {others[0].name!r}: they read different documents, from one store. "
            "Compare them apart."
        )
    return max(needing, key=lambda scenario: DIALOGUE in scenario.load.kinds).load.mix


def by_upstream(plan: Sequence[Scenario]) -> Iterator[list[Scenario]]:
    """Group neighbours of equal pace, seed, latency and faults: for each group that speaks an upstream is started."""
    for _, group in itertools.groupby(
        plan, key=lambda found: (found.speaks, found.load.pace, found.load.seed, found.upstream)
    ):
        yield list(group)
