"""The picture of the options at one balance: memory over time, a panel an option, a line a run."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.options_figures import group_json
from benchmarks.options_runs import PLAN, Found, Group
from benchmarks.options_words import named, verdicts
from profiles.memory_trace import MemoryTrace, read_memory_trace
from profiles.plot_panel import ANON, GRID, INK, KILL, MUTED, PAPER
from profiles.plot_style import STYLE, new_figure, svg_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
WIDTH = 9.375  # inches: 900 px
_PANEL, _HEAD, _FOOT, TOP = 1.75, 0.62, 0.42, 0.36  # inches
_LINE = 0.15  # inches: a line more in a head
_ROOM_ABOVE = 1.04


def save(path: Path, draw: Callable[[], "Figure"]) -> str:
    """Draw a figure, write it as `path`.svg and .png, and return the SVG."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second that only a report should pay

    with mpl.rc_context({**STYLE, "svg.hashsalt": path.name}):
        figure = draw()
        svg = svg_text(figure, facecolor=PAPER)
        path.with_suffix(".svg").write_text(svg, encoding="utf-8")
        figure.savefig(
            path.with_suffix(".png"), format="png", facecolor=PAPER, dpi=200, metadata={"Software": None}
        )
    return svg


def memory_figure(groups: Sequence[Group], found: Found) -> "Figure":
    """Return the panels of one balance: anonymous memory of all repetitions, limit, 2 GB line and kills."""
    rows = math.ceil(len(groups) / COLUMNS)
    head = _HEAD + _LINE * (max(len(_ended(group_json(group, found))) for group in groups) - 1)
    height = TOP + rows * (head + _PANEL + _FOOT)
    figure = new_figure(WIDTH, height)
    grid = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False)
    figure.subplots_adjust(
        left=0.055, right=0.985, bottom=_FOOT / height, top=1 - (TOP + head) / height,
        wspace=0.09, hspace=(head + _FOOT) / _PANEL,
    )  # fmt: skip
    top_gb = max((record.vm_memory_mb or 0.0) / 1024 for group in groups for record in group.records)
    for index, axes in enumerate(grid.flat):
        axes.set_visible(index < len(groups))
        if index < len(groups):
            _draw_option(axes, groups[index], found, top_gb)
            axes.set_ylabel("memory, GB" if index % COLUMNS == 0 else "")
    _legend(figure, height)
    return figure


def _draw_option(axes: "Axes", group: Group, found: Found, top_gb: float) -> None:
    traces = [
        read_memory_trace(
            run.folder, name=run.name, subtitle="", limit_mb=run.record.vm_memory_mb, budget_mb=run.record.budget_mb
        )
        for run in group.runs
    ]  # fmt: skip
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_ylim(0, top_gb * _ROOM_ABOVE)
    axes.set_yticks(range(0, math.ceil(top_gb) + 1, 1 if top_gb <= 4 else 2))
    axes.set_xlim(0, max((trace.anon.t_s[-1] for trace in traces if trace.anon.t_s), default=1))
    axes.set_xlabel("seconds since the load started", fontsize=8)
    for trace in traces:
        axes.plot(trace.anon.t_s, trace.anon.gb, color=ANON, linewidth=0.9, alpha=0.85)
    for gb, style in {(traces[0].limit_gb, "-"), (traces[0].budget_gb, "--")}:
        if gb is not None:
            axes.axhline(gb, color=INK, linewidth=1.2 if style == "-" else 0.9, linestyle=style)
    for trace in traces:
        _mark_kills(axes, trace)
    entry = group_json(group, found)
    ended = _ended(entry)
    above = 72 * _LINE * (len(ended) - 1)
    axes.set_title(named(entry), loc="left", fontweight="bold", fontsize=10, pad=31 + above)
    note: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "fontsize": 8}
    on = f" on {group.runs[0].cores} cores" if group.more_vcpus_than_cores else ""
    axes.annotate(PLAN[group.option] + on, (0, 1), xytext=(0, 19 + above), color=MUTED, **note)
    axes.annotate("\n".join(ended), (0, 1), xytext=(0, 7), color=INK, **note)


def _ended(entry: dict[str, Any]) -> list[str]:
    """The end in a few words, a line for each way that runs ended: a panel has room for some fifty letters."""
    peak = entry["figures"].get("peak_anon_mb")
    most = "" if peak is None or peak["high"] > 1024 else f", at most {peak['high']:.0f} MB"
    return (verdicts(entry, digits=0) + most).split("; ")


def _mark_kills(axes: "Axes", trace: MemoryTrace) -> None:
    for kill in trace.kills:
        size = 8.0 if kill.role == "server" else 3.5
        axes.plot(
            [kill.t_s], [trace.anon.highest(kill.t_s - 1, kill.t_s + 0.2)], "x", color=KILL, markersize=size,
            markeredgewidth=size / 4, clip_on=False, zorder=5,
        )  # fmt: skip


def _legend(figure: "Figure", height: float) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above

    cross: dict[str, Any] = {"marker": "x", "ls": "", "mec": KILL}
    handles = [
        Line2D([], [], color=ANON, lw=0.9, label="VM, anonymous memory, a line a run"),
        Line2D([], [], color=INK, lw=1.2, label="the VM's limit"),
        Line2D([], [], color=INK, lw=0.9, ls="--", label="2 GB budget"),
        Line2D([], [], label="server killed", markersize=8, markeredgewidth=2, **cross),
        Line2D([], [], label="child killed", markersize=3.5, markeredgewidth=0.9, **cross),
    ]
    place_legend(figure, height, handles)


def place_legend(figure: "Figure", height: float, handles: Sequence[Any]) -> None:
    """Put the legend above everything, in one row."""
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.04, 1 - 0.03 / height), ncols=len(handles),
        frameon=False, borderpad=0, columnspacing=1.3, handletextpad=0.5,
    )  # fmt: skip
