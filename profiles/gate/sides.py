"""Which runs of a side can be compared, and what is said of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from profiles.gate.metrics import Metric
from profiles.gate.outcome import GateRun
from profiles.report_text import count

MISFORTUNES = frozenset({"invalid", "unhealthy", "killed"})
"""Ends that a busy machine or a stranger can give to any server: a gate tries such a run once more."""


def survivors(runs: Sequence[GateRun]) -> tuple[GateRun, ...]:
    """Return the runs whose figures are those of a whole session: what died or fell silent had not used all."""
    return tuple(run for run in runs if run.verdict == "survived")


def valid(runs: Sequence[GateRun]) -> tuple[GateRun, ...]:
    """Return the runs that showed something, be it a death."""
    return tuple(run for run in runs if run.verdict != "invalid")


def values(runs: Sequence[GateRun], metric: Metric) -> tuple[float, ...]:
    """Return the metric's values, one a run that has it."""
    return tuple(value for run in runs if (value := run.figures.get(metric.name)) is not None)


def left_out(name: str, runs: Sequence[GateRun]) -> Iterator[str]:
    """Yield, for each way to end but survival, how many runs of that side ended so, and what the first one shows."""
    ends = Counter(run.verdict for run in runs if run.verdict != "survived")
    for verdict, times in sorted(ends.items()):
        shown = next((run.evidence[0] for run in runs if run.verdict == verdict and run.evidence), "")
        because = f" ({shown})" if shown else ""
        was = "was" if times == 1 else "were"
        yield f"{name}: {times} of {count(len(runs), 'run', 'runs')} {was} {verdict} and not compared{because}"


def partly_measured(name: str, runs: Sequence[GateRun], metrics: Sequence[Metric]) -> Iterator[str]:
    """Yield each judged metric that only some of these runs have."""
    for metric in metrics:
        having = len(values(runs, metric))
        if metric.judged and 0 < having < len(runs):
            yield f"{name}: {metric.title} was measured in {having} of {len(runs)} runs"
