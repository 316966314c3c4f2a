"""The gate's decision: every scenario's runs in, every metric of all of them tested together, a word each out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from profiles.gate.budget import check_budget
from profiles.gate.decision_text import Found, scenario_reason, ways_out
from profiles.gate.doubts import Doubt, other_work, uneven_tries
from profiles.gate.metric_decision import Family, Samples, decide_metrics
from profiles.gate.metrics import METRICS
from profiles.gate.outcome import GateRun, MetricDecision, ScenarioDecision, Word
from profiles.gate.sides import (
    MISFORTUNES,
    left_out,
    partly_measured,
    survivors,
    tried_again,
    valid,
    values,
)

ALPHA = 0.01
"""How often a gate on two equal states may say "regressed", all its metrics and scenarios together. A gate that runs
on every change cries wolf once in a hundred; people stop to look where it is once in twenty."""


@dataclass(frozen=True)
class ScenarioRuns:
    """What was measured in one scenario.

    Attributes:
        scenario: its name.
        head_runs: of the state that is judged.
        base_runs: of what it is compared with; None where there is nothing, and `why` says for what reason.
        vm_memory_mb: memory of its VM.
        budget_mb: what the scenario has its process tree stay below; None: the plan's line.
        why: why nothing can be compared.
        notes: what else is to be told of these runs.
        base_retried: first tries of base, whose places others took; None: not known, as of a stored baseline.
        head_retried: the same of head.
    """

    scenario: str
    head_runs: tuple[GateRun, ...]
    base_runs: tuple[GateRun, ...] | None
    vm_memory_mb: float
    budget_mb: float | None = None
    why: str = "there is no baseline"
    notes: tuple[str, ...] = ()
    base_retried: tuple[GateRun, ...] | None = None
    head_retried: tuple[GateRun, ...] = ()

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What keeps it from passing besides figures and budget."""
        uneven = () if self.uncompared else uneven_tries(self.base_retried, self.head_retried)
        return (*other_work(self.head_runs), *uneven)

    @property
    def uncompared(self) -> str:
        """Why nothing is compared; empty where something is. A base that always died is nothing to compare with."""
        if self.base_runs is None:
            return self.why
        ends = Counter(run.verdict for run in valid(self.base_runs))
        if not ends or ends["survived"] or ends.keys() & MISFORTUNES:
            return ""
        return f"base never survived ({', '.join(f'{times} {end}' for end, times in sorted(ends.items()))})"


def decide(
    scenarios: Sequence[ScenarioRuns], alpha: float = ALPHA, *, against: bool = False
) -> tuple[ScenarioDecision, ...]:
    """Return what each scenario's runs come to; `alpha` is shared by all their judged metrics (Holm's correction).

    `against`: base is a revision measured now, so nobody is told to store a baseline.

    Raises:
        OomproofError: figures that cannot be ranked, or more runs than can be compared exactly.
    """
    decisions, family = decide_metrics([sample for runs in scenarios for sample in _samples(runs)], alpha)
    each = len(METRICS)
    return tuple(
        _decided(runs, tuple(decisions[at * each : (at + 1) * each]), family, against=against)
        for at, runs in enumerate(scenarios)
    )


def _samples(runs: ScenarioRuns) -> Iterator[Samples]:
    base, head = survivors(runs.base_runs or ()), survivors(runs.head_runs)
    for metric in METRICS:
        yield Samples(metric, values(base, metric), values(head, metric), compared=not runs.uncompared)


def _decided(
    runs: ScenarioRuns, metrics: tuple[MetricDecision, ...], family: Family, *, against: bool
) -> ScenarioDecision:
    budget = check_budget(runs.head_runs, runs.vm_memory_mb, runs.budget_mb, runs.head_retried)
    found = Found(metrics, budget, family, runs.uncompared, runs.doubts, against)
    word = _word(runs, found)
    return ScenarioDecision(
        scenario=runs.scenario,
        word=word,
        reason=scenario_reason(word, found),
        metrics=metrics,
        budget=budget,
        notes=(*runs.notes, *_notes(runs)),
        ways_out=tuple(ways_out(word, found)),
        base_runs=runs.base_runs or (),
        head_runs=runs.head_runs,
        base_retried=runs.base_retried or (),
        head_retried=runs.head_retried,
    )


def _word(runs: ScenarioRuns, found: Found) -> Word:
    """What is proven decides, then whether anything was measured, then whether it tells."""
    words = {decision.word for decision in found.metrics if decision.metric.judged}
    if "regressed" in words or found.budget.broken:
        return "regressed"
    if not valid(runs.head_runs) or words == {"unmeasured"}:
        return "invalid"
    if words & {"inconclusive", "unmeasured"} and not runs.uncompared:
        return "inconclusive"
    return "inconclusive" if found.budget.unknown or found.doubts else "pass"


def _notes(runs: ScenarioRuns) -> Iterator[str]:
    if runs.uncompared:
        yield f"nothing was compared: {runs.uncompared}"
    for name, side, first_tries in (
        ("base", runs.base_runs or (), runs.base_retried or ()),
        ("head", runs.head_runs, runs.head_retried),
    ):
        yield from tried_again(name, first_tries, len(side))
        yield from left_out(name, side)
        yield from partly_measured(name, survivors(side), METRICS)
