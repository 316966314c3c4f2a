"""The picture of all peaks: RSS of the process tree and anonymous memory of every option, limit and 2 GB line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmarks.options_plot import TOP, WIDTH, place_legend
from benchmarks.options_runs import PLAN, Found, Group
from profiles.plot_panel import ANON, CHILDREN, GRID, INK, MUTED, PAPER
from profiles.plot_style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_HEAD, _FOOT = 0.32, 0.66  # inches
_ROOM = 1.2
"""How much wider than its marks a panel is, for the number beside the last one."""
_PAPER_BEHIND: dict[str, Any] = {"facecolor": PAPER, "edgecolor": "none", "pad": 1}


def overview_figure(found: Found) -> "Figure":
    """Return the peaks of every option: RSS of the process tree and anonymous memory, limit and 2 GB line."""
    groups = found.groups()
    balances = sorted({group.balance_s for group in groups}, reverse=True)
    options = [option for option in PLAN if any(group.option == option for group in groups)]
    height = TOP + _HEAD + 0.34 * len(options) + _FOOT
    figure = new_figure(WIDTH, height)
    columns = figure.subplots(1, len(balances), sharex=True, sharey=True, squeeze=False)[0]
    figure.subplots_adjust(
        left=0.17, right=0.985, bottom=_FOOT / height, top=1 - (TOP + _HEAD) / height, wspace=0.06
    )
    for axes, balance_s in zip(columns, balances, strict=True):
        _draw_peaks(axes, {group.option: group for group in groups if group.balance_s == balance_s}, options)
        axes.set_title(f"{balance_s:g} s of CPU balance at the start", loc="left", fontsize=9.5)
    columns[0].set_xlim(0, columns[0].get_xlim()[1] * _ROOM)
    starred = {group.option: group.runs[0] for group in groups if group.more_vcpus_than_cores}
    for run in list(starred.values())[:1]:
        words = f"* {run.record.vm_cpu:g} vCPUs on {run.cores} cores: a burst over so many could not be given"
        figure.text(0.985, 0.06 / height, words, color=MUTED, fontsize=8, ha="right")
    columns[0].set_yticks(range(len(options)), [name + (" *" if name in starred else "") for name in options])
    _legend(figure, height)
    return figure


def _draw_peaks(axes: "Axes", groups: dict[str, Group], options: Sequence[str]) -> None:
    axes.set_ylim(len(options) - 0.5, -0.5)
    axes.grid(axis="x", color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.set_xlabel("peak, GB")
    axes.tick_params(axis="y", length=0, pad=7)
    budgets = [record.budget_mb for group in groups.values() for record in group.records if record.budget_mb]
    if budgets:
        axes.axvline(budgets[0] / 1024, color=INK, linewidth=0.9, linestyle="--", zorder=1)
    for row, option in enumerate(options):
        if option not in groups:
            axes.text(0.1, row, "not measured", color=MUTED, fontsize=8, va="center", bbox=_PAPER_BEHIND)
            continue
        for record in groups[option].records:
            if record.vm_memory_mb is not None:
                axes.plot([record.vm_memory_mb / 1024] * 2, [row - 0.36, row + 0.36], color=INK, linewidth=2)
            for peak_mb, mark in ((record.peak_anon_mb, _ANON_MARK), (record.peak_tree_rss_mb, _TREE_MARK)):
                if peak_mb is not None:
                    axes.plot([peak_mb / 1024], [row], clip_on=False, **mark)
        _tell_highest(axes, row, groups[option])


def _tell_highest(axes: "Axes", row: int, group: Group) -> None:
    """Write the highest peak beside its mark: the small ones cannot be read from the axis."""
    peak_mb = max((record.peak_tree_rss_mb or 0.0 for record in group.records), default=0.0)
    told = f"{peak_mb / 1024:.1f} GB" if peak_mb >= 1024 else f"{peak_mb:.0f} MB"
    axes.annotate(
        told,
        (peak_mb / 1024, row),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        bbox=_PAPER_BEHIND,
    )


_ANON_MARK: dict[str, Any] = {"marker": "o", "mfc": "none", "mec": ANON, "markersize": 7, "ls": ""}
_TREE_MARK: dict[str, Any] = {"marker": "D", "color": CHILDREN, "markersize": 5, "ls": "", "alpha": 0.8}


def _legend(figure: "Figure", height: float) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - as above

    tall: dict[str, Any] = {"marker": "|", "ls": "", "mec": INK, "markersize": 10, "markeredgewidth": 2}
    handles = [
        Line2D([], [], label="RSS of the process tree, a mark a run", **_TREE_MARK),
        Line2D([], [], label="VM, anonymous memory", **_ANON_MARK),
        Line2D([], [], label="the VM's limit", **tall),
        Line2D([], [], color=INK, lw=0.9, ls="--", label="2 GB budget"),
    ]
    place_legend(figure, height, handles)
