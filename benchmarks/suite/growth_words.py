"""What the page on growth says in numbers; every one is computed from `bench.json`'s value."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.suite.fly_prices import SIZES
from benchmarks.suite.growth_known import Known, later
from benchmarks.suite.growth_one_more import one_more
from benchmarks.suite.growth_plot import formula, growing
from benchmarks.suite.growth_prediction import READERS, machines_of, need_of
from benchmarks.suite.growth_series import Series, series_of
from benchmarks.suite.tables import items, number, table


def formulas(known: Known) -> str:
    """Return every quantity that was measured over a number, with the formula that fits."""
    found = [] if known.value is None else list(series_of(known.value))
    if not found:
        return later()
    rows = [
        [
            series.case,
            f"{series.word}s",
            series.quantity,
            _ends(series),
            formula(series.law, series.unit),
            f"{series.law.off_by:.0%}" if series.law.is_tested else "untested",
        ]
        for series in found
    ]
    return table(
        ["measured in", "n", "what", "from first to last n", "formula", "off by"], rows, numbers_from=6
    )


def _ends(series: Series) -> str:
    (first, low), (last, high) = series.points[0], series.points[-1]
    return f"{number(low)} at {first:,.0f}, {number(high)} at {last:,.0f}"


def prediction(known: Known) -> str:
    """Return what so many readers would take, by calculation."""
    cost = known.cost
    if cost is None:
        return later()
    needs = [need_of(cost, readers) for readers in READERS]
    rows: list[list[str]] = [
        ["requests/s", *(number(need.requests_per_s) for need in needs)],
        ["cores, of this machine's", *(number(need.cores) for need in needs)],
        ["bandwidth, Gbit/s", *(number(8 * need.bytes_per_s / 1e9) for need in needs)],
        ["RSS of open streams, GB", *(number(need.streams_mb / 1000) for need in needs)],
        ["page cache under way, GB", *(number(need.underway_mb / 1000) for need in needs)],
        ["traffic, $ an hour", *(number(need.traffic_dollars_an_hour) for need in needs)],
        ["volumes where nothing is in memory", *(f"{need.cold_machines:,}" for need in needs)],
    ]
    for size in SIZES:
        machines = [machines_of(cost, need, size) for need in needs]
        rows += [
            [f"machines, {size.name}", *(f"{one.count:,} (by {one.limit})" for one in machines)],
            ["their price, $ a month", *(number(one.dollars_a_month) for one in machines)],
            ["each would send, Mbit/s", *(number(one.mbit_per_s_each) for one in machines)],
        ]
    return table(["by calculation", *(f"{readers:,} readers" for readers in READERS)], rows)


def picture(known: Known) -> str:
    """Return the picture; it lies beside the result."""
    if known.value is None or not growing(series_of(known.value)):
        return later()
    return "![Cost over the number of readers, streams, pages and chunks](../../reports/bench/growth.svg)"


def conditions(known: Known) -> str:
    """Return what the figures were measured under."""
    if known.value is None:
        return later()
    value = known.value
    machine = value["machine"]
    measured = (
        f"Measured {value['created_at'][:10]} by `{value['command']}` at commit {value['commit'] or 'unknown'}, the "
        f"{value['form']} form, on {machine['cpus']} cores ({machine['cpu_model'] or 'unknown model'}), "
        f"{machine['memory_mb']:,} MB, Linux {machine['kernel']}, Python {machine['python']}."
    )
    return items(
        [measured, "Medians over the rounds. [Every figure, with its range](../../reports/bench/bench.md)."]
    )


SAID: Mapping[str, Callable[[Known], str]] = {
    "one-more": one_more,
    "formulas": formulas,
    "picture": picture,
    "prediction": prediction,
    "conditions": conditions,
}
"""What a page may quote."""
