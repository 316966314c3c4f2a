"""The picture of a profile: the VM, and below it the server's heap and RSS; the waves and the end marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles.heap_record import HeapRecord
from profiles.kills import kill_events
from profiles.memory_trace import BYTES_PER_GB, Trace, downsample
from profiles.plot_panel import ANON, CHILDREN, GRID, INK, KILL, MUTED, PAPER, SERVER, WAITING
from profiles.plot_style import STYLE, new_figure, svg_text
from profiles.run_folder import RunFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAP = WAITING
_WIDTH, _HEIGHT = 9.375, 5.4  # inches
_MB_PER_GB = 1024


def heap_svg(record: HeapRecord, folder: RunFolder, limit_mb: float | None, png: Path | None = None) -> str:
    """Return the picture as SVG; also write it as PNG where a path is given."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second that only a report should pay

    with mpl.rc_context(STYLE):
        figure = new_figure(_WIDTH, _HEIGHT)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
        figure.subplots_adjust(left=0.075, right=0.985, top=0.915, bottom=0.085, hspace=0.14)
        _draw_vm(above, folder, limit_mb)
        _draw_server(below, record, folder)
        for axes in (above, below):
            _mark(axes, record, labelled=axes is below)
        _legend(figure)
        if png is not None:
            figure.savefig(png, format="png", facecolor=PAPER, dpi=200, metadata={"Software": None})
        return svg_text(figure, facecolor=PAPER)


def _draw_vm(axes: Axes, folder: RunFolder, limit_mb: float | None) -> None:
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_ylabel("VM, GB")
    anon = _series(folder, "anon_bytes", BYTES_PER_GB)
    axes.fill_between(anon.t_s, anon.gb, color=ANON, alpha=0.12, linewidth=0)
    axes.plot(anon.t_s, anon.gb, color=ANON, linewidth=1.6)
    children = _series(folder, "children_rss_bytes", BYTES_PER_GB)
    axes.plot(children.t_s, children.gb, color=CHILDREN, linestyle="--", linewidth=1.3)
    server = _series(folder, "server_rss_bytes", BYTES_PER_GB)
    axes.plot(server.t_s, server.gb, color=SERVER, linestyle="-.", linewidth=1.3)
    zero_t = folder.time_zero_s or 0.0
    for kill in kill_events(folder):
        t_s = kill.t - zero_t
        size = 10.0 if kill.text("role") == "server" else 5.5
        axes.plot(
            [t_s],
            [anon.highest(t_s - 1, t_s + 0.2)],
            "x",
            color=KILL,
            markersize=size,
            markeredgewidth=size / 4,
        )
    if limit_mb is not None:
        axes.axhline(limit_mb / _MB_PER_GB, color=INK, linewidth=1.4)
    axes.set_ylim(bottom=0)


def _draw_server(axes: Axes, record: HeapRecord, folder: RunFolder) -> None:
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_ylabel("server, MB")
    axes.set_xlabel("seconds since the load started")
    t_s = [t for t, _, _ in record.timeline]
    heap_mb = [heap / 2**20 for _, heap, _ in record.timeline]
    axes.fill_between(t_s, heap_mb, color=HEAP, alpha=0.3, linewidth=0)
    axes.plot(t_s, heap_mb, color=HEAP, linewidth=1.6)
    axes.plot(t_s, [rss / 2**20 for _, _, rss in record.timeline], color=INK, linewidth=1, linestyle=":")
    server = _series(folder, "server_rss_bytes", 2**20)
    axes.plot(server.t_s, server.gb, color=SERVER, linestyle="-.", linewidth=1.3)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.2)  # the marks' names stand above the lines
    axes.margins(x=0.01)


def _mark(axes: Axes, record: HeapRecord, *, labelled: bool) -> None:
    """Mark the waves' moments, the heap's peak and the server's end."""
    marks = [(record.moment("heap_peak"), "peak", HEAP), (record.moment("end"), "ended", KILL)]
    points = [
        (moment.t_s, name, colour) for moment, name, colour in marks if moment and moment.t_s is not None
    ]
    if record.waves is not None:
        names = ("wave 1", "after wave 1", "after wave 2")
        points += [(t_s, name, MUTED) for t_s, name in zip(record.waves.t_s, names, strict=True)]
    top = axes.get_ylim()[1]
    taken: list[float] = []
    width = (axes.get_xlim()[1] - axes.get_xlim()[0]) / 9
    for t_s, name, colour in sorted(points):
        axes.axvline(t_s, color=colour, linewidth=1, linestyle=(0, (4, 2)) if colour != KILL else "-")
        if labelled:
            level = sum(abs(other - t_s) < width for other in taken) % 3
            taken.append(t_s)
            beyond = t_s > axes.get_xlim()[1] - width
            axes.text(
                t_s, top * (0.985 - 0.08 * level), f"{name} " if beyond else f" {name}",
                color=INK if colour == HEAP else colour, va="top", ha="right" if beyond else "left", fontsize=8,
            )  # fmt: skip


def _series(folder: RunFolder, column: str, unit_bytes: float) -> Trace:
    zero_t = folder.time_zero_s or 0.0
    values: Sequence[float | None] = [getattr(sample, column) for sample in folder.samples]
    return downsample(
        [sample.t - zero_t for sample in folder.samples],
        [math.nan if value is None else value / unit_bytes for value in values],
        400,
    )


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above

    lines: list[tuple[str, str, float, str]] = [
        (ANON, "-", 1.6, "VM, anonymous memory"),
        (CHILDREN, "--", 1.3, "children, RSS"),
        (SERVER, "-.", 1.3, "server, RSS in samples"),
        (INK, ":", 1, "server, RSS seen by memray"),
        (HEAP, "-", 1.6, "server, heap"),
    ]
    handles: list[Any] = [Line2D([], [], color=c, ls=ls, lw=lw, label=name) for c, ls, lw, name in lines]
    cross: dict[str, Any] = {"marker": "x", "ls": "", "mec": KILL, "markersize": 7, "markeredgewidth": 2}
    handles.append(Line2D([], [], label="killed", **cross))
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.05, 1.0), ncols=6, frameon=False,
        fontsize=8, columnspacing=1.1, handletextpad=0.5,
    )  # fmt: skip
