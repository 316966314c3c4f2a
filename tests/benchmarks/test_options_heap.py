"""memray's RSS beside the recorder's, and what is said of the difference."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.options_heap import CapturedRun, RssPair, captured_runs, explanation, rss_sentences
from benchmarks.options_runs import read_runs
from profiles.heap_record import HeapRecord, Moment, save_heap
from tests.benchmarks.option_folders import MIB, make_run, write_samples

NAME = "balance-500/cached-memray-1"


def captured(out: Path, timeline: tuple[tuple[float, int, int], ...], **values: Any) -> CapturedRun:
    """A run whose recorder saw 60 MB at 0 s and 1 MB more each second, and whose memray saw what is given."""
    folder = make_run(out, NAME)
    write_samples(folder, [(t, (60 + t) * MIB) for t in range(60)])
    record = HeapRecord.model_validate(
        {"scenario": "cached-memray", "capture": "heap.bin", "timeline": timeline, **values}
    )
    save_heap(record, folder)
    (found,) = captured_runs(read_runs(out))
    return found


def seen(t_s: float, rss_mb: float, heap_mb: float = 30) -> tuple[float, int, int]:
    """A reading of memray's."""
    return t_s, int(heap_mb * MIB), int(rss_mb * MIB)


@pytest.mark.parametrize(
    ("memray_mb", "apart_mb"), [(60.0, 0.0), (60.5, 0.0), (61.0, 0.0), (63.0, 2.0), (57.5, -2.5)]
)
def test_a_reading_between_two_samples_is_the_same(memray_mb: float, apart_mb: float) -> None:
    """GIVEN samples of 60 and 61 MB THEN what lies between or at them is no difference; beyond, the rest is."""
    assert RssPair(0.0, memray_mb, 60.0, 61.0).apart_mb == pytest.approx(apart_mb)


def test_readings_stand_beside_the_samples_around_them(tmp_path: Path) -> None:
    """GIVEN readings within the samples, at one, and far beyond THEN each has its neighbours; the far one has none."""
    run = captured(tmp_path, (seen(10.5, 70.4), seen(20.0, 80.0), seen(100.0, 90.0)))
    assert [(pair.t_s, pair.low_mb, pair.high_mb) for pair in run.pairs] == [
        (10.5, 70.0, 71.0),
        (20.0, 79.0, 80.0),
    ]


def test_samples_without_a_server_are_left_out(tmp_path: Path) -> None:
    """GIVEN samples after the server was killed THEN its last RSS stands only beside readings near to it."""
    run = captured(tmp_path, (seen(1.5, 61.5), seen(4.0, 64.0)))
    write_samples(run.run.path, [(0.0, 60.0 * MIB), (1.0, 61.0 * MIB), (2.0, None), (4.0, None)])
    (again,) = captured_runs(read_runs(tmp_path))
    assert [(pair.t_s, pair.low_mb, pair.high_mb) for pair in again.pairs] == [(1.5, 61.0, 61.0)]


def test_two_series_that_agree_are_said_to(tmp_path: Path) -> None:
    """GIVEN readings that lie between the samples THEN all are counted, and where both come from is told."""
    run = captured(tmp_path, tuple(seen(t + 0.5, 60.5 + t) for t in range(20)))
    (sentence,) = rss_sentences(run)
    assert sentence.startswith("20 of memray's 20 readings of the server's RSS lie within 1 MB")
    assert sentence.endswith("the median difference is 0.0 MB.")
    assert "So the two lines lie on each other" in explanation([run])[0]


def test_two_series_that_do_not_agree_are_not_explained_away(tmp_path: Path) -> None:
    """GIVEN readings 10 MB above every sample THEN they are counted, the furthest is told, and no reason is claimed."""
    run = captured(tmp_path, (seen(1.5, 71.5), seen(2.5, 75.0), seen(3.5, 63.5)))
    first, furthest = rss_sentences(run)
    assert first.startswith("1 of memray's 3 readings")
    assert furthest == "The furthest, at 2.5 s, is 12.0 MB off, where the samples around it are 1.0 MB apart."
    assert "They do not lie on each other here, and these runs do not say why." in explanation([run])[0]


def test_what_rss_holds_beside_the_heap_is_told(tmp_path: Path) -> None:
    """GIVEN the heap's peak with its RSS THEN the rest is told as far as it can be."""
    peak = Moment(name="heap_peak", t_s=3.5, heap_bytes=33 * MIB, memray_rss_bytes=81 * MIB)
    run = captured(tmp_path, (seen(3.5, 63.5),), rss_at_start_bytes=43 * MIB, moments=(peak,))
    assert rss_sentences(run)[-1].startswith(
        "Its RSS was 81.0 MB: 48.0 MB beside the heap. 43.0 MB of it was there"
    )


def test_without_readings_nothing_is_compared(tmp_path: Path) -> None:
    """GIVEN a capture without a reading beside a sample THEN that is said, and only what holds of every capture."""
    run = captured(tmp_path, ())
    assert rss_sentences(run) == [
        "No reading of memray's stands beside a sample, so the two series cannot be compared."
    ]
    assert explanation([run])[0].startswith("memray captures the server's own process")


def test_a_capture_that_was_not_read_is_no_capture(tmp_path: Path) -> None:
    """GIVEN a finished run without a heap that can be read THEN it is left out."""
    make_run(tmp_path, NAME)
    assert captured_runs(read_runs(tmp_path)) == []
