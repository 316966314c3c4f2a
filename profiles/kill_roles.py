"""Whose a kill was, where the kernel's pids are not ours: told from the server's own ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from profiles.kill_counter import earliest_t
from profiles.run_folder import Event

ENDS_WITHIN_S = 5.0
"""A killed server ends within this, also on a VM that is held to its share of the CPU."""


def with_roles(kills: Sequence[Event], exits: Sequence[Event]) -> list[Event]:
    """Return the kills, those of no known role as the server's or a child's.

    The last of them before an end of the server by SIGKILL was the server's. Its `pid` is then that of the end,
    and the kernel's own is kept as `kernel_pid`; every other is a child's.
    """
    found = list(kills)
    open_kills = [at for at, kill in enumerate(found) if not kill.text("role")]
    for end in exits:
        before = [
            at for at in open_kills if earliest_t(found[at]) <= end.t and end.t - found[at].t <= ENDS_WITHIN_S
        ]
        if before:
            at = before[-1]
            open_kills.remove(at)
            facts = found[at].facts
            pids = {"pid": end.facts.get("pid"), "kernel_pid": facts.get("pid")}
            found[at] = replace(found[at], facts={**facts, "role": "server", **pids})
    for at in open_kills:
        found[at] = replace(found[at], facts={**found[at].facts, "role": "child"})
    return found
