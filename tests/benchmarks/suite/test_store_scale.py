"""The store's growth is measured on real stores, by the real server."""

import json
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import big_store as big
from benchmarks.suite import store_processes, store_scale
from benchmarks.suite.big_store import ASKED_CHUNKS, BigStore
from benchmarks.suite.cores import two_cores
from benchmarks.suite.measured import Effort, Figure
from benchmarks.suite.rounds import Rounds
from benchmarks.suite.store_processes import (
    FIND,
    KNOWN,
    SCAN_COLD,
    SCAN_WARM,
    SWEEP,
    measure_processes,
    probed,
)
from benchmarks.suite.store_requests import CHUNK, CHUNK_FIRST, RSS, STATS, STATUS, STATUS_FIRST
from benchmarks.suite.store_scale import measure_requests, ratios_of

LARGER = ASKED_CHUNKS + 30


def _quietly(_line: str) -> None:
    pass


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[BigStore]:
    """A store of the asked document alone, and one with some chunks more."""
    kept = tmp_path_factory.mktemp("stores")
    return [big.big_store(kept, chunks, _quietly) for chunks in (ASKED_CHUNKS, LARGER)]


def test_a_ratio_is_within_a_round() -> None:
    """GIVEN two rounds of two stores THEN each of the larger is held against the smaller of the same round."""
    names = (STATUS, STATUS_FIRST, CHUNK, CHUNK_FIRST, STATS, FIND, KNOWN)
    figures = [Figure("oomproof", "100 chunks", name, "us", (10.0, 20.0)) for name in names]
    figures += [Figure("oomproof", "130 chunks", name, "us", (11.0, 20.0)) for name in names]
    ratios = ratios_of(figures, [BigStore(chunks, Path("nowhere")) for chunks in (ASKED_CHUNKS, LARGER)])
    assert [one.quantity for one in ratios] == list(names)
    assert {(one.setting, one.peer, one.values) for one in ratios} == {
        ("130 chunks", "oomproof, 100 chunks", (1.1, 1.0))
    }


@pytest.mark.slow
def test_processes_tell_what_scan_sweep_and_lookup_cost(
    stores: list[BigStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a user who may not empty the page cache THEN all else is measured, and that is said."""

    def refuse() -> None:
        raise PermissionError

    monkeypatch.setattr(store_processes, "empty_page_cache", refuse)
    rounds = Rounds()
    notes = measure_processes("oomproof", stores, 1, rounds, _quietly)
    found = {(figure.setting, figure.quantity): figure.median for figure in rounds.figures()}
    assert "root" in notes[0]
    assert {setting for setting, _ in found} == {"100 chunks", "130 chunks"}
    assert all(found["130 chunks", name] > 0 for name in (SCAN_WARM, SWEEP, FIND, KNOWN))
    assert found["100 chunks", FIND] > found["100 chunks", KNOWN]
    assert not any(quantity == SCAN_COLD for _, quantity in found)


@pytest.mark.slow
def test_a_cold_scan_is_measured_where_the_page_cache_was_emptied(
    stores: list[BigStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a user who may empty it THEN each store is scanned cold once a round."""
    emptied: list[bool] = []
    monkeypatch.setattr(store_processes, "empty_page_cache", lambda: emptied.append(True))
    rounds = Rounds()
    measure_processes("oomproof", stores[:1], 2, rounds, _quietly)
    cold = [figure for figure in rounds.figures() if figure.quantity == SCAN_COLD]
    assert len(emptied) == len(cold[0].values) == 2


@pytest.mark.slow
def test_a_store_that_lost_a_chunk_is_not_measured(stores: list[BigStore]) -> None:
    """GIVEN a kept store from which somebody removed an MP3 WHEN it is opened THEN the folder to remove is named."""
    smaller = BigStore(LARGER + 1, stores[1].docstore)
    with pytest.raises(BenchmarkError, match="130 of its 131 chunks are whole"):
        probed(smaller, two_cores(), "--open-only")


@pytest.mark.slow
def test_requests_cost_the_server_something_and_less_when_known(
    stores: list[BigStore], tmp_path: Path
) -> None:
    """GIVEN a server a store WHEN status, chunks and totals are asked for THEN what was read before costs less."""
    rounds = Rounds()
    measure_requests(stores, 1, 1, tmp_path, rounds, _quietly)
    found = {(figure.setting, figure.quantity): figure.median for figure in rounds.figures()}
    for setting in ("100 chunks", "130 chunks"):
        assert found[setting, STATUS_FIRST] > found[setting, STATUS] > 0
        assert found[setting, CHUNK_FIRST] > found[setting, CHUNK] > 0
        assert found[setting, STATS] > 0
        assert found[setting, RSS] > 10


@pytest.mark.slow
def test_a_document_that_is_not_whole_is_told(stores: list[BigStore], tmp_path: Path) -> None:
    """GIVEN a store whose document lacks a chunk's sidecar WHEN it is to be measured THEN that is told."""
    store = stores[0]
    sidecar = store.audio(store.blocks[0]).with_suffix(".json")
    kept = sidecar.read_bytes()
    sidecar.write_text(json.dumps({}))
    try:
        with pytest.raises(BenchmarkError, match="partial"):
            measure_requests([store], 1, 1, tmp_path, Rounds(), _quietly)
    finally:
        sidecar.write_bytes(kept)


@pytest.mark.slow
def test_the_case_has_figures_ratios_and_promises(
    stores: list[BigStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN small stores WHEN the case runs in its short form THEN every promise is told and none is judged."""
    monkeypatch.setattr(store_scale, "big_store", lambda _kept, chunks, _tell: stores[chunks > ASKED_CHUNKS])
    monkeypatch.setattr(store_processes, "empty_page_cache", lambda: None)
    monkeypatch.setattr(store_scale, "KEPT", tmp_path)
    found = store_scale.measure(Effort(full=False), tmp_path, _quietly)
    assert {figure.unit for figure in found.figures} == {"us", "ms", "MB"}
    assert {len(figure.values) for figure in found.figures} == {2}
    assert len(found.ratios) == 7
    assert [promise.holds for promise in found.promises] == [None] * 4
    assert all("130 chunks" in promise.measured for promise in found.promises)
