"""Who is measured beside whom."""

import os
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import peers
from benchmarks.suite.chunk_requests import Kind, Way, check, known_etags
from benchmarks.suite.made_store import MadeStore, make_store
from benchmarks.suite.peers import FILE_RESPONSE, GRANIAN, NGINX, OURS, Lineup, line_up, most_requests

KINDS: tuple[Kind, ...] = ("whole", "range", "304")


def refuse(_tell: object) -> str:
    """Nothing can be installed."""
    raise BenchmarkError("it cannot be had")


@pytest.fixture
def nothing_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no peer can be had."""
    monkeypatch.setattr(peers, "find_nginx", refuse)
    monkeypatch.setattr(peers, "peer_packages", refuse)


@pytest.mark.usefixtures("nothing_to_install")
def test_peers_that_cannot_be_had_are_named(tmp_path: Path) -> None:
    """GIVEN neither nginx nor packages THEN ours and FileResponse under asyncio are left, and notes say who is not."""
    lineup = line_up(MadeStore(tmp_path, tmp_path, ()), 0, 16, print)
    assert [one.name for one in lineup.subjects] == [OURS, FILE_RESPONSE]
    notes = " ".join(lineup.notes)
    assert "nginx was not measured: it cannot be had" in notes
    assert "asyncio's own loop" in notes
    assert "granian were not measured: it cannot be had" in notes
    assert dict(lineup.versions).keys() == {"starlette", "uvicorn", "httptools"}


@pytest.mark.parametrize(("connections", "most"), [(256, 4096), (5000, 6250)])
def test_our_limit_of_requests_leaves_room(connections: int, most: int) -> None:
    """GIVEN few connections THEN the server's own limit stays; GIVEN more THEN there is a quarter to spare."""
    assert most_requests(connections) == most


@pytest.fixture
def store(tmp_path: Path) -> MadeStore:
    """Two chunks, just long enough for a range."""
    return make_store(tmp_path, 2, 201_000, 202_000)


@pytest.fixture
def lineup(store: MadeStore, monkeypatch: pytest.MonkeyPatch) -> Lineup:
    """All that can be had here; programs are installed in CI only, not on a developer's machine."""
    if not os.environ.get("CI"):
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return line_up(store, min(os.sched_getaffinity(0)), 16, print)


@pytest.mark.slow
def test_each_answers_as_each_way_expects(lineup: Lineup, store: MadeStore, tmp_path: Path) -> None:
    """GIVEN every server that can be had WHEN a chunk is asked for, whole, in part and again THEN all answer alike."""
    names = [one.name for one in lineup.subjects]
    assert {OURS, FILE_RESPONSE} <= set(names)
    assert names == [OURS, NGINX, FILE_RESPONSE, GRANIAN] or not os.environ.get("CI")
    for subject in lineup.subjects:
        own = tmp_path / subject.name
        own.mkdir()
        with subject.start(own) as server:
            etags = known_etags(server.url, store.blocks, subject.headers)
            for kind in KINDS:
                way = Way(1, kept=False, kind=kind)
                check(
                    server.url, way, store.blocks[0], way.request(store.blocks[0], etags[0], subject.headers)
                )


@pytest.mark.slow
def test_ours_is_behind_its_password(lineup: Lineup, store: MadeStore, tmp_path: Path) -> None:
    """GIVEN our server as it is measured WHEN it is asked without the password THEN it refuses."""
    with lineup.subjects[0].start(tmp_path) as server, pytest.raises(BenchmarkError, match="answered 401"):
        known_etags(server.url, store.blocks, {})
