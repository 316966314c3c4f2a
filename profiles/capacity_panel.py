"""One scenario's panels in the picture of a capacity search: peak memory and stalls over the number of readers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from profiles.capacity import Capacity
from profiles.capacity_outcome import Outcome
from profiles.capacity_search import Bounds
from profiles.plot_panel import ANON, CHILDREN, GRID, INK, KILL, MUTED, SERVER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Value = Callable[[Outcome], float | None]

MB_PER_GB = 1024
_ROOM = 1.25
"""How far the axis goes on beside the outermost run."""
_ROOM_ABOVE = 1.13
"""How far it goes on above the limit: a number stands there, which the line must not run through."""
_LINEAR_BELOW = 0.01
"""Below one block in a hundred the axis of stalls is linear: 0 has no logarithm."""


def draw_capacity(memory: Axes, stalls: Axes, capacity: Capacity, all_of_them: Sequence[Capacity]) -> None:
    """Draw a scenario's runs, memory above and stalls below, on the axes that all scenarios share."""
    _draw_readers_axis(memory, stalls, all_of_them)
    for axes in (memory, stalls):
        _shade(axes, capacity)
        axes.grid(axis="y", color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
    _name_bounds(memory, capacity.bounds)
    _draw_memory(memory, capacity, all_of_them)
    _draw_stalls(stalls, capacity)


def _draw_readers_axis(memory: Axes, stalls: Axes, capacities: Sequence[Capacity]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: PLC0415 - as above

    sizes = [outcome.readers for capacity in capacities for outcome in capacity.outcomes] or [1]
    low, high = min(sizes) / _ROOM, max(sizes) * _ROOM
    powers = [2**power for power in range(20) if low <= 2**power <= high] or sizes[:1]
    step = math.ceil(len(powers) / 8)
    for axes in (memory, stalls):
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        axes.xaxis.set_major_locator(FixedLocator(powers[::step]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda readers, _: f"{readers:,.0f}"))
    memory.tick_params(labelbottom=False)
    stalls.set_xlabel("readers")


def _shade(axes: Axes, capacity: Capacity) -> None:
    known, (low, high) = capacity.bounds, axes.get_xlim()
    if known.carried is not None:
        axes.axvspan(low, known.carried, color=CHILDREN, alpha=0.1, linewidth=0)
        axes.axvline(known.carried, color=CHILDREN, linewidth=1)
    if known.failed is not None:
        axes.axvspan(known.failed, high, color=KILL, alpha=0.07, linewidth=0)
        axes.axvline(known.failed, color=KILL, linewidth=1)


def _name_bounds(axes: Axes, known: Bounds) -> None:
    inside: dict[str, Any] = {
        "xycoords": ("data", "axes fraction"),
        "textcoords": "offset points",
        "va": "top",
        "fontweight": "bold",
    }
    if known.carried is not None:
        text = f"{known.carried:,}"
        axes.annotate(text, (known.carried, 1), xytext=(-3, -4), ha="right", color=CHILDREN, **inside)
    if known.failed is not None:
        text = f"{known.failed:,}"
        axes.annotate(text, (known.failed, 1), xytext=(3, -4), ha="left", color=KILL, **inside)


def _draw_memory(axes: Axes, capacity: Capacity, all_of_them: Sequence[Capacity]) -> None:
    outcomes = [outcome for one in all_of_them for outcome in one.outcomes]
    tops_mb = [(o.record.vm_memory_mb, o.record.peak_tree_rss_mb, o.record.peak_anon_mb) for o in outcomes]
    top_gb = max((mb for tops in tops_mb for mb in tops if mb), default=MB_PER_GB) / MB_PER_GB
    axes.set_ylim(0, top_gb * _ROOM_ABOVE)
    _draw_line(axes, capacity, lambda o: _gb(o.record.peak_tree_rss_mb), SERVER, "s", "--")
    _draw_line(axes, capacity, lambda o: _gb(o.record.peak_anon_mb), ANON, "o", "-")
    limit_gb = _gb(next((o.record.vm_memory_mb for o in capacity.outcomes), None))
    if limit_gb is not None:
        axes.axhline(limit_gb, color=INK, linewidth=1.4)
        _name_line(axes, limit_gb, f"{limit_gb:.3g} GB limit")
    budget_gb = capacity.aim.budget_mb / MB_PER_GB
    axes.axhline(budget_gb, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    _name_line(axes, budget_gb, f"{budget_gb:.3g} GB budget")
    _mark(axes, capacity, lambda o: _gb(o.record.peak_anon_mb))


def _draw_stalls(axes: Axes, capacity: Capacity) -> None:
    from matplotlib.ticker import FixedLocator, PercentFormatter  # noqa: PLC0415 - as above

    axes.set_yscale("symlog", linthresh=_LINEAR_BELOW, linscale=0.7)
    axes.set_ylim(-0.0012, 1.3)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.01, 0.1, 1]))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    below = capacity.aim.stalls_below
    axes.axhline(below, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    _draw_line(axes, capacity, lambda o: o.stall_share, INK, "o", "-")
    _mark(axes, capacity, lambda o: o.stall_share)


def _draw_line(
    axes: Axes,
    capacity: Capacity,
    value: Value,
    colour: str,
    marker: str,
    dash: str,
) -> None:
    """Every valid run as a mark; the line goes through the worst run of each number."""
    points = [(o.readers, y) for o in _valid(capacity) if (y := value(o)) is not None]
    worst = {readers: max(y for x, y in points if x == readers) for readers in sorted({x for x, _ in points})}
    axes.plot(list(worst), list(worst.values()), color=colour, linewidth=1.5, linestyle=dash)
    axes.plot(
        [x for x, _ in points],
        [y for _, y in points],
        marker,
        color=colour,
        markersize=4,
        clip_on=False,
        zorder=3,
    )


def _mark(axes: Axes, capacity: Capacity, value: Value) -> None:
    """A cross on each run in which something was killed for memory, a diamond where the limit was not the VM's."""
    for outcome in capacity.outcomes:
        y = value(outcome)
        if y is not None and outcome.showed == "failed" and outcome.record.oom_kills:
            size = 9.0 if outcome.record.server_kills else 6.0
            axes.plot(
                [outcome.readers],
                [y],
                "x",
                color=KILL,
                markersize=size,
                markeredgewidth=size / 4,
                clip_on=False,
                zorder=5,
            )
        elif y is not None and outcome.showed in ("generator", "machine"):
            axes.plot(
                [outcome.readers], [y], "D", mfc="none", mec=MUTED, markersize=6, clip_on=False, zorder=5
            )


def _name_line(axes: Axes, y: float, text: str) -> None:
    axes.annotate(
        text,
        (0.98, y),
        xycoords=("axes fraction", "data"),
        xytext=(0, -2.5),
        textcoords="offset points",
        va="top",
        ha="right",
        fontsize=8,
    )


def _valid(capacity: Capacity) -> list[Outcome]:
    return [outcome for outcome in capacity.outcomes if outcome.showed in ("carried", "failed")]


def _gb(mb: float | None) -> float | None:
    return None if mb is None else mb / MB_PER_GB
