"""The picture of a comparison: memory of each scenario over time, as SVG and PNG.

The SVG is the same bytes for the same runs: no date, no random ids. Its text is text, not outlines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles.memory_trace import MemoryTrace
from profiles.plot_panel import (
    ANON,
    CHILDREN,
    KILL,
    MUTED,
    PAPER,
    SERVER,
    WAITING,
    WHOLE_GB,
    draw_head,
    draw_panel,
    scale_unit,
)
from profiles.plot_style import STYLE, new_figure, svg_text
from profiles.plot_waiting import GAP_INCHES, STRIP_INCHES, draw_waiting, strip_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT, _RIGHT, _BOTTOM, _TITLE, _LEGEND, _GAP = 0.5, 0.12, 0.45, 0.48, 0.34, 0.22  # inches
_PANEL_HEIGHT = 2.3 + STRIP_INCHES + GAP_INCHES
_FIGURE_WIDTH = 9.375  # 900 px


def write_memory_figure(traces: Sequence[MemoryTrace], svg: Path, png: Path) -> None:
    """Write the small multiples of all scenarios, 900 px wide as SVG, twice that as PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second that only a report should pay

    with mpl.rc_context(STYLE):
        figure = _figure(traces)
        svg.write_text(svg_text(figure, facecolor=PAPER), encoding="utf-8")
        figure.savefig(png, format="png", facecolor=PAPER, dpi=200, metadata={"Software": None})


def panel_svg(trace: MemoryTrace, top_gb: float) -> str:
    """Return one scenario's panel as an `<svg>` element for a page; `top_gb` is the top of the scale of all."""
    import matplotlib as mpl  # noqa: PLC0415 - as above

    width, height = 4.6, 2.9 + STRIP_INCHES + GAP_INCHES
    with mpl.rc_context({**STYLE, "svg.hashsalt": trace.name}):
        figure = new_figure(width, height)
        axes = figure.subplots()
        figure.subplots_adjust(_left(top_gb) / width, _BOTTOM / height, 1 - _RIGHT / width, 1 - 0.2 / height)
        _draw(figure, axes, trace, top_gb, labelled=True)
        text = svg_text(figure, transparent=True)
    return text[text.index("<svg") :]


def top_of_scale_gb(traces: Sequence[MemoryTrace]) -> float:
    """Return the highest limit, which all panels share as the top of their axis."""
    return max((trace.top_gb for trace in traces), default=1.0)


def _figure(traces: Sequence[MemoryTrace]) -> Figure:
    rows = max(1, math.ceil(len(traces) / 3))
    columns = max(1, math.ceil(len(traces) / rows))
    row_height = _TITLE + _PANEL_HEIGHT + _BOTTOM
    height = _LEGEND + rows * row_height
    figure = new_figure(_FIGURE_WIDTH, height)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    top_gb = top_of_scale_gb(traces)
    from_left = _left(top_gb)
    panel_width = (_FIGURE_WIDTH - from_left - _RIGHT - (columns - 1) * _GAP) / columns
    figure.subplots_adjust(
        left=from_left / _FIGURE_WIDTH,
        right=1 - _RIGHT / _FIGURE_WIDTH,
        bottom=_BOTTOM / height,
        top=1 - (_LEGEND + _TITLE) / height,
        wspace=_GAP / panel_width,
        hspace=(row_height - _PANEL_HEIGHT) / _PANEL_HEIGHT,
    )
    for index, axes in enumerate(grid.flat):
        axes.set_visible(index < len(traces))
        if index < len(traces):
            left = index % columns == 0
            _draw(figure, axes, traces[index], top_gb, labelled=left)
            draw_head(axes, traces[index])
    _legend(figure, height)
    return figure


def _left(top_gb: float) -> float:
    """Return the inches that the numbers beside the axis need: whole GB have one or two digits."""
    return _LEFT if top_gb >= WHOLE_GB else _LEFT + 0.15


def _draw(figure: Figure, axes: Axes, trace: MemoryTrace, top_gb: float, *, labelled: bool) -> None:
    below = strip_below(figure, axes)  # first: the notes in the panel are placed by its size
    draw_panel(figure, axes, trace, top_gb)
    axes.set_ylabel(f"memory, {scale_unit(top_gb)}" if labelled else "")
    draw_waiting(axes, below, trace.waiting, labelled=labelled)


def _legend(figure: Figure, height_inches: float) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above

    cross: dict[str, Any] = {"marker": "x", "ls": "", "mec": KILL, "markersize": 7, "markeredgewidth": 2}
    handles = [
        Line2D([], [], color=ANON, lw=1.6, label="VM, anonymous memory"),
        Line2D([], [], color=CHILDREN, ls="--", lw=1.3, label="children, RSS"),
        Line2D([], [], color=SERVER, ls="-.", lw=1.3, label="server, RSS"),
        Line2D([], [], label="killed for memory", **cross),
        Line2D([], [], color=MUTED, ls=":", lw=1, label="restarted"),
        Line2D([], [], color=WAITING, lw=6, label="readers who wait"),
    ]
    anchor = (_LEFT / _FIGURE_WIDTH, 1 - 0.04 / height_inches)
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=anchor, ncols=6, frameon=False, borderpad=0,
        columnspacing=1.3, handletextpad=0.5,
    )  # fmt: skip
