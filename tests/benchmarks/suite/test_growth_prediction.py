"""What many readers would take: each formula by hand."""

from __future__ import annotations

import pytest

from benchmarks.suite.fly_prices import Size
from benchmarks.suite.growth_prediction import Cost, machines_of, need_of

COST = Cost(
    cpu_us=240.0, stream_cores=5e-6, block_bytes=512_000.0, base_mb=60.0, stream_kb=15.0, underway_kb=5.0
)
"""A block plays 32 s; two requests of 240 us in them are 15 millionths of a core, and the stream has 5."""


def test_what_one_reader_takes() -> None:
    """GIVEN a cost THEN block and share of a core follow from it."""
    assert COST.block_s == 32
    assert COST.cores == pytest.approx(20e-6)


def test_what_ten_thousand_take_is_ten_thousand_times_that() -> None:
    """GIVEN 10,000 readers THEN 625 requests/s, a fifth of a core, 160 MB/s, 150 and 50 MB, ten volumes."""
    need = need_of(COST, 10_000)
    assert need.requests_per_s == 625
    assert need.cores == pytest.approx(0.2)
    assert need.bytes_per_s == 160e6
    assert (need.streams_mb, need.underway_mb) == (150, 50)
    assert need.traffic_dollars_an_hour == pytest.approx(160e6 * 3600 / 1e9 * 0.02)
    assert need.cold_machines == 10  # 160 MB/s over 16 MiB/s: 9.54


@pytest.mark.parametrize(
    ("size", "count", "limit"),
    [
        (Size("small", 0.125, 4295, 30.0), 3, "CPU"),  # 0.2 cores over 0.7 times 0.125: 2.29
        (Size("narrow", 8.0, 200, 30.0), 3, "memory"),  # 200 MB over 0.7 times 200 less 60: 2.5
        (Size("roomy", 8.0, 8000, 30.0), 1, "CPU"),
    ],
)
def test_the_scarcer_of_cpu_and_memory_says_how_many_machines(size: Size, count: int, limit: str) -> None:
    """GIVEN a size THEN CPU or memory asks for the most machines, and the price and what each sends follow."""
    found = machines_of(COST, need_of(COST, 10_000), size)
    assert (found.count, found.limit) == (count, limit)
    assert found.dollars_a_month == 30.0 * count
    assert found.mbit_per_s_each == pytest.approx(1280 / count)


def test_a_machine_that_the_server_alone_fills_carries_nobody() -> None:
    """GIVEN 70 % of a machine that is not more than the server's own memory THEN it is refused."""
    with pytest.raises(ValueError, match="tiny: a server of 60 MB leaves no room"):
        machines_of(COST, need_of(COST, 1), Size("tiny", 1.0, 60 / 0.7, 2.0))
