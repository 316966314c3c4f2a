"""What making chunks will take, by measurement where there is one."""

from dataclasses import replace
from pathlib import Path

import pytest

from reference_server.chunk import Voicing
from reference_server.estimate import (
    ASSUMED_BLOCK_S,
    ASSUMED_BYTES_PER_CHARACTER,
    Estimate,
    Need,
    estimate,
    need_of,
)
from reference_server.outline import Outline
from reference_server.rates import Rates
from reference_server.store import ChunkStore

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
OUTLINE = Outline.of(["One.\n\nTwo.", "Three."])
NOTHING_STORED = Need(blocks=9, missing=9, missing_characters=4050, stored_characters=0, stored_bytes=0)
MEASURED = Rates(bytes_per_character=1000.0, block_s=2.0, every_s=0.5)


def test_before_any_measurement_the_plan_s_figures_count() -> None:
    """Nine full blocks, four at once: the middle of 2-5 s, then a quarter of it for each of five, and 525 kB each."""
    told = estimate(NOTHING_STORED, None, 4)
    assert told == Estimate(size_bytes=9 * 525_000, seconds=7.9, basis="assumed")
    assert 450_000 <= ASSUMED_BYTES_PER_CHARACTER * 450 <= 600_000
    assert 2 <= ASSUMED_BLOCK_S <= 5


def test_what_was_measured_counts_more() -> None:
    """The last chunks made decide over bytes and seconds."""
    assert estimate(NOTHING_STORED, MEASURED, 4) == Estimate(4_050_000, 4.5, "measured")


def test_the_same_book_s_chunks_count_most_for_the_bytes() -> None:
    """Their bytes a character are taken; they tell nothing of the seconds."""
    need = replace(NOTHING_STORED, stored_characters=100, stored_bytes=50_000)
    assert estimate(need, MEASURED, 4) == Estimate(2_025_000, 4.5, "measured")
    assert estimate(need, None, 4) == Estimate(2_025_000, 7.9, "assumed")


def test_nothing_missing_costs_nothing() -> None:
    """No bytes and no round."""
    need = Need(blocks=9, missing=0, missing_characters=0, stored_characters=4050, stored_bytes=1)
    assert estimate(need, MEASURED, 4) == Estimate(0, 0, "measured")


@pytest.mark.parametrize(("missing", "seconds"), [(1, 2.0), (4, 2.0), (5, 2.5), (104, 52.0)])
def test_the_first_blocks_take_their_time_and_the_others_follow(missing: int, seconds: float) -> None:
    """As many as are asked for at once take as long as one, each other comes as long after it as they did lately."""
    need = Need(missing, missing, 450 * missing, 0, 0)
    assert estimate(need, MEASURED, 4).seconds == seconds


def test_only_chunks_of_this_text_and_these_settings_are_there(tmp_path: Path, mp3: bytes) -> None:
    """Another voice or another text is made anew, so it is missing; pages that are not asked for do not count."""
    store = ChunkStore(tmp_path / "tts_cache_v1")
    one, two, three = OUTLINE.blocks
    for block, voicing in (
        (one, VOICING),
        (replace(two, text="Zwei."), VOICING),
        (three, replace(VOICING, voice="nova")),
    ):
        store.commit("doc", block, voicing, store.stage("doc", mp3), {"alignments": []})
    assert need_of(store, "doc", OUTLINE, [1, 2], VOICING) == Need(3, 2, 10, 4, len(mp3))
    assert need_of(store, "doc", OUTLINE, [2], VOICING) == Need(1, 1, 6, 0, 0)
