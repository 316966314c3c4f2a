"""What one more reader, block, page, hour and stored chunk takes."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.store import BYTES_PER_S
from benchmarks.suite import growth_inputs as inputs
from benchmarks.suite.growth_known import Known, told
from benchmarks.suite.growth_plot import formula
from benchmarks.suite.growth_prediction import REQUESTS_A_BLOCK
from benchmarks.suite.tables import table

_HOUR_S = 3600


def one_more(known: Known) -> str:
    """Return what one more reader, block, page, hour and stored chunk takes."""
    rows = [*_reader(known), *_block(known), *_page(known), *_hour(known), *_stored(known)]
    return table(["one more", "takes", "of", "which is"], rows, numbers_from=4)


def _reader(known: Known) -> Iterator[tuple[str, str, str, str]]:
    cost, cpu_us = known.cost, known.figure(inputs.CPU)
    asks = f"{REQUESTS_A_BLOCK} requests every {known.block_s:.1f} s, {told(cpu_us, 'us')} each; and the open stream"
    yield (
        "reader who listens",
        told(_thousand(None if cost is None else cost.cores), "thousandths"),
        "a core",
        asks,
    )
    yield "", told(BYTES_PER_S / 1000, "kB/s"), "bandwidth", "MP3 of 128 kbit/s"
    rss_kb, underway_kb = known.figure(inputs.STREAM_RSS), known.figure(inputs.STREAM_KERNEL)
    cores = None if cost is None else cost.stream_cores
    taken = f"taken as it plays, one of {inputs.STREAMS:,}"
    yield "stream that is open", told(_thousand(cores), "thousandths"), "a core", taken
    yield "", told(rss_kb, "kB"), "the server's memory", "RSS"
    yield (
        "",
        told(underway_kb, "kB"),
        "the page cache",
        "sent and not taken yet; once for all who hear the same",
    )


def _block(known: Known) -> Iterator[tuple[str, str, str, str]]:
    aligned, bare = known.figure(inputs.BLOCK_CPU), known.figure(inputs.BLOCK_CPU_BARE)
    yield (
        "block made ahead",
        told(aligned, "ms"),
        "CPU",
        f"without the words' times: {told(bare, 'ms')}",
    )
    yield "", told(known.block_bytes / 1000, "kB"), "the volume", "the median of 1,000 real chunks"


def _page(known: Known) -> Iterator[tuple[str, str, str, str]]:
    rate = None if known.value is None else inputs.last_figure(known.value, *inputs.PAGES)
    each_ms = None if rate is None else 1000 / rate
    yield "page of a PDF", told(each_ms, "ms"), "CPU", "read and cut once, by a process of its own"
    law = None if known.value is None else inputs.law(known.value, inputs.PEAK)
    each_kb = None if law is None else 1000 * law.b if law.form != "power" else None
    flat = law is not None and law.form == "constant"
    takes = "nothing" if flat else told(each_kb, "kB")
    yield "", takes, "the server's memory", "its peak while all blocks are made ahead"


def _hour(known: Known) -> Iterator[tuple[str, str, str, str]]:
    blocks, cost = _HOUR_S / known.block_s, known.cost
    cpu_s = None if cost is None else cost.cores * _HOUR_S
    asks = f"{REQUESTS_A_BLOCK * blocks:.0f} requests"
    yield "hour that somebody listens", told(cpu_s, "s"), "CPU", asks
    yield "", told(_HOUR_S * BYTES_PER_S / 1e6, "MB"), "traffic", "3,600 s of MP3"
    aligned = known.figure(inputs.BLOCK_CPU)
    made_s = None if aligned is None else blocks * aligned / 1000
    yield "hour of speech made ahead", told(made_s, "s"), "CPU", f"{blocks:.0f} blocks"


def _stored(known: Known) -> Iterator[tuple[str, str, str, str]]:
    for quantity, of in ((inputs.SCAN, "time to start"), (inputs.SWEEP, "CPU of a sweep")):
        law = None if known.value is None else inputs.law(known.value, quantity)
        each_us = law.b * 1000 if law is not None and law.form == "line" else None
        said = "" if law is None else formula(law, "ms")
        first = "chunk stored" if quantity == inputs.SCAN else ""
        yield first, told(each_us, "us"), of, said


def _thousand(value: float | None) -> float | None:
    return None if value is None else 1000 * value
