"""Case 1, small."""

import os
import shutil
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import chunk_serving, peers
from benchmarks.suite.chunk_promises import CPU, RATE, RSS
from benchmarks.suite.chunk_requests import Way
from benchmarks.suite.chunk_turns import answered
from benchmarks.suite.measured import Effort
from benchmarks.suite.peers import FILE_RESPONSE, OURS
from benchmarks.suite.wrk import Answers


@pytest.mark.parametrize(("body_bytes", "count"), [(500.0, 102.5), (0.0, 100)])
def test_an_answer_under_way_counts_as_the_part_that_came(body_bytes: float, count: float) -> None:
    """GIVEN 100 whole answers and parts of others THEN the parts count too, unless answers have no body."""
    assert answered(Answers(100, 51_250, 1.0, 1.0, 1.0, {}), body_bytes) == count


def refuse(_tell: object) -> str:
    """Nothing can be installed."""
    raise BenchmarkError("not here")


@pytest.mark.slow
def test_the_case_measures_every_way_and_judges(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """GIVEN few small chunks, and no peer to be had but FileResponse WHEN it is measured THEN all figures are there."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core only")
    if not (shutil.which("wrk") or os.environ.get("CI")):
        pytest.skip("there is no wrk here: apt-get install wrk")
    monkeypatch.setattr(peers, "find_nginx", refuse)
    monkeypatch.setattr(peers, "peer_packages", refuse)
    monkeypatch.setattr(chunk_serving, "_BLOCKS", 2)
    monkeypatch.setattr(chunk_serving, "_ROUNDS", (1, 1))
    ways = (chunk_serving.PROMISED, Way(2, kind="304"))
    monkeypatch.setattr(chunk_serving, "WAYS", ways)
    told: list[str] = []
    measured = chunk_serving.measure(Effort(full=False), tmp_path, told.append)
    found = {(one.subject, one.setting, one.quantity): one.median for one in measured.figures}
    for way in ways:
        for name in (OURS, FILE_RESPONSE):
            for quantity in (RATE, CPU, RSS, "p50", "p99", "share of the core"):
                assert found[name, way.setting, quantity] > 0
    assert {one.peer for one in measured.ratios} == {FILE_RESPONSE}
    assert [one.holds is None for one in measured.promises] == [True, False, False]
    assert measured.promises[2].holds is True
    assert any("nginx was not measured: not here" in note for note in measured.notes)
    assert "wrk" in dict(measured.versions)
    assert told
