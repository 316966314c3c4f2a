"""What is promised of the store as it grows is judged at its limits, and only where the store was large enough."""

import pytest

from benchmarks.suite.measured import Figure, Ratio
from benchmarks.suite.store_processes import FIND, KNOWN, SCAN_COLD, SCAN_WARM
from benchmarks.suite.store_promises import FULL_CHUNKS, same_promises, scan_promises
from benchmarks.suite.store_requests import CHUNK, CHUNK_FIRST, STATS, STATUS, STATUS_FIRST


def _ratios(chunks: int, **medians: float) -> list[Ratio]:
    names = {
        "status": STATUS,
        "first": STATUS_FIRST,
        "chunk": CHUNK,
        "disk": CHUNK_FIRST,
        "find": FIND,
        "known": KNOWN,
    }
    return [
        Ratio(
            name,
            f"{chunks:,} chunks",
            "oomproof",
            "oomproof, 100 chunks",
            (0.5, medians.get(short, 1.0), 9.0),
        )
        for short, name in names.items()
    ]


@pytest.mark.parametrize(
    ("medians", "holds"),
    [
        ({}, [True, True]),
        ({"status": 1.2, "known": 1.2}, [True, True]),
        ({"status": 1.21}, [False, True]),
        ({"first": 1.21}, [False, True]),
        ({"known": 1.21}, [True, False]),
        ({"disk": 1.21}, [True, False]),
        ({"status": 0.5}, [True, True]),
    ],
)
def test_any_way_to_ask_may_cost_a_fifth_more(medians: dict[str, float], holds: list[bool]) -> None:
    """GIVEN a store of 200,000 chunks THEN the median decides, of each way to ask, and one that is dearer breaks it."""
    assert [promise.holds for promise in same_promises(_ratios(FULL_CHUNKS, **medians), FULL_CHUNKS)] == holds


def test_a_smaller_store_tells_but_does_not_judge() -> None:
    """GIVEN the short form THEN what was measured is told, and nothing is held."""
    promises = same_promises(_ratios(10_000, status=3.0), 10_000)
    assert [promise.holds for promise in promises] == [None, None]
    assert "3.00 times" in promises[0].measured
    assert STATS not in promises[0].measured


def test_the_slowest_scan_decides() -> None:
    """GIVEN three rounds WHEN the slowest takes five seconds THEN the promise is broken, of that state alone."""
    figures = [
        Figure("oomproof", "200,000 chunks", SCAN_WARM, "ms", (900.0, 4999.0, 1000.0)),
        Figure("oomproof", "200,000 chunks", SCAN_COLD, "ms", (900.0, 5000.0, 1000.0)),
        Figure("oomproof", "100 chunks", SCAN_WARM, "ms", (9000.0,)),
    ]
    promises = scan_promises(figures, FULL_CHUNKS)
    assert [promise.holds for promise in promises] == [True, False]
    assert promises[0].measured == "at 200,000 chunks 1.00 s, at most 5.00 s"


def test_what_was_not_measured_is_not_held() -> None:
    """GIVEN nobody who may empty the page cache, or a smaller store THEN the promise is open."""
    warm = Figure("oomproof", "200,000 chunks", SCAN_WARM, "ms", (900.0,))
    assert [promise.holds for promise in scan_promises([warm], FULL_CHUNKS)] == [True, None]
    small = Figure("oomproof", "10,000 chunks", SCAN_WARM, "ms", (900.0,))
    assert [promise.holds for promise in scan_promises([small], 10_000)] == [None, None]
