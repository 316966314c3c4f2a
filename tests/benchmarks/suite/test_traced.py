"""A server under memray beside the same one without."""

from pathlib import Path

import pytest

from benchmarks.suite import traced
from benchmarks.suite.made_store import MadeBlock, MadeStore
from benchmarks.suite.measured import Effort
from benchmarks.suite.rounds import Rounds

STORE = MadeStore(Path(), Path(), (MadeBlock(1, 0, "a" * 16, 480_000), MadeBlock(2, 0, "b" * 16, 500_000)))


def test_a_cached_reader_asks_for_a_chunk_and_then_for_its_timings() -> None:
    """GIVEN two blocks THEN each is asked for, and right after it its timings, with the same query."""
    chunk, timings, *others = traced.works_of(STORE)["a chunk, then its timings"]
    assert chunk == STORE.blocks[0].path
    assert timings.startswith("/api/tts/timings?")
    assert timings.partition("?")[2] == chunk.partition("?")[2]
    assert len(others) == 2


def test_each_page_is_asked_for_once() -> None:
    """GIVEN blocks of two pages THEN both pages' blocks are asked for."""
    paths = traced.works_of(STORE)["a page's blocks"]
    assert paths == ["/api/documents/made/pages/1/blocks", "/api/documents/made/pages/2/blocks"]


def test_what_memray_costs_is_told_of_each_work() -> None:
    """GIVEN a round in which memray doubles all THEN each ratio is 2, of both works and both ways to trace."""
    rounds = Rounds()
    for variant in traced.VARIANTS:
        for setting in traced.works_of(STORE):
            for quantity in (traced.CPU, traced.P99, traced.RSS):
                rounds.add(variant.name, setting, quantity, "us", 2.0 if variant.traced else 1.0)
    found = list(traced.traced_ratios(rounds.figures()))
    assert {ratio.values for ratio in found} == {(2.0,)}
    assert len(found) == 2 * 2 * 3


@pytest.mark.slow
def test_real_servers_are_asked_and_leave_captures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIVEN three real servers on a small store WHEN they are asked THEN all have figures, and two left captures."""
    monkeypatch.setattr(traced, "CHUNKS", 4)
    monkeypatch.setattr(Effort, "of", lambda _, short, __: min(short, 20))
    rounds = Rounds()
    captures = traced.measure_traced(Effort(full=False), tmp_path, rounds, lambda _: None)
    assert captures.keys() == {traced.ARENAS, traced.OBJECTS}
    assert all(capture.stat().st_size > 100_000 for capture in captures.values())
    figures = rounds.figures()
    assert {figure.subject for figure in figures} == {variant.name for variant in traced.VARIANTS}
    assert all(value > 0 for figure in figures for value in figure.values)
    assert len(list(traced.traced_ratios(figures))) == 12
