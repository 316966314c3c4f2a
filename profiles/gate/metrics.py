"""What a gate looks at in each run, and how small a change of it still matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from profiles.verdict_record import VerdictRecord

KIB = 1024


@dataclass(frozen=True)
class Metric:
    """A figure of a run, of which more is worse.

    Attributes:
        name: the field of the verdict.
        title: what people read.
        unit: of its values here.
        per_unit: the verdict's unit in one of these.
        least: the smallest rise that matters, in `unit`.
        least_share: the same as a share of the baseline's median; the larger of both counts.
        judged: whether it decides; else it is shown, and nothing more.
    """

    name: str
    title: str
    unit: str
    per_unit: float = 1.0
    least: float = 0.0
    least_share: float = 0.0
    judged: bool = True

    def smallest_effect(self, baseline: float) -> float:
        """Return the smallest rise that matters above a baseline's median."""
        return max(self.least, self.least_share * abs(baseline))


METRICS = (
    Metric("peak_tree_rss_mb", "peak RSS of the process tree", "MB", least=8, least_share=0.05),
    Metric("steady_rss_mb", "steady RSS of the process tree", "MB", least=8, least_share=0.05),
    Metric("peak_anon_mb", "peak anonymous memory", "MB", least=8, least_share=0.05),
    Metric("growth_bytes_per_session", "growth per session", "KiB", per_unit=KIB, least=64),
    Metric("chunk_p95_ms", "95th percentile of a chunk's latency", "ms", judged=False),
)
"""The smallest effects are what the gate is built to find; its operating characteristic says how surely it does."""
BY_NAME: Mapping[str, Metric] = {metric.name: metric for metric in METRICS}


def figures_of(record: VerdictRecord) -> dict[str, float | None]:
    """Return a run's metrics in their units; None where one was not measured."""
    values = {metric.name: getattr(record, metric.name) for metric in METRICS}
    return {name: None if value is None else value / BY_NAME[name].per_unit for name, value in values.items()}
