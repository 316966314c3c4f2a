"""The picture of how costs grow: what was measured over a number, and the formula that fits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from benchmarks.suite.growth_fit import Law
from benchmarks.suite.growth_series import Series
from benchmarks.suite.tables import named, number, short
from profiles.plot_panel import ANON, GRID, MUTED, SERVER
from profiles.plot_style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, COLUMNS = 9.375, 3  # inches, panels
_TALL, _TITLE, _FOOT, _LEFT, _GAP, _EDGE = 1.5, 0.52, 0.5, 0.62, 0.72, 0.25
_STEPS = 60
_READABLE = 0.01


def growing(found: Iterable[Series]) -> list[Series]:
    """Return those quantities that are not constant."""
    return [series for series in found if series.law.form != "constant"]


def growth_figure(found: Sequence[Series]) -> Figure:
    """Return a panel for each of these quantities; there is one at least."""
    rows = math.ceil(len(found) / COLUMNS)
    panel = _TITLE + _TALL + _FOOT
    height = rows * panel
    width = (WIDTH - _LEFT - _EDGE - _GAP * (COLUMNS - 1)) / COLUMNS
    figure = new_figure(WIDTH, height)
    for at, series in enumerate(found):
        row, column = divmod(at, COLUMNS)
        bottom = height - row * panel - _TITLE - _TALL
        left = _LEFT + column * (width + _GAP)
        _draw(figure.add_axes((left / WIDTH, bottom / height, width / WIDTH, _TALL / height)), series)
    return figure


def formula(law: Law, unit: str) -> str:
    """Return a law as a formula of n: `74.1 + 0.0171 n MB`."""
    of = "" if unit == "1" else f" {unit}"
    if law.form == "constant":
        return f"{number(law.a)}{of}"
    if law.form == "power":
        return f"{number(law.a)} n^{law.b:.2f}{of}"
    start = f"{number(law.a)} {'+' if law.b >= 0 else '-'} " if law.a else ""
    return f"{start}{_times_n(abs(law.b))}{of}"


def _times_n(each: float) -> str:
    """Small ones for a thousand, or a million: `19.7 n/1,000,000`."""
    for many in (1, 1_000):
        if each * many >= _READABLE:
            return f"{number(each * many)} n{f'/{many:,}' if many > 1 else ''}"
    return f"{number(each * 1_000_000)} n/1,000,000"


def _draw(axes: Axes, series: Series) -> None:
    from matplotlib.ticker import FuncFormatter  # noqa: PLC0415 - as matplotlib is loaded elsewhere

    law = series.law
    numbers, costs = [n for n, _ in series.points], [cost for _, cost in series.points]
    axes.plot(
        line := _between(numbers[0], numbers[-1]), [law.at(n) for n in line], color=SERVER, linewidth=1.2
    )
    for n, (low, high) in zip(numbers, series.ranges, strict=True):
        axes.plot([n, n], [low, high], color=ANON, linewidth=2.2, alpha=0.45, solid_capstyle="butt")
    axes.plot(numbers, costs, "o", color=ANON, markersize=4.5)
    if numbers[-1] >= 10 * numbers[0]:
        axes.set_xscale("log")
    axes.set_xticks(numbers, [f"{n:,.0f}" for n in numbers], fontsize=8)
    axes.minorticks_off()
    axes.set_xlabel(f"{series.word}s")
    highest = max(high for _, high in series.ranges)
    if highest / min(low for low, _ in series.ranges) >= 10:
        axes.set_yscale("log")
        axes.minorticks_off()
    else:
        axes.set_ylim(0, 1.15 * highest)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: short(y)))
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_title(named(series.quantity, series.unit), loc="left", fontweight="bold", fontsize=8.5, pad=19)
    axes.annotate(
        formula(law, series.unit), (0, 1), xycoords="axes fraction", xytext=(0, 7), textcoords="offset points",
        color=MUTED, fontsize=8.5,
    )  # fmt: skip


def _between(low: float, high: float) -> Sequence[float]:
    return [low * (high / low) ** (step / _STEPS) for step in range(_STEPS + 1)]
