"""Where in a panel a note fits without lying on what is drawn."""

from __future__ import annotations

import itertools
import math

from profiles.memory_trace import MemoryTrace

_MARGIN = 0.03
_TOPS = (0.86, 0.72, 0.4, 0.3)  # below the limit's name, in the middle, below the budget's name


def free_corner(trace: MemoryTrace, top_gb: float, width: float, height: float) -> tuple[float, float]:
    """Return left and top, in fractions of the panel, of the place that the fewest drawn points lie in.

    `width` and `height` are the note's, in the same fractions; `top_gb` is the panel's highest value.
    Among equals the highest place wins, then the left one.
    """
    points = _drawn_points(trace, top_gb)
    rights = max(_MARGIN, 1 - _MARGIN - width)
    places = [(x, y) for y in _TOPS for x in (_MARGIN, (_MARGIN + rights) / 2, rights)]

    def covered(place: tuple[float, float]) -> int:
        left, top = place
        return sum(
            left - _MARGIN <= x <= left + width + _MARGIN and top - height - _MARGIN <= y <= top + _MARGIN
            for x, y in points
        )

    return min(places, key=covered)


def _drawn_points(trace: MemoryTrace, top_gb: float) -> list[tuple[float, float]]:
    """The lines as points close enough that no note slips between two of them."""
    if len(trace.anon.t_s) < 2:
        return []
    first, last = trace.anon.t_s[0], trace.anon.t_s[-1]
    points = [
        ((t_s - first) / (last - first), gb / top_gb)
        for line in (trace.anon, trace.children, trace.server)
        for t_s, gb in zip(line.t_s, line.gb, strict=True)
        if not math.isnan(gb)
    ]
    steep = [
        (x, y * step / 20)
        for (x, y), (_, after) in itertools.pairwise(points)
        if y - after > 0.1
        for step in range(20)
    ]
    return points + steep
