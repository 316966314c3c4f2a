"""The picture of a comparison: memory of each scenario over time, as SVG and PNG.

Colours are Okabe and Ito's, which people with any colour vision tell apart, and every line has its own
dash too. The SVG is the same bytes for the same runs: no date, no random ids.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles.memory_trace import MemoryTrace, kill_labels
from profiles.plot_space import free_corner

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, MUTED, GRID = "#ffffff", "#1b1f24", "#59636e", "#d8dee4"
ANON, SERVER, CHILDREN, KILL = "#0072b2", "#d55e00", "#009e73", "#a4003b"

_LEFT, _RIGHT, _BOTTOM, _TITLE, _LEGEND, _GAP = 0.5, 0.12, 0.45, 0.48, 0.34, 0.22  # inches
_PANEL_HEIGHT = 2.3
_FIGURE_WIDTH = 9.375  # 900 px
_NOTE_SIZE = 8.5
_LETTER_INCHES = 0.56 * _NOTE_SIZE / 72  # a letter of a note, on average
_LINE_INCHES = 1.3 * _NOTE_SIZE / 72
_ROOM_ABOVE_LIMIT = 1.05
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "oomproof",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def write_memory_figure(traces: Sequence[MemoryTrace], svg: Path, png: Path) -> None:
    """Write the small multiples of all scenarios, 900 px wide as SVG, twice that as PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second that only a report should pay

    with mpl.rc_context(_STYLE):
        figure = _figure(traces)
        svg.write_text(_svg_text(figure, facecolor=PAPER), encoding="utf-8")
        figure.savefig(png, format="png", facecolor=PAPER, dpi=200, metadata={"Software": None})


def panel_svg(trace: MemoryTrace, top_gb: float) -> str:
    """Return one scenario's panel as an `<svg>` element for a page; `top_gb` is the highest limit of all."""
    import matplotlib as mpl  # noqa: PLC0415 - as above

    width, height = 4.6, 2.9
    with mpl.rc_context({**_STYLE, "svg.hashsalt": trace.name}):
        figure = _new_figure(width, height)
        axes = figure.subplots()
        figure.subplots_adjust(_LEFT / width, _BOTTOM / height, 1 - _RIGHT / width, 1 - 0.2 / height)
        _draw(figure, axes, trace, top_gb)
        axes.set_ylabel("memory, GB")
        text = _svg_text(figure, transparent=True)
    return text[text.index("<svg") :]


def top_of_scale_gb(traces: Sequence[MemoryTrace]) -> float:
    """Return the limit that all panels share as the top of their axis."""
    return max((trace.limit_gb for trace in traces), default=1.0)


def _svg_text(figure: Figure, **options: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, **options)
    # A hundredth of a point is finer than any screen; the six decimals written are half of the file.
    return re.sub(r"(\d\.\d\d)\d+", r"\1", out.getvalue())


def _new_figure(width_inches: float, height_inches: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - as above
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    figure = Figure(figsize=(width_inches, height_inches))
    FigureCanvasAgg(figure)
    return figure


def _figure(traces: Sequence[MemoryTrace]) -> Figure:
    rows = max(1, math.ceil(len(traces) / 3))
    columns = max(1, math.ceil(len(traces) / rows))
    row_height = _TITLE + _PANEL_HEIGHT + _BOTTOM
    height = _LEGEND + rows * row_height
    figure = _new_figure(_FIGURE_WIDTH, height)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    panel_width = (_FIGURE_WIDTH - _LEFT - _RIGHT - (columns - 1) * _GAP) / columns
    figure.subplots_adjust(
        left=_LEFT / _FIGURE_WIDTH,
        right=1 - _RIGHT / _FIGURE_WIDTH,
        bottom=_BOTTOM / height,
        top=1 - (_LEGEND + _TITLE) / height,
        wspace=_GAP / panel_width,
        hspace=(row_height - _PANEL_HEIGHT) / _PANEL_HEIGHT,
    )
    for index, axes in enumerate(grid.flat):
        axes.set_visible(index < len(traces))
        if index < len(traces):
            _draw(figure, axes, traces[index], top_of_scale_gb(traces))
            _head(axes, traces[index])
            axes.set_ylabel("memory, GB" if index % columns == 0 else "")
    _legend(figure, height)
    return figure


def _head(axes: Axes, trace: MemoryTrace) -> None:
    axes.set_title(trace.name, loc="left", fontweight="bold", pad=19, fontsize=10)
    axes.annotate(
        trace.subtitle,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 7),
        textcoords="offset points",
        color=MUTED,
    )


def _legend(figure: Figure, height_inches: float) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above

    cross: dict[str, Any] = {"marker": "x", "ls": "", "mec": KILL, "markersize": 7, "markeredgewidth": 2}
    handles = [
        Line2D([], [], color=ANON, lw=1.6, label="VM, anonymous memory"),
        Line2D([], [], color=CHILDREN, ls="--", lw=1.3, label="children, RSS"),
        Line2D([], [], color=SERVER, ls="-.", lw=1.3, label="server, RSS"),
        Line2D([], [], label="killed by the kernel", **cross),
        Line2D([], [], color=MUTED, ls=":", lw=1, label="restarted"),
    ]
    anchor = (_LEFT / _FIGURE_WIDTH, 1 - 0.04 / height_inches)
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=anchor, ncols=5, frameon=False, borderpad=0
    )


def _draw(figure: Figure, axes: Axes, trace: MemoryTrace, top_gb: float) -> None:
    if top_gb >= 2:
        axes.yaxis.set_major_locator(_every_gb(top_gb))
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


def _every_gb(top_gb: float) -> Any:
    from matplotlib.ticker import MultipleLocator  # noqa: PLC0415 - as above

    return MultipleLocator(math.ceil(top_gb / 5))


def _draw_bounds(axes: Axes, trace: MemoryTrace) -> None:
    axes.axhline(trace.limit_gb, color=INK, linewidth=1.4)
    _name_line(axes, trace.limit_gb, f"{trace.limit_gb:.3g} GB limit")
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
