"""What watching costs the watched: windows with and without the recorder, paired, and how sure their ratio is.

A machine drifts: its frequency, its caches, its neighbours. So each window with the recorder stands beside one
without it, taken right before or after on the same target, and only ratios within pairs are compared. Their geometric
mean is the figure; its interval is the middle 95 % of the means of the same pairs drawn again with replacement
(percentile bootstrap), which asks nothing of how the ratios are spread. Of ten pairs it is too narrow: on made-up
ratios whose truth is known it held that 91 times in 100 (tests/benchmarks/test_pairs.py).
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from profiles.quantile import percentiles

DRAWS = 10_000
SEED = 1


@dataclass(frozen=True)
class Pair:
    """Latencies of one window with and one without, in microseconds; the recorder's own cost in the first."""

    with_us: Sequence[float]
    without_us: Sequence[float]
    cpu_share: float | None
    rss_mb: float | None


@dataclass(frozen=True)
class Ratio:
    """A latency with the recorder over the same without: the mean of the pairs, and where 95 % of redrawn means lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Cost:
    """One case.

    Attributes:
        name: of the case.
        sample_hz: samples a second; 0 where no window had a recorder, which shows what the machine's noise is.
        processes: in the VM.
        pairs: how many.
        requests: in the smallest window.
        cpu_share: CPU of the recorder, median of the pairs, share of a core.
        cpu_share_max: the highest of them.
        rss_mb: its highest RSS (MiB).
        p50_us: median latency without it, median of the pairs.
        p99_us: and that which one in a hundred exceeds.
        p50_ratio: of the median latency.
        p99_ratio: of that which one in a hundred exceeds.
    """

    name: str
    sample_hz: int
    processes: int
    pairs: int
    requests: int
    cpu_share: float | None
    cpu_share_max: float | None
    rss_mb: float | None
    p50_us: float
    p99_us: float
    p50_ratio: Ratio
    p99_ratio: Ratio


def cost(name: str, sample_hz: int, processes: int, pairs: Sequence[Pair]) -> Cost:
    """Returns what the pairs of a case say; each window has at least one latency."""
    with_us = [percentiles(pair.with_us, 50, 99) for pair in pairs]
    without_us = [percentiles(pair.without_us, 50, 99) for pair in pairs]
    shares = [pair.cpu_share for pair in pairs if pair.cpu_share is not None]
    sizes_mb = [pair.rss_mb for pair in pairs if pair.rss_mb is not None]
    return Cost(
        name=name,
        sample_hz=sample_hz,
        processes=processes,
        pairs=len(pairs),
        requests=min(min(len(pair.with_us), len(pair.without_us)) for pair in pairs),
        cpu_share=round(median(shares), 5) if shares else None,
        cpu_share_max=round(max(shares), 5) if shares else None,
        rss_mb=round(max(sizes_mb), 1) if sizes_mb else None,
        p50_us=median(p50 or 0.0 for p50, _ in without_us),
        p99_us=median(p99 or 0.0 for _, p99 in without_us),
        p50_ratio=ratio([(a[0] or 0.0) / (b[0] or 1.0) for a, b in zip(with_us, without_us, strict=True)]),
        p99_ratio=ratio([(a[1] or 0.0) / (b[1] or 1.0) for a, b in zip(with_us, without_us, strict=True)]),
    )


def ratio(ratios: Sequence[float], draws: int = DRAWS) -> Ratio:
    """Returns the geometric mean of positive ratios with its interval; the same ratios give the same one."""
    logs = [math.log(value) for value in ratios]
    draw = random.Random(SEED)
    means = sorted(fmean(draw.choices(logs, k=len(logs))) for _ in range(draws))
    low, high = means[round(0.025 * draws)], means[round(0.975 * draws) - 1]
    return Ratio(*(round(math.exp(value), 4) for value in (fmean(logs), low, high)))
