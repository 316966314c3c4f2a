"""What is said of a scenario: why it got its word, and what to do now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from profiles.gate.budget import NOTHING_MEASURED
from profiles.gate.doubts import Doubt
from profiles.gate.enough_runs import MOST_ADVISED, fewest_runs, matters, runs_to_tell
from profiles.gate.metric_decision import Family
from profiles.gate.metric_text import figure
from profiles.gate.outcome import BudgetCheck, MetricDecision, Word
from profiles.gate.sides import MISFORTUNES


@dataclass(frozen=True)
class Found:
    """What was found in a scenario.

    Attributes:
        metrics: what its runs say of each.
        budget: whether head kept to it.
        family: the tests of the whole gate.
        uncompared: why nothing was compared; empty where something was.
        doubts: what keeps it from passing besides.
        against: whether base is a revision, measured now, so that no baseline is in play.
    """

    metrics: Sequence[MetricDecision]
    budget: BudgetCheck
    family: Family
    uncompared: str = ""
    doubts: Sequence[Doubt] = ()
    against: bool = False


def scenario_reason(word: Word, found: Found) -> str:
    """Return one sentence."""
    uncompared = found.uncompared
    why = {
        "regressed": "; ".join([*_broken(found.budget), *_rises(found.metrics)]),
        "invalid": "; ".join([_nothing_valid(found.budget, uncompared), *_doubtful(found)]),
        "inconclusive": "; ".join([*_open(found.metrics, found.budget, uncompared), *_doubtful(found)]),
        "pass": _passed(found.metrics, uncompared),
    }[word]
    return why if not uncompared or word == "pass" else f"{why}; nothing was compared: {uncompared}"


def ways_out(word: Word, found: Found) -> Iterator[str]:
    """Yield what to do, the first thing first."""
    if word == "regressed":
        yield from _less_memory(found)
    if word == "invalid":
        yield "Mend what kept the runs from measuring (see the notes), then run the gate again."
    if word == "inconclusive":
        yield from _more_knowledge(found)
    if word == "pass" and not found.against:
        yield from _new_baseline(found)


def _less_memory(found: Found) -> Iterator[str]:
    if found.budget.broken:
        yield "The budget holds whatever the baseline says: free memory, or give the scenario a larger VM."
    if _rises(found.metrics):
        meant = "merge it knowingly" if found.against else "store a new baseline"
        yield f"`oomproof profile` shows what holds the memory. Is the rise meant? Then {meant}."


def _more_knowledge(found: Found) -> Iterator[str]:
    yield from _more_runs(found.metrics, found.family)
    if any(verdict in line for line in found.budget.lines for verdict in MISFORTUNES):
        yield (
            "A run measured nothing valid, did not serve, or was killed by somebody: let the machine be less busy, "
            "and see the notes."
        )
    elif found.budget.unknown or _titled(found.metrics, "unmeasured"):
        yield "`unmeasured` in each run's verdict.json says why there is no figure; a longer session may give it."
    yield from (doubt.way_out for doubt in found.doubts)


def _new_baseline(found: Found) -> Iterator[str]:
    if found.uncompared:
        yield "Store these runs as a baseline, so that the next gate has something to compare with."
    elif _better(found.metrics):
        yield "Store a new baseline: the present one would let this gain be lost again."


def _doubtful(found: Found) -> list[str]:
    return [doubt.reason for doubt in found.doubts]


def _broken(budget: BudgetCheck) -> list[str]:
    return [f"budget not kept: {line.removesuffix(': not kept')}" for line in budget.broken]


def _rises(metrics: Sequence[MetricDecision]) -> list[str]:
    return [_by(one, "rose", one.shift or 0) for one in metrics if one.word == "regressed"]


def _better(metrics: Sequence[MetricDecision]) -> list[MetricDecision]:
    """Those that fell, surely, by as much as would count as a rise."""
    return [
        one for one in metrics
        if one.word == "pass" and one.high is not None and one.high < 0 and matters(-(one.shift or 0), one.least)
    ]  # fmt: skip


def _nothing_valid(budget: BudgetCheck, uncompared: str) -> str:
    if NOTHING_MEASURED in budget.lines:
        return NOTHING_MEASURED
    return f"no judged metric was measured {'in head' if uncompared else 'on both sides'}"


def _open(metrics: Sequence[MetricDecision], budget: BudgetCheck, uncompared: str) -> Iterator[str]:
    if open_metrics := _titled(metrics, "inconclusive"):
        yield f"a rise that matters may be there or not: {open_metrics}"
    if (unmeasured := _titled(metrics, "unmeasured")) and not uncompared:
        yield f"not measured on both sides: {unmeasured}"
    if budget.unknown:
        yield "whether the budget is kept is not known"


def _passed(metrics: Sequence[MetricDecision], uncompared: str) -> str:
    if uncompared:
        return f"nothing was compared: {uncompared}; the budget is kept"
    better = [_by(one, "fell", -(one.shift or 0)) for one in _better(metrics)]
    return "; ".join(["no metric rose by as much as matters, and the budget is kept", *better])


def _more_runs(metrics: Sequence[MetricDecision], family: Family) -> Iterator[str]:
    unclear = [one for one in metrics if one.word == "inconclusive"]
    if not unclear:
        return
    sides = [len(side) for one in unclear for side in (one.base, one.head)]
    had, lost = min(sides), max(sides) - min(sides)
    if had < (fewest := fewest_runs(family.alpha, family.tests)):
        yield (
            f"`--runs {fewest + lost}`: {fewest} runs a side with a figure are the fewest that can prove a rise among "
            f"{family.tests} metrics, with false alarms in {family.alpha:.0%} at most; a side had {had}."
        )
        return
    needed = [runs_to_tell(one.base, one.head, one.least, family.level) for one in unclear]
    told = [runs for runs in needed if runs is not None]
    if len(told) == len(needed):
        yield f"`--runs {max(told)}`: about as many would tell, if runs go on to differ as these do."
    else:
        yield (
            f"`--runs {2 * had}` may not be enough: as much as these runs differ, {MOST_ADVISED} a side would not tell."
        )
    yield "A quieter machine, or longer sessions: runs that differ less tell more."


def _titled(metrics: Sequence[MetricDecision], word: str) -> str:
    return ", ".join(one.metric.title for one in metrics if one.metric.judged and one.word == word)


def _by(one: MetricDecision, moved: str, by: float) -> str:
    return f"{one.metric.title} {moved} by {figure(by)} {one.metric.unit}"
