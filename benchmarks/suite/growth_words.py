"""What the page on growth says in numbers; every one is computed from `bench.json`'s value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.store import BYTES_PER_S
from benchmarks.suite import growth_inputs as inputs
from benchmarks.suite.fly_prices import SIZES
from benchmarks.suite.growth_plot import formula
from benchmarks.suite.growth_prediction import (
    READERS,
    REQUESTS_A_BLOCK,
    Cost,
    machines_of,
    need_of,
)
from benchmarks.suite.growth_series import Series, series_of
from benchmarks.suite.result import Value
from benchmarks.suite.tables import items, number, table

LATER = "not measured yet"
_HOUR_S = 3600


@dataclass(frozen=True)
class Known:
    """What the page is made of: a result, where there is one, and the size of a real chunk."""

    value: Value | None
    block_bytes: float

    @property
    def block_s(self) -> float:
        """How long a block plays."""
        return self.block_bytes / BYTES_PER_S

    @property
    def cost(self) -> Cost | None:
        """What a reader takes; None where it is not measured."""
        return None if self.value is None else inputs.cost_of(self.value, self.block_bytes)

    def figure(self, name: inputs.Name) -> float | None:
        """Return a figure of ours; None where it is not measured."""
        return None if self.value is None else inputs.figure(self.value, name)


def one_more(known: Known) -> str:
    """Return what one more reader, block, page, hour and stored chunk takes."""
    rows = [*_reader(known), *_block(known), *_page(known), *_hour(known), *_stored(known)]
    return table(["one more", "takes", "of", "which is"], rows, numbers_from=4)


def _reader(known: Known) -> Iterator[tuple[str, str, str, str]]:
    cost, cpu_us = known.cost, known.figure(inputs.CPU)
    cores = None if cost is None else cost.cores
    asks = f"{REQUESTS_A_BLOCK} requests every {known.block_s:.1f} s, each {_told(cpu_us, 'us')} of CPU"
    yield "reader who listens", _told(_thousand(cores), "thousandths"), "a core", asks
    yield "", _told(BYTES_PER_S / 1000, "kB/s"), "bandwidth", "MP3 of 128 kbit/s"
    rss_kb, kernel_kb = known.figure(inputs.STREAM_RSS), known.figure(inputs.STREAM_KERNEL)
    yield "stream that is open", _told(rss_kb, "kB"), "the server's memory", "RSS, of 5,000"
    yield "", _told(kernel_kb, "kB"), "the kernel's memory", "its buffers: sent by the server, and not taken yet"


def _block(known: Known) -> Iterator[tuple[str, str, str, str]]:
    aligned, bare = known.figure(inputs.BLOCK_CPU), known.figure(inputs.BLOCK_CPU_BARE)
    yield (
        "block made ahead",
        _told(aligned, "ms"),
        "CPU",
        f"{_told(bare, 'ms')} of it without the words' times",
    )
    yield "", _told(known.block_bytes / 1000, "kB"), "the volume", "the median of 1,000 real chunks"


def _page(known: Known) -> Iterator[tuple[str, str, str, str]]:
    rate = None if known.value is None else inputs.last_figure(known.value, *inputs.PAGES)
    each_ms = None if rate is None else 1000 / rate
    yield "page of a PDF", _told(each_ms, "ms"), "CPU", "read and cut once, by a process of its own"
    law = None if known.value is None else inputs.law(known.value, inputs.PEAK)
    each_kb = None if law is None else 1000 * law.b if law.form != "power" else None
    flat = law is not None and law.form == "constant"
    takes = "nothing" if flat else _told(each_kb, "kB")
    yield "", takes, "the server's memory", "its peak while all blocks are made ahead"


def _hour(known: Known) -> Iterator[tuple[str, str, str, str]]:
    blocks, cost = _HOUR_S / known.block_s, known.cost
    cpu_s = None if cost is None else cost.cores * _HOUR_S
    asks = f"{REQUESTS_A_BLOCK * blocks:.0f} requests"
    yield "hour that somebody listens", _told(cpu_s, "s"), "CPU", asks
    yield "", _told(_HOUR_S * BYTES_PER_S / 1e6, "MB"), "traffic", "3,600 s of MP3"
    aligned = known.figure(inputs.BLOCK_CPU)
    made_s = None if aligned is None else blocks * aligned / 1000
    yield "hour of speech made ahead", _told(made_s, "s"), "CPU", f"{blocks:.0f} blocks"


def _stored(known: Known) -> Iterator[tuple[str, str, str, str]]:
    for quantity, of in ((inputs.SCAN, "time to start"), (inputs.SWEEP, "CPU of a sweep")):
        law = None if known.value is None else inputs.law(known.value, quantity)
        each_us = law.b * 1000 if law is not None and law.form == "line" else None
        said = "" if law is None else formula(law, "ms")
        first = "chunk stored" if quantity == inputs.SCAN else ""
        yield first, _told(each_us, "us"), of, said


def formulas(known: Known) -> str:
    """Return every quantity that was measured over a number, with the formula that fits."""
    found = [] if known.value is None else list(series_of(known.value))
    if not found:
        return _later()
    rows = [
        [
            series.case,
            f"{series.quantity} of {series.word}s",
            _ends(series),
            formula(series.law, series.unit),
            f"{series.law.off_by:.0%}" if series.law.is_tested else "untested",
        ]
        for series in found
    ]
    return table(
        ["measured in", "what, of n", "from first to last n", "formula", "off by"], rows, numbers_from=5
    )


def _ends(series: Series) -> str:
    (first, low), (last, high) = series.points[0], series.points[-1]
    return f"{number(low)} at {first:,.0f}, {number(high)} at {last:,.0f}"


def prediction(known: Known) -> str:
    """Return what so many readers would take, by calculation."""
    cost = known.cost
    if cost is None:
        return _later()
    needs = [need_of(cost, readers) for readers in READERS]
    rows: list[list[str]] = [
        ["requests/s", *(number(need.requests_per_s) for need in needs)],
        ["cores, of this machine's", *(number(need.cores) for need in needs)],
        ["bandwidth, Gbit/s", *(number(8 * need.bytes_per_s / 1e9) for need in needs)],
        ["memory of open streams, GB", *(number(need.streams_mb / 1000) for need in needs)],
        ["traffic, $ an hour", *(number(need.traffic_dollars_an_hour) for need in needs)],
        ["volumes where nothing is in memory", *(number(need.cold_machines) for need in needs)],
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
    if known.value is None or not any(series_of(known.value)):
        return _later()
    return "![Cost over the number of readers, streams, pages and chunks](../../reports/bench/growth.svg)"


def conditions(known: Known) -> str:
    """Return what the figures were measured under."""
    if known.value is None:
        return _later()
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


def _told(value: float | None, unit: str) -> str:
    return LATER if value is None else f"{number(value)} {unit}"


def _thousand(value: float | None) -> float | None:
    return None if value is None else 1000 * value


def _later() -> str:
    return f"{LATER.capitalize()}."


SAID: Mapping[str, Callable[[Known], str]] = {
    "one-more": one_more,
    "formulas": formulas,
    "picture": picture,
    "prediction": prediction,
    "conditions": conditions,
}
"""What a page may quote."""
