from __future__ import annotations

import math

from profiles.memory_trace import MemoryTrace, Trace
from profiles.plot_space import free_corner
from profiles.waiting_trace import WaitingTrace


def panel(gb: list[float]) -> MemoryTrace:
    """A panel with that anonymous memory, a value each second, and nothing else."""
    line = Trace(tuple(float(t) for t in range(len(gb))), tuple(gb))
    nothing = Trace(line.t_s, tuple(math.nan for _ in gb))
    return MemoryTrace("x", "", 4.0, 2.0, line, nothing, nothing, (), (), None, WaitingTrace())


def test_a_climb_leaves_the_upper_left() -> None:
    """Under a rising line the note stands before it."""
    assert free_corner(panel([4 * t / 100 for t in range(100)]), 4.0, 0.4, 0.2) == (0.03, 0.86)


def test_a_fall_leaves_the_upper_right() -> None:
    """After an early kill the note stands behind it."""
    x, y = free_corner(panel([4.0] * 30 + [0.1] * 70), 4.0, 0.4, 0.2)
    assert (round(x, 2), y) == (0.57, 0.86)


def test_a_line_at_the_top_leaves_the_middle() -> None:
    """A memory that stands at the limit is not written over."""
    _, y = free_corner(panel([3.5] * 100), 4.2, 0.4, 0.1)
    assert y < 0.8


def test_a_steep_fall_counts_as_drawn() -> None:
    """The line between two far points is a line too: no note lies across it."""
    x, _ = free_corner(panel([0.1] * 50 + [4.0] + [0.1] * 49), 4.0, 0.4, 0.2)
    assert not x < 0.505 < x + 0.4


def test_an_empty_panel_is_free_everywhere() -> None:
    """No samples, no obstacle."""
    assert free_corner(panel([]), 4.0, 0.4, 0.2) == (0.03, 0.86)
