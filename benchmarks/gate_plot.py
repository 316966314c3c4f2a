"""The picture of the gate's power: the size of a known regression against how often the gate says what."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.gate_required import POWER, one, required_effects, widest
from profiles.plot_panel import ANON, GRID, INK, MUTED, SERVER
from profiles.plot_style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Value = Mapping[str, Any]
WIDTH, HEIGHT = 9.375, 3.9  # inches: 900 px wide
PANELS: Mapping[str, tuple[str, str]] = {
    "hold": ("Held from the start", "MB more"),
    "leak": ("Leaked by each session", "KiB more a session"),
    "burst": ("Held for half a second", "MB more"),
}
_WIDER = 1.06


def power_figure(value: Value) -> "Figure":
    """Return the picture; `value` has at least one effect."""
    kinds = [kind for kind in PANELS if any(row["kind"] == kind for row in value["power"])]
    figure = new_figure(WIDTH, HEIGHT)
    ratios = [3 if kind != "burst" else 1.6 for kind in kinds]
    grid = figure.subplots(1, len(kinds), sharey=True, squeeze=False, width_ratios=ratios)
    figure.subplots_adjust(left=0.07, right=0.985, bottom=0.13, top=0.77, wspace=0.08)
    for axes, kind in zip(grid.flat, kinds, strict=True):
        _draw_kind(axes, value, kind)
    grid.flat[0].set_ylabel("share of gates")
    _legend(figure, value)
    return figure


def _draw_kind(axes: "Axes", value: Value, kind: str) -> None:
    from matplotlib.ticker import PercentFormatter  # noqa: PLC0415 - as matplotlib is loaded elsewhere

    rows = [*_at_zero(value), *(row for row in value["power"] if _drawn(row, value, kind))]
    sizes = [row.get("size", 0) for row in rows]
    title, unit = PANELS[kind]
    axes.set_title(title, loc="left", fontweight="bold", fontsize=10, pad=8)
    axes.set_xlabel(unit)
    axes.set_xticks(sizes)
    axes.set_xlim(-0.04 * max(sizes), _WIDER * max(sizes))
    axes.set_ylim(-0.03, 1.04)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.grid(axis="y", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.axhline(POWER, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    if (least := _required_size(value, kind)) is not None:
        axes.axvline(least, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
        axes.axvline(least / 2, color=MUTED, linewidth=0.9, linestyle=":")
    regressed, unclear = ([row[word]["share"] for row in rows] for word in ("regressed", "inconclusive"))
    axes.plot(sizes, unclear, color=SERVER, linewidth=1.3, linestyle="--", marker="s", markersize=4)
    axes.errorbar(
        sizes, regressed, yerr=_bars(rows), color=ANON, linewidth=1.6, marker="o", markersize=5, capsize=3
    )


def _drawn(row: Value, value: Value, kind: str) -> bool:
    return bool(row["kind"] == kind and row["runs"] == value["runs_a_side"])


def _at_zero(value: Value) -> list[Value]:
    """No effect at all: both sides of equal states, as a gate that measures both now would see them."""
    found = one(value["equal_sides"], way="relabelled", runs=value["runs_a_side"])
    return [found] if found else []


def _bars(rows: Sequence[Value]) -> list[list[float]]:
    """How far each bar reaches below and above its share; never backwards, for the exact interval holds it."""
    both = [(row["regressed"]["share"], widest(row)) for row in rows]
    return [[share - low for share, (low, _) in both], [high - share for share, (_, high) in both]]


def _required_size(value: Value, kind: str) -> float | None:
    sizes = (name.split("-") for name in required_effects(value))
    return next((float(size) for of, size in sizes if of == kind), None)


def _legend(figure: "Figure", value: Value) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above

    runs = value["runs_a_side"]
    handles = [
        Line2D(
            [],
            [],
            color=ANON,
            lw=1.6,
            marker="o",
            ms=5,
            label=f"regressed, {runs} runs a side, with 95 % bars",
        ),
        Line2D([], [], color=SERVER, lw=1.3, ls="--", marker="s", ms=4, label="inconclusive"),
        Line2D(
            [], [], color=INK, lw=0.9, ls=(0, (4, 2)), label="asked: 95 % at the smallest effect that matters"
        ),
        Line2D([], [], color=MUTED, lw=0.9, ls=":", label="half of it: from here on a proven rise counts"),
    ]
    figure.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(0.06, 0.99), ncols=2, frameon=False, borderpad=0
    )
