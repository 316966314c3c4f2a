"""What a plot of memory over time is drawn from: the curves of a side, their median, and an axis that shows both."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from profiles.gate.outcome import BudgetCheck, GateRun

Curve = Sequence[tuple[float, float]]
"""Seconds since the load started, MB."""
POINTS = 240
"""Of a median: what a plot of 900 pixels can show."""
ZOOM_BELOW = 0.2
"""Medians that never lie further apart than this share of the whole axis are looked at closer."""
LEAST_SPAN_MB = 20.0
"""No closer than this: what is smaller than half of what matters shall not look like a mountain."""
NEAR = 1.5
"""A limit that lies so many times as high as the curves, or lower, is drawn: how near it is matters."""
_ROOM = 1.08


@dataclass(frozen=True)
class Scale:
    """The axis of memory, in MB."""

    bottom_mb: float
    top_mb: float

    @property
    def zoomed(self) -> bool:
        """Whether the axis does not begin at 0."""
        return self.bottom_mb > 0


def curves_of(runs: Sequence[GateRun]) -> list[Curve]:
    """Return the runs' curves; one with fewer than two points is no line."""
    known = (tuple((t_s, mb) for t_s, mb in run.curve if math.isfinite(t_s + mb)) for run in runs)
    return [curve for curve in known if len(curve) > 1]


def median_curve(curves: Sequence[Curve]) -> Curve:
    """Return the median of the curves at each time at which at least half of them are known.

    Between two of its points a curve is a straight line; before its first and after its last it is not known.
    """
    if not curves:
        return ()
    start, end = min(curve[0][0] for curve in curves), max(curve[-1][0] for curve in curves)
    found = []
    for step in range(POINTS):
        t_s = start + (end - start) * step / (POINTS - 1)
        known = [mb for curve in curves if (mb := _at(curve, t_s)) is not None]
        if 2 * len(known) >= len(curves):
            found.append((t_s, median(known)))
    return found


def scale_of(curves: Sequence[Curve], medians: Sequence[Curve], limits_mb: Sequence[float] = ()) -> Scale:
    """Return an axis for all curves: from 0 and up to a limit that is near, or closer where medians would coincide."""
    values = [mb for curve in curves for _, mb in curve]
    low, high = min(values), max(values)
    near = [limit for limit in limits_mb if limit <= NEAR * high]
    whole = Scale(0.0, max(1.0, high, *near) * _ROOM)
    apart = max((abs(one - other) for one, other in _together(medians)), default=math.inf)
    if apart >= ZOOM_BELOW * whole.top_mb:
        return whole
    room = max((high - low) * (_ROOM - 1), (LEAST_SPAN_MB - (high - low)) / 2)
    closer = Scale(math.floor(low - room), math.ceil(high + room))
    shown = closer.top_mb - closer.bottom_mb
    return closer if closer.zoomed and shown <= whole.top_mb / 2 else whole


def limits_mb(budget: BudgetCheck) -> Mapping[str, float]:
    """Return the limits of the budget by the names that a picture gives them, as far as they are known."""
    limits = {"budget": budget.tree_limit_mb, "memory of the VM": budget.vm_memory_mb}
    return {name: mb for name, mb in limits.items() if mb is not None}


def _at(curve: Curve, t_s: float) -> float | None:
    if not curve[0][0] <= t_s <= curve[-1][0]:
        return None
    later = bisect_left(curve, t_s, key=lambda point: point[0])
    (t_1, mb_1), (t_2, mb_2) = curve[max(0, later - 1)], curve[later]
    return mb_2 if t_2 == t_1 else mb_1 + (mb_2 - mb_1) * (t_s - t_1) / (t_2 - t_1)


def _together(medians: Sequence[Curve]) -> Iterator[tuple[float, float]]:
    """The values of two medians at one time, wherever both are known."""
    known = [curve for curve in medians if curve]
    if len(known) < 2:
        return
    base, head = known
    for t_s, mb in base:
        other = _at(head, t_s)
        if other is not None:
            yield mb, other
