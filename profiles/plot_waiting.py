"""Below a panel of memory: the share of the readers who waited for a block, on the same time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from profiles.plot_panel import GRID, MUTED, WAITING
from profiles.waiting_trace import WaitingTrace

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STRIP_INCHES = 0.42
GAP_INCHES = 0.16


def strip_below(figure: Figure, axes: Axes) -> Axes:
    """Make room below a panel that has its place already, and return the axes there; they share its times."""
    _, figure_inches = figure.get_size_inches()
    strip, gap = STRIP_INCHES / figure_inches, GAP_INCHES / figure_inches
    box = axes.get_position()
    below = figure.add_axes((box.x0, box.y0, box.width, strip), sharex=axes)
    axes.set_position((box.x0, box.y0 + strip + gap, box.width, box.height - strip - gap))
    return below


def draw_waiting(axes: Axes, below: Axes, waiting: WaitingTrace, *, labelled: bool) -> None:
    """Draw the shares, and move the times' labels from the panel to the strip; `labelled`: with its own labels."""
    below.set_xlabel(axes.get_xlabel())
    axes.set_xlabel("")
    axes.tick_params(labelbottom=False)
    if any(waiting.shares):
        below.stairs(waiting.shares, waiting.edges_s, fill=True, color=WAITING, linewidth=0)
    else:
        nobody = "nobody waits" if waiting.shares else "no readers"
        below.text(0.5, 0.45, nobody, transform=below.transAxes, ha="center", va="center", color=MUTED)
    below.set_ylim(0, 1)
    below.set_yticks([0, 1], labels=["0", "all"] if labelled else ["", ""])
    below.set_ylabel("waiting" if labelled else "", fontsize=8)
    below.grid(axis="y", color=GRID, linewidth=0.7)
    below.set_axisbelow(True)
