"""The picture of the captured runs: the server's RSS as memray and as the recorder read it, and its heap."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.options_heap import CapturedRun
from benchmarks.options_plot import TOP, WIDTH, place_legend
from profiles.memory_trace import BYTES_PER_GB, Trace, downsample
from profiles.plot_panel import GRID, INK, KILL, MUTED, SERVER, WAITING
from profiles.plot_style import new_figure
from profiles.vm_size import MIB

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEAP = WAITING
_PANEL, _HEAD, _FOOT = 2.3, 0.5, 0.45  # inches


def rss_figure(captured: Sequence[CapturedRun]) -> "Figure":
    """Return the panels, one a run, each with its own axes: the runs differ by far in both."""
    height = TOP + _HEAD + _PANEL + _FOOT
    figure = new_figure(WIDTH, height)
    columns = figure.subplots(1, len(captured), squeeze=False)[0]
    figure.subplots_adjust(
        left=0.06, right=0.985, bottom=_FOOT / height, top=1 - (TOP + _HEAD) / height, wspace=0.13
    )
    for axes, run in zip(columns, captured, strict=True):
        _draw(axes, run)
    columns[0].set_ylabel("server, MB")
    _legend(figure, height)
    return figure


def _draw(axes: "Axes", captured: CapturedRun) -> None:
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    timeline = captured.record.timeline
    times = [t_s for t_s, _, _ in timeline]
    heap_mb = [heap / MIB for _, heap, _ in timeline]
    axes.fill_between(times, heap_mb, color=HEAP, alpha=0.25, linewidth=0)
    axes.plot(times, heap_mb, color=HEAP, linewidth=1.4)
    sampled = _sampled(captured)
    axes.plot(
        sampled.t_s, [gb * BYTES_PER_GB / MIB for gb in sampled.gb], color=SERVER, linewidth=2.2, alpha=0.7
    )
    axes.plot(times, [rss / MIB for _, _, rss in timeline], color=INK, linewidth=1, linestyle=":")
    end = captured.record.moment("end")
    if end is not None and end.t_s is not None:
        axes.axvline(end.t_s, color=KILL, linewidth=1)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.set_xlabel("seconds since the load started", fontsize=8)
    axes.set_title(captured.name, loc="left", fontweight="bold", fontsize=10, pad=19)
    same = f"{len(captured.pairs):,} readings of memray's beside samples of the recorder"
    axes.annotate(same, (0, 1), (0, 7), "axes fraction", "offset points", color=MUTED, fontsize=8)


def _sampled(captured: CapturedRun) -> Trace:
    folder = captured.run.folder
    zero_t = folder.time_zero_s or 0.0
    known = [(s.t - zero_t, s.server_rss_bytes) for s in folder.samples if s.server_rss_bytes is not None]
    return downsample([t_s for t_s, _ in known], [rss / BYTES_PER_GB for _, rss in known], 400)


def _legend(figure: "Figure", height: float) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - half a second that only a report should pay

    lines = [
        (SERVER, "-", 2.2, "RSS, sampled by the recorder"),
        (INK, ":", 1.0, "RSS, seen by memray"),
        (HEAP, "-", 1.4, "heap, by memray"),
        (KILL, "-", 1.0, "the server's end"),
    ]
    place_legend(
        figure, height, [Line2D([], [], color=c, ls=ls, lw=lw, label=name) for c, ls, lw, name in lines]
    )
