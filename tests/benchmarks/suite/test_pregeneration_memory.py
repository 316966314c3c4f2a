"""How the memory of pre-generation follows the document's length, and when that is flat."""

from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite import pregeneration_memory
from benchmarks.suite.pregeneration_memory import (
    BLOCKS_A_PAGE,
    Growth,
    measure_growth,
    text_of_pages,
)
from reference_server.blocks import split_blocks
from reference_server.plain_text import text_pages


@pytest.mark.parametrize("pages", [1, 10, 25])
def test_the_server_finds_the_pages_and_blocks_that_were_meant(pages: int) -> None:
    """GIVEN a text of so many pages THEN the server's own code cuts it into these, each of as many full blocks."""
    found = list(text_pages(text_of_pages(pages)))
    assert len(found) == pages
    assert {len(split_blocks(page)) for page in found} == {BLOCKS_A_PAGE}


def test_the_slope_is_the_longest_documents_over_the_one_before_in_each_round() -> None:
    """GIVEN peaks of three lengths in two rounds THEN a page's share counts from the second to the third."""
    growth = Growth((10, 100, 1000), ((60.0, 61.0), (69.0, 70.0), (78.0, 70.9)), (60, 600, 6000))
    assert growth.slopes_kb == pytest.approx((10.0, 1.0))


@pytest.mark.parametrize(
    ("longest_mb", "flat"),
    [(70.0 + 6.29, True), (70.0 + 6.31, False), (60.0, True)],
)
def test_flat_is_less_than_a_tenth_more_for_a_thousand_pages(longest_mb: float, flat: bool) -> None:  # noqa: FBT001
    """GIVEN 70 MB at 100 pages THEN 7 MB for a thousand pages more is the limit, so 6.3 for nine hundred."""
    assert Growth((100, 1000), ((70.0,), (longest_mb,)), (600, 6000)).is_flat is flat


def test_the_steepest_round_decides() -> None:
    """GIVEN one round that is flat and one that is not THEN it is not."""
    assert not Growth((100, 1000), ((70.0, 70.0), (70.0, 90.0)), (600, 6000)).is_flat


def test_what_was_measured_names_each_length() -> None:
    """GIVEN a growth THEN the words have each length's peak and the slope with its spread."""
    growth = Growth((10, 1000), ((60.0, 62.0), (70.0, 73.0)), (60, 6000))
    assert growth.told == (
        "61.0 MB at 10 pages, 71.5 MB at 1,000 pages: 10.6 kB a page from 10 on (10.1 to 11.1 in the rounds)"
    )


def test_a_disk_that_is_short_is_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN pages that no disk holds THEN the error says how much is needed."""
    monkeypatch.setattr(pregeneration_memory, "speech", pytest.fail)
    with pytest.raises(BenchmarkError, match="GB free"):
        measure_growth([10**9], 1, tmp_path, lambda _: None)


@pytest.mark.slow
def test_documents_are_made_ahead_and_nothing_of_them_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN two short documents THEN each has a peak above what the server held before, and no chunk is left."""
    monkeypatch.setattr(pregeneration_memory, "DISTINCT_BLOCKS", 2)
    figures, growth = measure_growth((1, 2), 1, tmp_path, lambda _: None)
    assert growth.blocks == (BLOCKS_A_PAGE, 2 * BLOCKS_A_PAGE)
    peaks, before = figures[:2], figures[2:]
    assert all(peak.median > held.median > 0 for peak, held in zip(peaks, before, strict=True))
    assert not list(tmp_path.rglob("*.mp3"))
