"""How many runs a side it takes: at the least, by counting; and with values that scatter as these do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from profiles.gate.ranks import differences, differences_beyond, shift, smallest_p

MOST_ADVISED = 40
"""More runs than this are no advice: a quieter machine or a longer session is."""
MARGIN = 1.5


def fewest_runs(alpha: float, tests: int) -> int:
    """Return with how many runs a side a rise can be proven at all, among that many tests (Holm's first step)."""
    runs = 1
    while smallest_p(runs, runs) * tests > alpha:
        runs += 1
    return runs


def matters(rise: float, least: float) -> bool:
    """Return whether a rise, once proven, counts: from half the smallest effect on.

    A rise of just the smallest effect is measured as less in every other try; half of it lets the gate see it.
    """
    return rise >= least / 2


def runs_to_tell(base: Sequence[float], head: Sequence[float], least: float, level: float) -> int | None:
    """Return about how many runs a side would tell, if they scatter as these do; None where `MOST_ADVISED` would not.

    The interval of more runs ends further inside their differences; these differences stand for theirs. That alone
    is enough in every other try, for few runs show their scatter poorly; so it is half as many again.
    """
    steps, rises = differences(base, head), matters(shift(base, head), least)
    for runs in range(max(len(base), len(head)) + 1, math.floor(MOST_ADVISED / MARGIN) + 1):
        beyond = math.ceil(differences_beyond(runs, runs, level) * len(steps) / runs**2)
        if beyond and (steps[-beyond] < least or (rises and steps[beyond - 1] > 0)):
            return math.ceil(MARGIN * runs)
    return None
