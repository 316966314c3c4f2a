"""Made-up runs for the gate's decision: no figure in them was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from profiles.gate.decision import ScenarioRuns, decide
from profiles.gate.outcome import GateRun, MetricDecision, ScenarioDecision

VM_MB = 4096.0
CENTRES = {
    "peak_tree_rss_mb": 140.0, "steady_rss_mb": 66.0, "peak_anon_mb": 100.0,
    "growth_bytes_per_session": 2.0, "chunk_p95_ms": 30.0,
}  # fmt: skip
MB = ("peak_tree_rss_mb", "steady_rss_mb", "peak_anon_mb")


def runs(count: int = 6, apart: float = 0.2, **rises: float | None) -> tuple[GateRun, ...]:
    """Runs whose figures lie `apart` from each other, centres raised by `rises`; None: not measured."""

    def figures(run: int) -> dict[str, float | None]:
        wanted = {name: (centre, rises.get(name, 0.0)) for name, centre in CENTRES.items()}
        return {
            name: None if rise is None else centre + rise + apart * run
            for name, (centre, rise) in wanted.items()
        }

    return tuple(GateRun("survived", figures(run), peak_vm_mb=200.0) for run in range(count))


def died(count: int, verdict: str = "oom_killed", evidence: str = "") -> tuple[GateRun, ...]:
    """Runs that ended like this."""
    return tuple(
        replace(run, verdict=verdict, evidence=(evidence,) if evidence else ()) for run in runs(count)
    )


def unmet(count: int, *lines: str) -> tuple[GateRun, ...]:
    """Runs that lived and did not show what their scenario expects."""
    return tuple(replace(run, met=False, evidence=("no kill", *lines)) for run in runs(count))


def decided(
    head: tuple[GateRun, ...],
    base: tuple[GateRun, ...] | None = runs(),
    *,
    budget_mb: float | None = None,
    against: bool = False,
    **more: Any,
) -> ScenarioDecision:
    """The decision on one scenario alone; `more` are fields of its runs."""
    return decide([ScenarioRuns("cached", head, base, VM_MB, budget_mb, **more)], against=against)[0]


def of(decision: ScenarioDecision, name: str = "steady_rss_mb") -> MetricDecision:
    """The decision on that metric."""
    return next(one for one in decision.metrics if one.metric.name == name)
