"""The words of a gate's report, the same on terminal, in Markdown and in JUnit's XML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from profiles.gate import metric_text
from profiles.gate.metrics import Metric
from profiles.gate.outcome import BudgetCheck, GateOutcome, MetricDecision, ScenarioDecision
from profiles.report_text import NONE

UNKNOWN = "unknown"
NO_BASE = "NOTHING WAS COMPARED: only the budget was checked"
_SHORT = {
    "peak_tree_rss_mb": "peak tree RSS",
    "steady_rss_mb": "steady tree RSS",
    "peak_anon_mb": "peak anonymous",
    "growth_bytes_per_session": "growth/session",
    "chunk_p95_ms": "chunk p95",
}
"""The metrics' names as the table of a comparison has them; a metric that is not here has its title."""


def printable(text: str) -> str:
    r"""Return text as one line in which every character can be seen: an escape sequence stands as `\x1b[31m`.

    A note may hold what a process called itself. So nobody's terminal is driven by it, and no XML broken.
    """
    visible = (
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in " ".join(text.split())
    )
    return "".join(visible)


def headline(outcome: GateOutcome) -> str:
    """Return the verdict in one line: its word, the scenarios that it rests on, and whether anything was compared."""
    if not outcome.scenarios:
        return f"{outcome.word}: nothing was measured"
    names = [printable(found.scenario) for found in outcome.scenarios if found.word == outcome.word]
    alone = [printable(found.scenario) for found in outcome.scenarios if not compared(found)]
    line = f"{outcome.word}: {', '.join(names)}"
    if outcome.word == "invalid" or not alone:
        return line
    whose = "" if len(alone) == len(outcome.scenarios) else f" in {', '.join(alone)}"
    return f"{line}. {NO_BASE}{whose}"


def compared(decision: ScenarioDecision) -> bool:
    """Return whether any judged metric has figures of both sides; of an invalid scenario that is not asked."""
    both = any(found.base and found.head for found in decision.metrics if found.metric.judged)
    return both or decision.word == "invalid"


def sides(outcome: GateOutcome) -> str:
    """Return what was compared with what."""
    head = f"head ({printable(outcome.head.described)})"
    if outcome.base is None:
        return f"{head}, without a base"
    return f"{head} compared with base ({printable(outcome.base.described)})"


def short_title(metric: Metric) -> str:
    """Return a metric's name for a narrow column."""
    return _SHORT.get(metric.name, metric.title)


def middle(values: Sequence[float], metric: Metric) -> str:
    """Return the median of a side's values with its unit; a dash without any."""
    return figure(median(values), metric.unit) if values else NONE


def medians(decision: MetricDecision) -> str:
    """Return both medians, `81.4 -> 93.3 MB`."""
    base = middle(decision.base, decision.metric).removesuffix(f" {decision.metric.unit}")
    return f"{base} -> {middle(decision.head, decision.metric)}"


def figure(value: float | None, unit: str = "") -> str:
    """Return a figure with its unit; a dash where nothing was measured."""
    return (
        NONE if value is None or not math.isfinite(value) else f"{metric_text.figure(value)} {unit}".rstrip()
    )


def shift(decision: MetricDecision, unit: str = "") -> str:
    """Return by how much head lies higher, with its sign."""
    return _signed(decision.shift, unit)


def interval(decision: MetricDecision, unit: str = "") -> str:
    """Return the shift's interval; of one that is open at an end, only the other: `at least +9.8`."""
    low, high = (
        end if end is not None and math.isfinite(end) else None for end in (decision.low, decision.high)
    )
    if low is not None and high is not None:
        return f"{_signed(low)} to {_signed(high, unit)}"
    if low is not None:
        return f"at least {_signed(low, unit)}"
    return UNKNOWN if high is None else f"at most {_signed(high, unit)}"


def shift_within(decision: MetricDecision, unit: str = "") -> str:
    """Return shift and interval, `+11.9 (+11.5 to +12.3)`."""
    within = interval(decision, unit)
    return shift(decision, unit) if within == UNKNOWN else f"{shift(decision, unit)} ({within})"


def smallest_effect(decision: MetricDecision) -> str:
    """Return the smallest rise that matters; a dash for a metric that is only shown."""
    return figure(decision.least, decision.metric.unit) if decision.metric.judged else NONE


def told(decision: ScenarioDecision) -> list[MetricDecision]:
    """Return the metrics whose reasons a hurried reader needs: not passed, or risen for sure, though by little."""
    return [
        found
        for found in decision.metrics
        if found.metric.judged and found.word != "information"
        if found.word != "pass" or (found.low is not None and found.low > 0)
    ]


def notes(decision: ScenarioDecision) -> list[str]:
    """Return the notes that the scenario's reason has not told already."""
    return [note for note in decision.notes if note not in decision.reason]


def budget_title(budget: BudgetCheck) -> str:
    """Return what the budget's lines stand under."""
    if budget.unknown:
        return "Budget: not known to be kept"
    return "Budget: kept" if budget.kept else "Budget: NOT kept"


def _signed(value: float | None, unit: str = "") -> str:
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{metric_text.signed(value)} {unit}".rstrip()
