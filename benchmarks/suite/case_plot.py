"""A case's picture: a panel a quantity, over a number of readers, chunks or pages where there is one, or by setting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.suite.result import Value
from benchmarks.suite.settings import counted
from benchmarks.suite.strips import COLUMNS, called, strips
from benchmarks.suite.tables import short
from profiles.plot_panel import ANON, CHILDREN, GRID, INK, KILL, SERVER, WAITING
from profiles.plot_style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 9.375  # inches: 900 px
COLOURS = (ANON, SERVER, CHILDREN, WAITING, KILL, "#e69f00", "#56b4e9", INK)
MARKERS = "os^Dvph"
"""One fewer than the colours, so that dozens of subjects differ in one of the two."""
_LEGEND, _TITLE, _FOOT, _GAP, _EDGE = 0.2, 0.34, 0.52, 0.42, 0.25
_HANDLE = 0.6
_LETTER = 0.062
_LOGARITHMIC_FROM = 20.0
"""How many times the smallest value the largest is, from where an axis is logarithmic."""


def case_figure(case: Value) -> Figure:
    """Return the picture of a case; it has one figure at least."""
    figures: Sequence[Value] = case["figures"]
    subjects = list(dict.fromkeys(one["subject"] for one in figures))
    rows = strips(figures)
    columns = max(1, int(WIDTH / (_HANDLE + _LETTER * max(map(len, subjects)))))
    legend = 0.14 + _LEGEND * math.ceil(len(subjects) / columns)
    height = legend + sum(_TITLE + row.height + _FOOT for row in rows)
    figure = new_figure(WIDTH, height)
    top = height - legend
    for row in rows:
        bottom = top - _TITLE - row.height
        left = 0.75 if row.counted else _EDGE + _LETTER * max(map(len, row.settings)) + 0.1
        gap = 0.75 if row.counted else _GAP
        width = (WIDTH - left - _EDGE - gap * (COLUMNS - 1)) / COLUMNS
        for at, quantity in enumerate(row.quantities):
            box = ((left + at * (width + gap)) / WIDTH, bottom / height, width / WIDTH, row.height / height)
            found = [one for one in figures if called(one) == quantity]
            axes = figure.add_axes(box)
            axes.set_title(quantity, loc="left", fontweight="bold", fontsize=8.5, pad=6)
            if row.counted:
                _draw_curves(axes, found, subjects, row.counted)
            else:
                _draw_dots(axes, found, subjects, row.settings, named=at == 0)
        top = bottom - _FOOT
    _legend(figure, subjects, height, columns)
    return figure


def _draw_curves(axes: Axes, found: Sequence[Value], subjects: Sequence[str], word: str) -> None:
    for subject in dict.fromkeys(one["subject"] for one in found):
        points = sorted((_number(one), one) for one in found if one["subject"] == subject)
        colour, marker = _style(subjects.index(subject))
        x, y = [number for number, _ in points], [one["median"] for _, one in points]
        axes.fill_between(
            x, [one["low"] for _, one in points], [one["high"] for _, one in points],
            color=colour, alpha=0.18, linewidth=0,
        )  # fmt: skip
        axes.plot(x, y, color=colour, marker=marker, markersize=4.5, linewidth=1.4)
    numbers = sorted({_number(one) for one in found})
    if numbers[-1] >= 10 * numbers[0]:
        axes.set_xscale("log")
    axes.set_xticks(numbers, [f"{n:,.0f}" for n in numbers])
    axes.minorticks_off()
    axes.set_xlabel(f"{word}s")
    _scale(axes, found, "y")
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def _draw_dots(
    axes: Axes, found: Sequence[Value], subjects: Sequence[str], settings: Sequence[str], *, named: bool
) -> None:
    apart = min(0.16, 0.6 / max(1, len(subjects)))
    for one in found:
        colour, marker = _style(subjects.index(one["subject"]))
        at = settings.index(one["setting"]) + apart * (
            subjects.index(one["subject"]) - (len(subjects) - 1) / 2
        )
        axes.plot([one["low"], one["high"]], [at, at], color=colour, linewidth=1.6, alpha=0.5)
        axes.plot([one["median"]], [at], color=colour, marker=marker, markersize=4, linestyle="")
    axes.set_ylim(len(settings) - 0.5, -0.5)
    axes.set_yticks(range(len(settings)), settings if named else [""] * len(settings))
    axes.tick_params(axis="y", length=0, labelsize=8, labelcolor=INK)
    for at in range(1, len(settings)):
        axes.axhline(at - 0.5, color=GRID, linewidth=0.5)
    _scale(axes, found, "x")
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def _style(at: int) -> tuple[str, str]:
    """Colour and marker of a subject, by its place."""
    return COLOURS[at % len(COLOURS)], MARKERS[at % len(MARKERS)]


def _number(one: Value) -> float:
    found = counted(one["setting"])
    return found[0] if found else 0.0


def _scale(axes: Axes, found: Sequence[Value], which: str) -> None:
    """From nothing on, or logarithmic where the values differ too much for that."""
    low, high = min(one["low"] for one in found), max(one["high"] for one in found)
    if low > 0 and high / low >= _LOGARITHMIC_FROM:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    elif low >= 0:
        (axes.set_xlim if which == "x" else axes.set_ylim)(0, (high or 1) * 1.08)
    _plain_numbers(axes, which)


def _plain_numbers(axes: Axes, which: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator  # noqa: PLC0415 - as matplotlib is elsewhere

    axis = axes.xaxis if which == "x" else axes.yaxis
    if axis.get_scale() == "linear":
        axis.set_major_locator(MaxNLocator(4 if which == "x" else 5))
    else:
        low, high = axis.get_view_interval()
        axis.set_major_locator(
            LogLocator(subs=((1, 3) if which == "x" else (1, 2, 5)) if high < 100 * low else (1,))
        )
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def _legend(figure: Figure, subjects: Sequence[str], height: float, columns: int) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above

    handles = []
    for at, name in enumerate(subjects):
        colour, marker = _style(at)
        handles.append(Line2D([], [], color=colour, marker=marker, ms=4.5, lw=1.4, label=name))
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.01, 1 - 0.02 / height), ncols=columns, frameon=False,
        borderpad=0, columnspacing=1.3, handletextpad=0.5,
    )  # fmt: skip
