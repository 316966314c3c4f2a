"""The sentence that tells why a metric got its word, with its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from profiles.gate.metrics import Metric
from profiles.gate.outcome import MetricWord
from profiles.report_text import count


def compared_reason(
    metric: Metric, word: MetricWord, base: Sequence[float], head: Sequence[float],
    *, by: float, low: float, high: float, p: float | None, least: float, proven: bool, provable: bool,
) -> str:  # fmt: skip
    """Return medians, shift, the bound that the word rests on, and what that comes to."""
    chance = "" if p is None else f"; p {p:.2g}"
    values = f"{figure(median(base))} -> {figure(median(head))} {metric.unit}"
    shifted = f"({signed(by)} {metric.unit}, {_bounds(word, low, high)}{chance})"
    told = {
        "regressed": _regressed(metric, by, least),
        "pass": _passed(metric, by, high, least, proven=proven),
        "inconclusive": (
            _open(metric, least, proven=proven)
            if provable and math.isfinite(high)
            else f"inconclusive, {len(base)} and {len(head)} runs are too few to tell"
        ),
    }
    return f"{metric.title}: {values} {shifted}: {told.get(word, 'for information')}"


def uncompared_reason(metric: Metric, base: Sequence[float], head: Sequence[float], *, compared: bool) -> str:
    """Return what is missing, or head's median where nothing was there to compare it with."""
    if not compared and head:
        runs = count(len(head), "run", "runs")
        return f"{metric.title}: {figure(median(head))} {metric.unit} (median of {runs}), not compared"
    sides = [name for name, values in (("base", base), ("head", head)) if not values]
    lacking = "head" if not compared else " and ".join(sides)
    return f"{metric.title}: not measured in any run of {lacking}"


def least_text(metric: Metric, least: float) -> str:
    """Return the smallest rise that matters: `8 MB`, or `20 MB (5 %)` where the share decides."""
    share = f" ({metric.least_share * 100:g} %)" if least > metric.least else ""
    return f"{round(least, 1):g} {metric.unit}{share}"


def figure(value: float) -> str:
    """Return a number of a metric, one digit behind the point; of a large one, none."""
    text = f"{value:,.{0 if abs(value) >= 1000 else 1}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def signed(value: float) -> str:
    """Return the same with its sign, also of a rise."""
    text = figure(value)
    return text if text.startswith("-") else f"+{text}"


def _bounds(word: MetricWord, low: float, high: float) -> str:
    if not math.isfinite(low):
        return "no bounds with so few runs"
    if word == "regressed":
        return f"at least {figure(low)}"
    if word == "pass":
        return f"at most {figure(high)}"
    return f"between {figure(low)} and {figure(high)}"


def _regressed(metric: Metric, by: float, least: float) -> str:
    if by >= least:
        return f"regressed, a rise of {least_text(metric, least)} matters"
    return f"regressed, proven and at least half of the {least_text(metric, least)} that matter"


def _passed(metric: Metric, by: float, high: float, least: float, *, proven: bool) -> str:
    if proven:
        return f"pass, a proven rise, but less than the {least_text(metric, least)} that matter"
    if high < 0:
        return f"pass, better by {figure(-by)} {metric.unit}"
    return f"pass, no rise of the {least_text(metric, least)} that matter"


def _open(metric: Metric, least: float, *, proven: bool) -> str:
    if proven:
        return f"inconclusive, a proven rise, which may be the {least_text(metric, least)} that matter"
    return f"inconclusive, a rise of the {least_text(metric, least)} that matter may be there or not"
