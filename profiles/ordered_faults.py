"""The faults that the speech upstream was ordered to have in a run, so that nobody else is blamed for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from profiles.run_folder import RunFolder

_SLOW_KINDS = frozenset({"slow-first-byte", "drip"})
"""These bring whole speech, but late; all others bring none (docs/reference/upstream.md)."""
_KIND = "upstream_faulted_"
"""Begins the facts that count one kind of fault each."""


@dataclass(frozen=True)
class OrderedFaults:
    """What share of the upstream's requests met a fault that was ordered, and all of them in words."""

    share: float
    text: str


def ordered_faults(folder: RunFolder) -> OrderedFaults | None:
    """Return the faults that a run's requests met at its upstream; None where none was ordered, or met."""
    facts: Mapping[str, Any] = next((event.facts for event in folder.named("upstream")), {})
    requests, faulted = facts.get("upstream_requests") or 0, facts.get("upstream_faulted") or 0
    if not requests or not faulted:
        return None
    kinds = {
        key.removeprefix(_KIND): count for key, count in facts.items() if key.startswith(_KIND) and count
    }
    slow = {kind: count for kind, count in kinds.items() if kind in _SLOW_KINDS}
    failing = {kind: count for kind, count in kinds.items() if kind not in _SLOW_KINDS}
    orders = [
        f"{order} {sum(met.values()):g} of {requests:g} ({_named(met)})"
        for order, met in (("to fail", failing), ("to be slow with", slow))
        if met
    ]
    said = " and ".join(orders) or f"to fail {faulted:g} of {requests:g}"
    return OrderedFaults(faulted / requests, f"the upstream was ordered {said}")


def _named(met: Mapping[str, float]) -> str:
    """Name the kinds, the most frequent first; how often each, where there are several."""
    if len(met) == 1:
        return next(iter(met))
    return ", ".join(f"{kind} {count:g}" for kind, count in sorted(met.items(), key=lambda it: -it[1]))
