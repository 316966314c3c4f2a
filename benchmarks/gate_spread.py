"""How runs of one state differ, and how true an injected regression is measured: what the error rates come from."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import correlation, fmean, median, stdev, variance

from benchmarks.gate import Effect
from benchmarks.gate_runs import Pair, nearest
from profiles.gate.metrics import METRICS, Metric
from profiles.gate.outcome import GateRun
from profiles.gate.ranks import shift, shift_interval
from profiles.gate.sides import survivors, values

NEAREST_PAIRS = 4
"""Of an effect's base: as many runs as the exact interval takes, from the minutes around."""
PARTS = 3
SHIFTED: Mapping[str, str] = {
    "hold": "steady_rss_mb", "leak": "growth_bytes_per_session", "burst": "peak_tree_rss_mb"
}  # fmt: skip
"""The metric that moves by just what is injected."""


@dataclass(frozen=True)
class Spread:
    """A metric over all runs of one state, in its unit.

    Attributes:
        metric: its name.
        runs: how many had it.
        median: of them.
        low: the lowest.
        high: the highest.
        sd: the standard deviation of all.
        sd_within: of runs of one pair.
        sd_between: of the pairs' levels, beyond what the runs within explain.
        worst_shift: the largest shift between the two sides of a pair, either way.
        least: the smallest rise that matters.
    """

    metric: str
    runs: int
    median: float
    low: float
    high: float
    sd: float
    sd_within: float
    sd_between: float
    worst_shift: float
    least: float


@dataclass(frozen=True)
class Part:
    """The runs of one part of all, by how much the machine waited for memory (PSI, %)."""

    psi_low: float
    psi_high: float
    runs: int
    medians: Mapping[str, float]
    sds: Mapping[str, float]


@dataclass(frozen=True)
class Found:
    """How an effect's metric was found to have shifted; the interval is 95 %, two-sided, of the exact rank test."""

    effect: str
    metric: str
    runs: int
    base_runs: int
    injected: float
    shift: float
    low: float
    high: float


def spreads(pairs: Sequence[Pair]) -> list[Spread]:
    """Return the spread of each metric; nothing of one that fewer than two pairs have."""
    return [
        found for metric in METRICS if (found := _spread(metric, [_values(p, metric) for p in pairs], pairs))
    ]


def _spread(metric: Metric, groups: Sequence[Sequence[float]], pairs: Sequence[Pair]) -> Spread | None:
    groups = [group for group in groups if len(group) > 1]
    if len(groups) < 2:
        return None
    pooled = [value for group in groups for value in group]
    within = sum(variance(group) * (len(group) - 1) for group in groups) / (len(pooled) - len(groups))
    # The means of pairs vary by what the runs within leave in a mean, and by what pairs differ.
    between = variance(map(fmean, groups)) - within / fmean(map(len, groups))
    shifts = [
        abs(shift(base, head))
        for pair in pairs
        if (base := values(survivors(pair.base), metric)) and (head := values(survivors(pair.head), metric))
    ]
    return Spread(
        metric.name, len(pooled), median(pooled), min(pooled), max(pooled), stdev(pooled), math.sqrt(within),
        math.sqrt(max(0.0, between)), max(shifts, default=0.0), metric.smallest_effect(median(pooled)),
    )  # fmt: skip


def by_pressure(pairs: Sequence[Pair]) -> list[Part]:
    """Return the runs in equal parts, those on the quietest machine first; nothing where nobody told the pressure."""
    told = [run for run in _survived(pairs) if run.host_psi_some is not None]
    told.sort(key=lambda run: run.host_psi_some or 0.0)
    if len(told) < 2 * PARTS:
        return []
    cuts = [round(part * len(told) / PARTS) for part in range(PARTS + 1)]
    return [_part(told[low:high]) for low, high in itertools.pairwise(cuts)]


def _part(runs: Sequence[GateRun]) -> Part:
    found = {metric.name: values(runs, metric) for metric in METRICS}
    known = {name: numbers for name, numbers in found.items() if len(numbers) > 1}
    return Part(
        psi_low=runs[0].host_psi_some or 0.0,
        psi_high=runs[-1].host_psi_some or 0.0,
        runs=len(runs),
        medians={name: median(numbers) for name, numbers in known.items()},
        sds={name: stdev(numbers) for name, numbers in known.items()},
    )


def with_pressure(pairs: Sequence[Pair]) -> dict[str, float]:
    """Return each metric's rank correlation with the pressure (Spearman); none of what does not vary."""
    found = {}
    for metric in METRICS:
        both = [
            (run.host_psi_some, value)
            for run in _survived(pairs)
            if run.host_psi_some is not None and (value := run.figures[metric.name]) is not None
        ]
        psi, figures = (_ranks([pair[side] for pair in both]) for side in (0, 1))
        if len(set(psi)) > 1 and len(set(figures)) > 1:
            found[metric.name] = correlation(psi, figures)
    return found


def effect_found(effect: Effect, runs: Sequence[GateRun], pairs: Sequence[Pair]) -> Found | None:
    """Return by how much the effect's metric lies above the runs nearest in time; None where it was not measured."""
    metric = next(metric for metric in METRICS if metric.name == SHIFTED[effect.kind])
    around = nearest(pairs, runs, NEAREST_PAIRS)
    base, head = (values(survivors(side), metric) for side in ([r for p in around for r in p.runs], runs))
    if not base or not head:
        return None
    low, high = shift_interval(base, head, 0.025)
    return Found(effect.name, metric.name, len(head), len(base), effect.size, shift(base, head), low, high)


def _survived(pairs: Sequence[Pair]) -> list[GateRun]:
    return [run for pair in pairs for run in survivors(pair.runs)]


def _values(pair: Pair, metric: Metric) -> tuple[float, ...]:
    return values(survivors(pair.runs), metric)


def _ranks(numbers: Sequence[float]) -> list[float]:
    """Each number's rank; equal ones share the middle of theirs."""
    ordered = sorted(numbers)
    last = {number: place for place, number in enumerate(ordered)}
    first = {number: place for place, number in reversed(list(enumerate(ordered)))}
    return [(first[number] + last[number]) / 2 for number in numbers]
