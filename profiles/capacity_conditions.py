"""The conditions of a capacity report, and what its numbers cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from profiles.capacity import Capacity
from profiles.capacity_outcome import Aim, Outcome
from profiles.capacity_text import runs
from profiles.comparison import Comparison
from profiles.report_conditions import condition_rows
from profiles.report_limits import LIMITS
from profiles.report_table import Row
from profiles.report_text import NONE, number

_OTHERWISE = ("Readers", "Measured", "Budget")
"""Conditions of a comparison that are told otherwise here."""
_OF_OTHER_RUNS = "A scenario that is expected to die is stopped"
_ONE_RUN = (
    "One run of each number cannot tell chance from a limit: numbers near it may change sides the next time. "
    "--runs 3 asks each three times."
)
_TEXT = """\
A number of readers is carried or not on this VM, at this pace, by this machine, with this load. Readers at
another pace, or of other habits, make another number.

However many readers there are, they share the same chapters: of more readers, more ask for the same blocks, which
helps a server that shares work.

A run ends as soon as its server has ended: its peaks, stalls and CPU time are those until then.
"""


def capacity_conditions(capacities: Sequence[Capacity]) -> list[Row]:
    """Return label and values of every condition, first what carrying means."""
    shown = [_shown(capacity) for capacity in capacities]
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    comparison = Comparison(created_at, tuple(o.record for o in shown), tuple(o.run for o in shown))
    rows = [row for row in condition_rows(comparison) if row[0] not in _OTHERWISE]
    return [
        *_aim_rows(capacities[0].aim),
        ("Readers", _readers(shown)),
        *rows,
        ("Measured", _measured(capacities)),
    ]


def limits(aim: Aim) -> list[str]:
    """Return what the numbers cannot tell."""
    own = [" ".join(paragraph.split()) for paragraph in _TEXT.split("\n\n")]
    once = [_ONE_RUN] if aim.runs == 1 else []
    return [*own, *once, *(limit for limit in LIMITS if not limit.startswith(_OF_OTHER_RUNS))]


def _shown(capacity: Capacity) -> Outcome:
    """The run whose conditions stand for the scenario's: they differ in the number of readers alone."""
    known = capacity.bounds
    deciding = capacity.deciding(known.carried or known.failed)
    return deciding or capacity.outcomes[-1]


def carries(aim: Aim) -> str:
    """Return what a run must show to carry its readers."""
    budget = number(aim.budget_mb, "MB")
    heard = "a reader who hears nothing counts as one"
    if aim.stalls_below > 0:
        heard += ", and one stall in all is allowed where everybody hears something"
    return (
        f"the verdict is survived, the process tree stays under {budget}, and at most {100 * aim.stalls_below:g} % "
        f"of the blocks after each reader's first are stalls ({heard})"
    )


def _aim_rows(aim: Aim) -> list[Row]:
    plan = aim.plan
    search = (
        f"{runs(aim)}, from {plan.first:,} readers up to {plan.most:,}, until the number that was carried and the one "
        f"that was not lie within a factor of {plan.within:g}"
    )
    return [("Carries", (carries(aim),)), ("Search", (search,))]


def _readers(shown: Sequence[Outcome]) -> tuple[str, ...]:
    values = {outcome.record.scenario: _sharing(outcome) for outcome in shown}
    if len(set(values.values())) == 1:
        return (next(iter(values.values())),)
    return tuple(f"{name}: {value}" for name, value in values.items())


def _sharing(outcome: Outcome) -> str:
    load = outcome.run.get("scenario", {}).get("load", {})
    text = f"at pace {outcome.record.pace:g}: each asks the server for the work of as many at pace 1"
    if not {"chapters", "blocks", "seed"} <= load.keys():
        return text
    return (
        f"{text}; all share {load['chapters']} chapters of about {load['blocks']} blocks, seed {load['seed']}"
    )


def _measured(capacities: Sequence[Capacity]) -> tuple[str, ...]:
    runs = [outcome.run for capacity in capacities for outcome in capacity.outcomes]
    began = min((str(run["started_at"]) for run in runs if "started_at" in run), default=NONE)
    ended = max((str(run["ended_at"]) for run in runs if "ended_at" in run), default=NONE)
    return (f"{began} to {ended}",)
