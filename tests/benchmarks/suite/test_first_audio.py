"""Live against cached in a real VM, with one reader."""

from pathlib import Path

import pytest

from benchmarks.suite import first_audio
from benchmarks.suite.first_audio import Plan, measure
from benchmarks.suite.first_audio_figures import FIRST
from benchmarks.suite.listened import CACHED, LIVE
from benchmarks.suite.listening_runs import Reading
from benchmarks.suite.measured import Effort

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


def test_one_reader_hears_sooner_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN one reader WHEN both modes are measured once THEN live waits for its API, and cached does not."""
    plan = Plan((1,), 1, Reading(session_s=8.0, chapters=1, blocks=2))
    monkeypatch.setattr(first_audio, "SHORT", plan)
    found = measure(Effort(full=False), tmp_path, lambda _: None)
    first_ms = {one.subject: one.median for one in found.figures if one.quantity == FIRST}
    assert first_ms[LIVE] >= 2000
    assert first_ms[CACHED] < first_ms[LIVE]
    (ratio,) = found.ratios
    assert ratio.median == pytest.approx(
        first_ms[LIVE] / first_ms[CACHED], rel=0.02
    )  # a tenth of a millisecond apart
    assert any(note.startswith("Live, 1 reader: it survived") for note in found.notes)
