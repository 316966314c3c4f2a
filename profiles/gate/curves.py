"""The memory of base and head over time, on one plot: every run thin, each side's median thick.

The sides differ in colour (Okabe and Ito's), in dash, and each has its name beside it. The axis of memory begins at 0;
where the whole of it would hide the difference it begins higher, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles.gate.curve_figures import Curve, Scale, curves_of, limits_mb, median_curve, scale_of
from profiles.gate.outcome import GateRun, ScenarioDecision
from profiles.gate.report_text import figure, printable
from profiles.plot_panel import ANON, GRID, INK, MUTED, PAPER, SERVER
from profiles.plot_style import STYLE, new_figure, svg_text
from profiles.report_text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 9.375, 4.5  # inches; 900 px wide
_LEFT, _RIGHT, _BOTTOM, _TOP = 0.8, 0.6, 0.5, 0.78
_LINE_POINTS = 12.0
"""The height of a name beside a line."""
_LOOKS: Mapping[str, tuple[str, Any]] = {"base": (ANON, (0, (4, 1.5))), "head": (SERVER, "-")}
"""Colour and dash of each side."""


def write_curves(decision: ScenarioDecision, svg: Path, png: Path) -> bool:
    """Draw a scenario's curves, 900 px wide as SVG, twice that as PNG; return False where no run has any.

    Raises:
        OSError: a file cannot be written.
    """
    runs = {"base": decision.base_runs, "head": decision.head_runs}
    sides = {side: curves for side, of in runs.items() if (curves := curves_of(of))}
    if not sides:
        return False
    import matplotlib as mpl  # noqa: PLC0415 - half a second that only a report should pay

    with mpl.rc_context(STYLE):
        drawn = _figure(decision, sides)
        svg.write_text(svg_text(drawn, facecolor=PAPER), encoding="utf-8")
        drawn.savefig(png, format="png", facecolor=PAPER, dpi=200, metadata={"Software": None})
    return True


def _figure(decision: ScenarioDecision, sides: Mapping[str, Sequence[Curve]]) -> Figure:
    medians = {side: median_curve(curves) for side, curves in sides.items()}
    every = [curve for curves in sides.values() for curve in curves]
    limits = limits_mb(decision.budget)
    scale = scale_of(every, list(medians.values()), list(limits.values()))
    drawn = new_figure(_WIDTH, _HEIGHT)
    width, height = 1 - (_LEFT + _RIGHT) / _WIDTH, 1 - (_BOTTOM + _TOP) / _HEIGHT
    axes = drawn.add_axes((_LEFT / _WIDTH, _BOTTOM / _HEIGHT, width, height))
    axes.set_xlim(min(curve[0][0] for curve in every), max(curve[-1][0] for curve in every))
    _set_scale(axes, scale)
    for side, curves in sides.items():
        colour, _ = _LOOKS[side]
        for curve in curves:
            axes.plot(*zip(*curve, strict=True), color=colour, linewidth=0.6, alpha=0.45)
    for side, curve in medians.items():
        colour, dash = _LOOKS[side]
        axes.plot(*zip(*curve, strict=True), color=colour, linestyle=dash, linewidth=2.2)
    _name_sides(axes, medians, scale, height * _HEIGHT * 72)
    hidden = list(_draw_limits(axes, limits, scale))
    _draw_head(axes, decision, hidden)
    return drawn


def _set_scale(axes: Axes, scale: Scale) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above

    axes.set_ylim(scale.bottom_mb, scale.top_mb)
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel("seconds since the load started")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylabel("RSS of the process tree, MB")
    if scale.zoomed:
        axes.set_ylabel(f"RSS of the process tree, MB\n(axis from {scale.bottom_mb:,.0f}, not from 0)")
        cut: dict[str, Any] = {"marker": [(-1, -0.6), (1, 0.6)], "linestyle": "none", "clip_on": False}
        axes.plot([0, 0], [0.02, 0.035], transform=axes.transAxes, color=MUTED, markersize=9, **cut)


def _name_sides(axes: Axes, medians: Mapping[str, Curve], scale: Scale, height_points: float) -> None:
    """Write each side's name where its median ends, the higher one higher, and neither on the other."""
    ends = sorted((curve[-1][1], curve[-1][0], side) for side, curve in medians.items())
    per_mb = height_points / (scale.top_mb - scale.bottom_mb)
    apart = (ends[-1][0] - ends[0][0]) * per_mb
    push = max(0.0, (_LINE_POINTS - apart) / 2) if len(ends) > 1 else 0.0
    for (mb, t_s, side), by in zip(ends, (-push, push), strict=False):
        axes.annotate(
            side, (t_s, mb), xytext=(6, by), textcoords="offset points", va="center", color=_LOOKS[side][0],
            fontweight="bold", annotation_clip=False,
        )  # fmt: skip


def _draw_limits(axes: Axes, limits: Mapping[str, float], scale: Scale) -> Iterator[str]:
    """Draw the limits that the axis holds; yield where those lie that it does not."""
    named = {f"{name} {figure(mb, 'MB')}": mb for name, mb in limits.items()}
    for where, hidden in (
        ("above", [text for text, mb in named.items() if mb > scale.top_mb]),
        ("below", [text for text, mb in named.items() if mb < scale.bottom_mb]),
    ):
        if hidden:
            yield f"{where} this axis: {', '.join(hidden)}"
    for text, mb in named.items():
        if scale.bottom_mb <= mb <= scale.top_mb:
            axes.axhline(mb, color=INK, linewidth=1, linestyle=(0, (1, 1.5)))
            place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
            axes.annotate(text, (0.01, mb), xytext=(0, 3), fontsize=8, **place)


def _draw_head(axes: Axes, decision: ScenarioDecision, hidden: Sequence[str]) -> None:
    title = f"{printable(decision.scenario)}: {decision.word}"
    axes.set_title(title, loc="left", fontweight="bold", pad=19 + _LINE_POINTS, fontsize=10)
    runs = {"base": decision.base_runs, "head": decision.head_runs}
    thin = " and ".join(_counted(side, of) for side, of in runs.items())
    said = f"thin: {thin}; thick: the median of each side\n{'; '.join(hidden)}"
    above: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(said, (0, 1), xytext=(0, 7), color=MUTED, linespacing=1.25, **above)


def _counted(side: str, runs: Sequence[GateRun]) -> str:
    """How many runs are drawn, and how many of them did not survive: their curves look harmless, for they end early."""
    drawn = [run for run in runs if curves_of([run])]
    if not drawn:
        return f"no curve of {side}"
    ended = sum(run.verdict != "survived" for run in drawn)
    return f"{count(len(drawn), 'run', 'runs')} of {side}" + (f" ({ended} did not survive)" if ended else "")
