"""Whether the machine was quiet enough for figures that are published, and how that is known.

Five witnesses, each held to a limit of its own: what else the cores did while nothing of ours ran, before and after
each case; how evenly each core did fixed work then, and as fast before as after; what other programs, and the host,
took while a case ran; and how far the peers' own figures lie apart from round to round. Subjects are compared within
rounds, so most of what drifts is in both sides; the limits keep out what is not small against the narrowest promise,
which is 10 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.suite.idle import Look
from benchmarks.suite.measured import Figure

OURS = "oomproof"
"""What the subjects that are measured begin with; all others are their peers."""

BUSY_AT_MOST = 0.03
"""Of the busiest core while nothing of ours runs, and of a core by other programs while a case does. What wakes up
there displaces the server or its load, and both may have one core: 3 % is a third of the narrowest promise. A Linux
machine that does nothing stays under 1 %."""

STOLEN_AT_MOST = 0.02
"""Of the time in which our cores wanted to work. Stolen time comes in pieces of milliseconds: it is in the slowest
hundredth of the requests, which is told, long before it is seen in a rate."""

SPREAD_AT_MOST = 0.10
"""The slowest tenth of equal pieces of work against the one in the middle. A quiet core does them within 4 %; one
that shares its hardware, or its time, with somebody does not."""

DRIFT_AT_MOST = 0.10
"""How much slower a core may do the same work before a case than after it, or the other way round. It is the
narrowest promise: the subjects of a round are measured minutes apart at most, and no round sees all of the drift."""

ROUNDS_APART_AT_MOST = 0.25
"""Largest minus smallest of a peer's figure over its rounds, over the one in the middle; half of the peers' figures
of a case may exceed it. The middle of five rounds has a standard error of a quarter of their range (0.24 for normally
distributed ones), so 25 % leaves a median that is known to 6 %."""

FEWEST_ROUNDS = 3
"""Fewer have no middle to be apart from."""


@dataclass(frozen=True)
class During:
    """What was seen while a case ran.

    Attributes:
        stolen_share: of the cores' working time, taken by the host.
        neighbours_share: of one core, taken by other programs that were there before and after.
    """

    stolen_share: float
    neighbours_share: float


def look_reasons(look: Look, when: str) -> list[str]:
    """Return what a look says against publishing, a line each; none when it was quiet."""
    found = []
    if look.busy_share > BUSY_AT_MOST:
        found.append(
            f"{when} others took {look.busy_share:.1%} of a core while we only watched (at most {BUSY_AT_MOST:.0%})"
        )
    if look.stolen_share > STOLEN_AT_MOST:
        found.append(
            f"{when} the host took {look.stolen_share:.1%} of the cores' working time (at most {STOLEN_AT_MOST:.0%})"
        )
    if look.spread > SPREAD_AT_MOST:
        found.append(
            f"{when} a tenth of equal pieces of work took {look.spread:.1%} longer than the middle one or more "
            f"(at most {SPREAD_AT_MOST:.0%})"
        )
    return found


def drift(before: Look, after: Look) -> float:
    """Return how much slower the core that changed most did the same work at one look than at the other; 0 is none."""
    medians = {core.core: core.median_ms for core in before.work}
    pairs = [(medians[core.core], core.median_ms) for core in after.work if core.core in medians]
    return max((max(pair) / min(pair) - 1 for pair in pairs), default=0.0)


def rounds_apart(figure: Figure) -> float:
    """Return the range of a figure's rounds over their middle; 0 where all are 0."""
    middle = figure.median
    return (max(figure.values) - min(figure.values)) / abs(middle) if middle else 0.0


def steady(figures: Sequence[Figure]) -> list[Figure]:
    """Return the figures of peers that a quiet machine repeats: rates and CPU, in enough rounds.

    The slowest hundredth of some requests, a peak, or a time that somebody waits differ from round to round anyway.
    """
    return [
        figure
        for figure in figures
        if not figure.subject.startswith(OURS)
        and len(figure.values) >= FEWEST_ROUNDS
        and (figure.unit == "1/s" or "CPU" in figure.quantity)
    ]


def figures_reason(figures: Sequence[Figure]) -> list[str]:
    """Return what the peers' own figures say against publishing: one line, or none."""
    apart = [(rounds_apart(figure), figure) for figure in steady(figures)]
    if not apart or median(share for share, _ in apart) <= ROUNDS_APART_AT_MOST:
        return []
    widest, figure = max(apart, key=lambda one: one[0])
    middle = median(share for share, _ in apart)
    told = (
        f"half of the {len(apart)} rates and CPU figures of peers lie {middle:.0%} or more apart from round to round "
        f"(at most {ROUNDS_APART_AT_MOST:.0%}); furthest {figure.quantity} of {figure.subject}, {figure.setting}: "
        f"{widest:.0%}"
    )
    return [told]


def reasons(before: Look, after: Look, during: During, figures: Sequence[Figure]) -> list[str]:
    """Return all that speaks against publishing a case, a line each; none where the machine was quiet."""
    found = [*look_reasons(before, "before it"), *look_reasons(after, "after it")]
    if (changed := drift(before, after)) > DRIFT_AT_MOST:
        found.append(
            f"a core did the same work {changed:.1%} slower at one end of it than at the other "
            f"(at most {DRIFT_AT_MOST:.0%})"
        )
    if during.neighbours_share > BUSY_AT_MOST:
        found.append(
            f"during it other programs took {during.neighbours_share:.1%} of a core (at most {BUSY_AT_MOST:.0%})"
        )
    if during.stolen_share > STOLEN_AT_MOST:
        found.append(
            f"during it the host took {during.stolen_share:.1%} of the cores' working time "
            f"(at most {STOLEN_AT_MOST:.0%})"
        )
    return [*found, *figures_reason(figures)]
