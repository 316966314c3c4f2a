"""The gate's rule beside simpler ones, and how often each finds what is there in runs that were measured.

A round draws from other runs than the next: of equal states from pairs measured at another time, of a regression from
its runs drawn again. So the rounds differ by all that drifts, and not only by the draw of the gates.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from benchmarks.gate import Effect
from benchmarks.gate_runs import Measured, Pair, nearest
from benchmarks.gate_simulation import judge, relabelled
from benchmarks.gate_spread import NEAREST_PAIRS
from profiles.gate.enough_runs import matters
from profiles.gate.metrics import METRICS
from profiles.gate.outcome import GateRun
from profiles.gate.sides import survivors, values

Runs = Sequence[GateRun]
Sides = tuple[Runs, Runs]
FOUND_OFTEN = 0.95
_HALVINGS = 10


@dataclass(frozen=True)
class Rule:
    """How two sides of so many runs each become "regressed" or not."""

    name: str
    runs: int
    regressed: Callable[[Runs, Runs, float], bool]


def by_gate(base: Runs, head: Runs, vm_memory_mb: float) -> bool:
    """Return whether the gate's own `decide` says "regressed"."""
    return judge(base, head, vm_memory_mb).word == "regressed"


def by_medians(base: Runs, head: Runs, _: float) -> bool:
    """Return whether the median of a judged metric rose by what counts to the gate, proven or not."""
    for metric in METRICS:
        before, after = (values(survivors(side), metric) for side in (base, head))
        if metric.judged and before and after:
            usual = median(before)
            if matters(median(after) - usual, metric.smallest_effect(usual)):
                return True
    return False


def part_of(pairs: Sequence[Pair], number: int, rounds: int) -> Sequence[Pair]:
    """Return the pairs of a round: one of as many equal stretches of time as there are rounds."""
    return pairs[number * len(pairs) // rounds : (number + 1) * len(pairs) // rounds]


def equal(draw: random.Random, pairs: Sequence[Pair], runs: int, gates: int) -> Iterator[Sides]:
    """Yield the sides of so many gates on equal states, base and head by lot from one pair or its neighbours."""
    for _ in range(gates):
        base, head, _places = relabelled(draw, pairs, runs)
        yield base, head


def changed(
    draw: random.Random, measured: Measured, effect: Effect, runs: int, gates: int
) -> Iterator[Sides]:
    """Yield the sides of so many gates whose head has the regression, of runs drawn again once for all of them."""
    found = survivors(dict(measured.effects)[effect])
    around = survivors([run for pair in nearest(measured.pairs, found, NEAREST_PAIRS) for run in pair.runs])
    base, head = draw.choices(around, k=len(around)), draw.choices(found, k=len(found))
    for _ in range(gates):
        yield draw.sample(base, runs), draw.sample(head, runs)


def share_regressed(rule: Rule, sides: Iterable[Sides], vm_memory_mb: float) -> float:
    """Return how many of the gates say "regressed", as a share."""
    words = [rule.regressed(base, head, vm_memory_mb) for base, head in sides]
    return sum(words) / len(words)


def smallest_found(
    rule: Rule, sides: Sequence[Sides], metrics: Sequence[str], most: float, vm_memory_mb: float
) -> float:
    """Return the smallest rise of these metrics that is found in 95 of 100 gates, in their unit; at most `most`.

    The sides are real runs of equal states; the rise is added to each figure of head, by arithmetic. The more is
    added, the more gates find it, so the interval that holds the smallest is halved.
    """
    low, high = 0.0, most
    for _ in range(_HALVINGS):
        half = (low + high) / 2
        raised = ((base, [higher(run, metrics, half) for run in head]) for base, head in sides)
        found = share_regressed(rule, raised, vm_memory_mb) >= FOUND_OFTEN
        low, high = (low, half) if found else (half, high)
    return high


def higher(run: GateRun, metrics: Sequence[str], by: float) -> GateRun:
    """Return the run with these metrics raised; one that was not measured stays so."""
    raised = {
        name: value + by if name in metrics and value is not None else value
        for name, value in run.figures.items()
    }
    return replace(run, figures=raised)
