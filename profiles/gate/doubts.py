"""Why a scenario cannot pass though no figure is worse: its runs did not do the same work, or not as easily."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from profiles.gate.outcome import GateRun
from profiles.gate.sides import did_something_else
from profiles.report_text import count

UNEVEN = 3
"""So many second tries more on one side are hardly chance: of six runs a side, half of them."""


@dataclass(frozen=True)
class Doubt:
    """What is in doubt, and the way out."""

    reason: str
    way_out: str


def other_work(head_runs: Sequence[GateRun]) -> Iterator[Doubt]:
    """Yield a doubt where runs of head lived and did not show what the scenario expects: they did other work."""
    if others := sum(map(did_something_else, head_runs)):
        yield Doubt(
            f"{others} of {count(len(head_runs), 'run', 'runs')} of head did not show what the scenario expects",
            "Head did other work than before (see the notes): mend that, or change what the scenario expects.",
        )


def uneven_tries(base_retried: Sequence[GateRun] | None, head_retried: Sequence[GateRun]) -> Iterator[Doubt]:
    """Yield a doubt where one side was tried again clearly more often: what is left of it are its lucky runs.

    Of a stored baseline nobody knows how often that was (None): it survived in all its runs, so it counts as never.
    """
    base, head = len(base_retried or ()), len(head_retried)
    if abs(head - base) >= UNEVEN:
        of_base = "of base it is not known" if base_retried is None else f"{base} of base"
        yield Doubt(
            f"the sides did not run alike, more runs of one were tried again: {head} of head, {of_base}",
            "A quieter machine shows whether it is chance that one side was tried again more often.",
        )
