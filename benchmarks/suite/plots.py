"""The pictures of a result: how ours compares in every case, and a case's figures beside those of its peers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.options_plot import save
from benchmarks.suite.case_plot import case_figure
from benchmarks.suite.growth_plot import growing, growth_figure
from benchmarks.suite.growth_series import series_of
from benchmarks.suite.noise import OURS
from benchmarks.suite.result import Value, headline
from benchmarks.suite.tables import number
from profiles.plot_panel import ANON, GRID, INK, MUTED
from profiles.plot_style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OVERVIEW, GROWTH = "overview", "growth"
WIDTH = 9.375  # inches: 900 px
_LEFT, _RIGHT, _FOOT, _TOP = 3.2, 0.75, 0.5, 0.1
_ROW = 0.22


def draw(value: Value, folder: Path) -> list[str]:
    """Draw what there is to be seen of a result, as SVG and PNG; return the names without endings.

    Raises:
        OSError: they cannot be written.
    """
    drawn = []
    for case in value["cases"]:
        if case["figures"]:
            save(folder / case["name"], lambda case=case: case_figure(case))  # type: ignore[misc]  # a default is no guess
            drawn.append(case["name"])
    if any(case["ratios"] for case in value["cases"]):
        save(folder / OVERVIEW, lambda: overview_figure(value))
        drawn.append(OVERVIEW)
    if series := growing(series_of(value)):
        save(folder / GROWTH, lambda: growth_figure(series))
        drawn.append(GROWTH)
    return drawn


def overview_figure(value: Value) -> Figure:
    """Return each case's first ratio to each of its peers, below a line that names it; there is one at least."""
    lines = list(_lines(value))
    height = _TOP + _ROW * len(lines) + _FOOT
    figure = new_figure(WIDTH, height)
    box = (_LEFT / WIDTH, _FOOT / height, (WIDTH - _LEFT - _RIGHT) / WIDTH, _ROW * len(lines) / height)
    axes = figure.add_axes(box)
    ratios = {at: line for at, line in enumerate(lines) if not isinstance(line, str)}
    _draw_ratios(axes, ratios, len(lines))
    for at, line in enumerate(lines):
        if isinstance(line, str):
            y = (_FOOT + (len(lines) - at - 0.5) * _ROW) / height
            figure.text(0.08 / WIDTH, y, line, va="center", fontsize=8.5, fontweight="bold")
            if at:
                axes.axhline(at - 0.5, color=GRID, linewidth=0.7, xmin=-_LEFT, clip_on=False)
    return figure


def _lines(value: Value) -> Iterator[str | Value]:
    for case in value["cases"]:
        ratios = headline(case)
        if ratios:
            yield f"{case['title']}: {ratios[0]['quantity']}, {ratios[0]['setting']}"
            yield from ratios


def _draw_ratios(axes: Axes, ratios: Mapping[int, Value], lines: int) -> None:
    """Draw each ratio in its line; lines count from the top."""
    from matplotlib.ticker import FuncFormatter, NullFormatter  # noqa: PLC0415 - as matplotlib is loaded elsewhere

    lowest, highest = min(one["low"] for one in ratios.values()), max(one["high"] for one in ratios.values())
    axes.set_xscale("log")
    axes.set_xlim(min(lowest, 1) / 1.3, max(highest, 1) * 1.3)
    axes.set_ylim(lines - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}" if x >= 1 else f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_xlabel("times the peer's; the bar is the range of the rounds")
    beside: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 8.5}
    for at, one in ratios.items():
        axes.plot(
            [one["low"], one["high"]], [at, at], color=ANON, linewidth=2.2, alpha=0.45, solid_capstyle="butt"
        )
        axes.plot([one["median"]], [at], "o", color=ANON, markersize=5)
        where = ("axes fraction", "data")
        axes.annotate(_whose(one), (0, at), xycoords=where, xytext=(-6, 0), ha="right", **beside)
        axes.annotate(number(one["median"]), (1, at), xycoords=where, xytext=(8, 0), color=MUTED, **beside)


def _whose(one: Value) -> str:
    return str(one["peer"] if one["subject"] == OURS else f"{one['subject']} over {one['peer']}")
