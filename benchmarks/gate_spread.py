"""How runs of one state differ, and how true an injected regression is measured: what the error rates come from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, fmean, median, stdev, variance

from benchmarks.gate import Effect
from benchmarks.gate_runs import Pair, nearest
from profiles.gate.metrics import METRICS, Metric
from profiles.gate.outcome import GateRun
from profiles.gate.ranks import shift, shift_interval
from profiles.gate.sides import survivors, values

NEAREST_PAIRS = 4
"""Of an effect's base: as many runs as the exact interval takes, from the minutes around."""
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
        together: correlation of what base and head measured at the same time, as they differ from their pair's mean;
            None where nothing varies.
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
    together: float | None
    least: float


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
    usual = median(pooled)
    return Spread(
        metric.name, len(pooled), usual, min(pooled), max(pooled), stdev(pooled), math.sqrt(within),
        math.sqrt(max(0.0, between)), max(shifts, default=0.0), _together(metric, pairs), metric.smallest_effect(usual),
    )  # fmt: skip


def _together(metric: Metric, pairs: Sequence[Pair]) -> float | None:
    """By turns, the runs of one number share their minute: what that minute does to both shows here."""
    bases, heads = list[float](), list[float]()
    for pair in pairs:
        level = fmean(_values(pair, metric) or (0.0,))
        for base, head in zip(pair.base, pair.head, strict=True):
            before, after = (run.figures[metric.name] for run in (base, head))
            if survivors((base, head)) == (base, head) and before is not None and after is not None:
                bases.append(before - level)
                heads.append(after - level)
    try:
        return correlation(bases, heads)
    except StatisticsError:
        return None


def effect_found(effect: Effect, runs: Sequence[GateRun], pairs: Sequence[Pair]) -> Found | None:
    """Return by how much the effect's metric lies above the runs nearest in time; None where it was not measured."""
    metric = next(metric for metric in METRICS if metric.name == SHIFTED[effect.kind])
    around = nearest(pairs, runs, NEAREST_PAIRS)
    base, head = (values(survivors(side), metric) for side in ([r for p in around for r in p.runs], runs))
    if not base or not head:
        return None
    low, high = shift_interval(base, head, 0.025)
    return Found(effect.name, metric.name, len(head), len(base), effect.size, shift(base, head), low, high)


def _values(pair: Pair, metric: Metric) -> tuple[float, ...]:
    return values(survivors(pair.runs), metric)
