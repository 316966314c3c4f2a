"""One panel of the picture: a scenario's memory over time, its bounds, its kills.

Colours are Okabe and Ito's, which people with any colour vision tell apart, and every line has its own
dash too. Figures come from the caller, so that matplotlib loads only when something is drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from profiles.memory_trace import MemoryTrace, kill_labels
from profiles.plot_space import free_corner

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, MUTED, GRID = "#ffffff", "#1b1f24", "#59636e", "#d8dee4"
ANON, SERVER, CHILDREN, KILL = "#0072b2", "#d55e00", "#009e73", "#a4003b"
WAITING = "#cc79a7"

WHOLE_GB = 2.0
"""From this on a scale has whole GB; a smaller one has MB."""
_NOTE_SIZE = 8.5
_LETTER_INCHES = 0.56 * _NOTE_SIZE / 72  # a letter of a note, on average
_LINE_INCHES = 1.3 * _NOTE_SIZE / 72
_ROOM_ABOVE_LIMIT = 1.05


def draw_panel(figure: Figure, axes: Axes, trace: MemoryTrace, top_gb: float) -> None:
    """Draw memory, bounds, kills and restarts of a scenario; `top_gb` is the scale that all panels share."""
    _set_scale(axes, top_gb)
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_ylim(0, top_gb * _ROOM_ABOVE_LIMIT)
    axes.set_xlabel("seconds since the load started")
    if len(trace.anon.t_s) > 1:
        axes.set_xlim(trace.anon.t_s[0], trace.anon.t_s[-1])
        axes.fill_between(trace.anon.t_s, trace.anon.gb, color=ANON, alpha=0.12, linewidth=0)
        axes.plot(trace.anon.t_s, trace.anon.gb, color=ANON, linewidth=1.6)
        axes.plot(trace.children.t_s, trace.children.gb, color=CHILDREN, linestyle="--", linewidth=1.3)
        axes.plot(trace.server.t_s, trace.server.gb, color=SERVER, linestyle="-.", linewidth=1.3)
    _draw_bounds(axes, trace)
    _draw_kills(figure, axes, trace)


def draw_head(axes: Axes, trace: MemoryTrace) -> None:
    """Write the scenario's name and its end above the panel."""
    axes.set_title(trace.name, loc="left", fontweight="bold", pad=19, fontsize=10)
    axes.annotate(
        trace.subtitle,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 7),
        textcoords="offset points",
        color=MUTED,
    )


def scale_unit(top_gb: float) -> str:
    """Return the unit of an axis with that top."""
    return "GB" if top_gb >= WHOLE_GB else "MB"


def _set_scale(axes: Axes, top_gb: float) -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator  # noqa: PLC0415 - as above

    if top_gb >= WHOLE_GB:
        axes.yaxis.set_major_locator(MultipleLocator(math.ceil(top_gb / 5)))
        return
    axes.yaxis.set_major_locator(MultipleLocator(2.0 ** math.ceil(math.log2(top_gb / 5))))  # round in MB
    axes.yaxis.set_major_formatter(FuncFormatter(lambda gb, _: f"{gb * 1024:.4g}"))


def _size(gb: float) -> str:
    return f"{gb:.3g} GB" if gb >= 1 else f"{gb * 1024:.4g} MB"


def _draw_bounds(axes: Axes, trace: MemoryTrace) -> None:
    if trace.limit_gb is not None:
        axes.axhline(trace.limit_gb, color=INK, linewidth=1.4)
        _name_line(axes, trace.limit_gb, f"{_size(trace.limit_gb)} limit")
    if trace.budget_gb is not None:
        axes.axhline(trace.budget_gb, color=INK, linewidth=1, linestyle=(0, (4, 2)))
        _name_line(axes, trace.budget_gb, f"{trace.budget_gb:.3g} GB budget")


def _name_line(axes: Axes, gb: float, text: str) -> None:
    axes.annotate(
        text,
        (0.02, gb),
        xycoords=("axes fraction", "data"),
        xytext=(0, -2.5),
        textcoords="offset points",
        va="top",
        fontsize=8,
    )


def _draw_kills(figure: Figure, axes: Axes, trace: MemoryTrace) -> None:
    for t_s in trace.restarts_s:
        axes.axvline(t_s, color=MUTED, linewidth=1, linestyle=":")
    for kill in trace.kills:
        size = 10.0 if kill.role == "server" else 5.5
        axes.plot(
            [kill.t_s],
            [trace.anon.highest(kill.t_s - 1, kill.t_s + 0.2)],
            "x",
            color=KILL,
            markersize=size,
            markeredgewidth=size / 4,
            clip_on=False,
            zorder=5,
        )
    labels = kill_labels(trace.kills, trace.restarts_s)
    if not labels:
        return
    box = axes.get_position()
    figure_width, figure_height = figure.get_size_inches()
    width = max(map(len, labels)) * _LETTER_INCHES / (box.width * figure_width)
    height = len(labels) * _LINE_INCHES / (box.height * figure_height)
    x, y = free_corner(trace, axes.get_ylim()[1], width, height)
    axes.text(
        x,
        y,
        "\n".join(labels),
        transform=axes.transAxes,
        color=KILL,
        va="top",
        fontsize=_NOTE_SIZE,
        linespacing=1.25,
    )
