"""The picture of a capacity search: memory and stalls of every run over the number of readers, mode beside mode.

The axis of readers is logarithmic and, like both others, the same for all: a mode that carries ten times as
many is seen to. Green is what was carried, red what was not; between them nothing was tried.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles.capacity import Capacity
from profiles.capacity_panel import draw_capacity
from profiles.capacity_text import result
from profiles.plot_panel import ANON, CHILDREN, KILL, MUTED, PAPER, SERVER
from profiles.plot_style import STYLE, new_figure, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT, _RIGHT, _BOTTOM, _TITLE, _LEGEND, _GAP = 0.7, 0.12, 0.45, 0.48, 0.34, 0.22  # inches
_MEMORY_HEIGHT, _STALLS_HEIGHT, _BETWEEN = 2.2, 0.95, 0.12
_LINE_INCHES, _LETTER_INCHES = 0.16, 0.068  # of what stands under a scenario's name
_FIGURE_WIDTH = 9.375  # 900 px
_LABEL_INCHES = 0.52
_MOST_COLUMNS = 3


def write_capacity_figure(capacities: Sequence[Capacity], svg: Path, png: Path) -> None:
    """Write the panels of all scenarios, 900 px wide as SVG, twice that as PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second that only a report should pay

    with mpl.rc_context(STYLE):
        figure = _figure(capacities)
        svg.write_text(svg_text(figure, facecolor=PAPER), encoding="utf-8")
        figure.savefig(png, format="png", facecolor=PAPER, dpi=200, metadata={"Software": None})


def capacity_svg(capacity: Capacity, all_of_them: Sequence[Capacity]) -> str:
    """Return one scenario's panels as an `<svg>` element for a page, on the axes that all share."""
    import matplotlib as mpl  # noqa: PLC0415 - as above

    width, height = 4.6, _BOTTOM + _STALLS_HEIGHT + _BETWEEN + _MEMORY_HEIGHT + 0.2
    with mpl.rc_context({**STYLE, "svg.hashsalt": capacity.scenario}):
        figure = new_figure(width, height)
        axes = figure.subplots(2, 1, sharex=True, height_ratios=[_MEMORY_HEIGHT, _STALLS_HEIGHT])
        figure.subplots_adjust(
            _LEFT / width, _BOTTOM / height, 1 - _RIGHT / width, 1 - 0.2 / height, hspace=_hspace()
        )
        draw_capacity(axes[0], axes[1], capacity, all_of_them)
        _name_axes(axes[0], axes[1])
        text = svg_text(figure, transparent=True)
    return text[text.index("<svg") :]


def _figure(capacities: Sequence[Capacity]) -> Figure:
    rows = max(1, math.ceil(len(capacities) / _MOST_COLUMNS))
    columns = max(1, math.ceil(len(capacities) / rows))
    panel_width = (_FIGURE_WIDTH - _LEFT - _RIGHT - (columns - 1) * _GAP) / columns
    letters = int(panel_width / _LETTER_INCHES)
    subtitles = [textwrap.fill(result(capacity), letters) for capacity in capacities]
    breaks = max((text.count("\n") for text in subtitles), default=0)
    title = _TITLE + _LINE_INCHES * breaks
    row_height = title + _MEMORY_HEIGHT + _BETWEEN + _STALLS_HEIGHT + _BOTTOM
    height = _LEGEND + rows * row_height
    figure = new_figure(_FIGURE_WIDTH, height)
    for index, capacity in enumerate(capacities):
        row, column = divmod(index, columns)
        left = (_LEFT + column * (panel_width + _GAP)) / _FIGURE_WIDTH
        top = height - _LEGEND - row * row_height - title
        memory = figure.add_axes(
            (left, (top - _MEMORY_HEIGHT) / height, panel_width / _FIGURE_WIDTH, _MEMORY_HEIGHT / height)
        )
        bottom = top - _MEMORY_HEIGHT - _BETWEEN - _STALLS_HEIGHT
        stalls = figure.add_axes(
            (left, bottom / height, panel_width / _FIGURE_WIDTH, _STALLS_HEIGHT / height), sharex=memory
        )
        draw_capacity(memory, stalls, capacity, capacities)
        _draw_head(memory, capacity.scenario, subtitles[index], breaks)
        if column == 0:
            _name_axes(memory, stalls)
        else:
            memory.tick_params(labelleft=False)
            stalls.tick_params(labelleft=False)
    _legend(figure, height, capacities)
    return figure


def _hspace() -> float:
    return _BETWEEN / ((_MEMORY_HEIGHT + _STALLS_HEIGHT) / 2)


def _name_axes(memory: Axes, stalls: Axes) -> None:
    for axes, name in ((memory, "peak memory, GB"), (stalls, "stalls")):
        axes.set_ylabel(name)
        axes.yaxis.set_label_coords(-_LABEL_INCHES / _width_inches(axes), 0.5)


def _width_inches(axes: Axes) -> float:
    figure = axes.get_figure(root=True)
    assert figure is not None
    return float(axes.get_position().width * figure.get_size_inches()[0])


def _draw_head(axes: Axes, name: str, subtitle: str, breaks: int) -> None:
    """Write name and subtitle above a panel, at the height of all others, whose longest has so many breaks."""
    pad = 19 + 72 * _LINE_INCHES * breaks
    subtitle += "\n" * (breaks - subtitle.count("\n"))
    axes.set_title(name, loc="left", fontweight="bold", pad=pad, fontsize=10)
    above: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(subtitle, (0, 1), xytext=(0, 7), color=MUTED, linespacing=1.25, **above)


def _legend(figure: Figure, height_inches: float, capacities: Sequence[Capacity]) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above
    from matplotlib.patches import Patch  # noqa: PLC0415 - as above

    runs = [outcome for capacity in capacities for outcome in capacity.outcomes]
    cross: dict[str, Any] = {"marker": "x", "ls": "", "mec": KILL, "markersize": 7, "markeredgewidth": 2}
    other = Line2D([], [], marker="D", ls="", mfc="none", mec=MUTED, ms=6, label="not the VM's limit")
    handles = [
        Line2D([], [], color=ANON, marker="o", ms=4, lw=1.5, label="VM, anonymous memory"),
        Line2D([], [], color=SERVER, marker="s", ms=4, ls="--", lw=1.5, label="process tree, RSS"),
        Line2D([], [], label="killed for memory", **cross),
        *([other] if any(run.showed in ("generator", "machine") for run in runs) else []),
        Patch(color=CHILDREN, alpha=0.25, lw=0, label="carried"),
        Patch(color=KILL, alpha=0.2, lw=0, label="not carried"),
    ]
    anchor = (_LEFT / _FIGURE_WIDTH, 1 - 0.04 / height_inches)
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=anchor,
        ncols=6,
        columnspacing=1.0,
        handletextpad=0.5,
        frameon=False,
        borderpad=0,
    )
