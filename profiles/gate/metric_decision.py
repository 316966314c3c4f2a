"""What the runs of both sides say of each metric: a test, an interval, a word.

**regressed**: the rise is proven (p, corrected for all metrics of all scenarios, at most alpha) and matters (at least
half the smallest effect). **pass**: not regressed, and the interval ends below the smallest effect. A metric that did
not regress may still be **inconclusive**: that nothing was proven does not say that nothing is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from profiles.gate.enough_runs import matters
from profiles.gate.metric_text import compared_reason, uncompared_reason
from profiles.gate.metrics import Metric
from profiles.gate.outcome import MetricDecision, MetricWord
from profiles.gate.ranks import holm, p_higher, shift, shift_interval, smallest_p


@dataclass(frozen=True)
class Samples:
    """A metric's values, one a run that has it; `compared` is false where there is no baseline."""

    metric: Metric
    base: tuple[float, ...]
    head: tuple[float, ...]
    compared: bool = True

    @property
    def tested(self) -> bool:
        """Whether it is one of the tests that the correction counts."""
        return self.metric.judged and bool(self.base and self.head)


@dataclass(frozen=True)
class Family:
    """All tests of a gate taken together.

    Attributes:
        alpha: the probability of a false alarm in all of them.
        tests: how many they are.
        level: of one end of each interval. What the correction leaves of alpha to each metric that was not proven to
            rise. It is never above alpha, so each end alone is wrong with at most that probability.
    """

    alpha: float
    tests: int
    level: float


def decide_metrics(samples: Sequence[Samples], alpha: float) -> tuple[list[MetricDecision], Family]:
    """Return a decision for each, in their order; all are tested together, so give those of all scenarios.

    Raises:
        OomproofError: values that cannot be ranked, or too many.
    """
    tested = [sample for sample in samples if sample.tested]
    ps = holm([p_higher(sample.base, sample.head) for sample in tested])
    least_ps = holm([smallest_p(len(sample.base), len(sample.head)) for sample in tested])
    family = Family(alpha, len(tested), alpha / max(1, sum(p > alpha for p in ps)))
    found: Iterator[tuple[float, float]] = zip(ps, least_ps, strict=True)
    return [
        _compared(sample, family, *(next(found) if sample.tested else (None, None)))
        if sample.base and sample.head
        else _uncompared(sample)
        for sample in samples
    ], family


def _compared(sample: Samples, family: Family, p: float | None, least_p: float | None) -> MetricDecision:
    low, high = shift_interval(sample.base, sample.head, family.level)
    by, least = shift(sample.base, sample.head), sample.metric.smallest_effect(median(sample.base))
    proven, provable = _within(p, family.alpha), _within(least_p, family.alpha)
    word: MetricWord
    if not sample.metric.judged:
        word = "information"
    elif proven and matters(by, least):
        word = "regressed"
    else:
        word = "pass" if provable and high < least else "inconclusive"
    reason = compared_reason(
        sample.metric, word, sample.base, sample.head,
        by=by, low=low, high=high, p=p, least=least, proven=proven, provable=provable,
    )  # fmt: skip
    return MetricDecision(
        sample.metric, word, sample.base, sample.head, by, _finite(low), _finite(high), p, least, reason
    )


def _uncompared(sample: Samples) -> MetricDecision:
    """Nothing to compare: shown where head has values and no baseline was there to have any, else unmeasured."""
    word: MetricWord = "information" if sample.head and not sample.compared else "unmeasured"
    known = sample.base or sample.head
    least = sample.metric.smallest_effect(median(known)) if known else sample.metric.least
    reason = uncompared_reason(sample.metric, sample.base, sample.head, compared=sample.compared)
    return MetricDecision(
        sample.metric, word, sample.base, sample.head, None, None, None, None, least, reason
    )


def _within(p: float | None, alpha: float) -> bool:
    return p is not None and p <= alpha


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
