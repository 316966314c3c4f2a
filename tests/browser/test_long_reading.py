"""Ten minutes of cached reading, with words, and not one stall."""

from __future__ import annotations

from benchmarks.listening import STALL_S, heard_on, listen, until_played
from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import long_blocks

TEN_MINUTES_S = 600
BLOCKS = 26
RATE = 8
OTHER_TESTS = 4
"""How much longer a silence may be here, beside other tests on the same cores; `make page-figures` allows nothing."""


def test_ten_minutes_of_cached_reading_have_no_stall(make_stand: MakeStand, visit: Visit) -> None:
    """GIVEN ten minutes of speech in the cache WHEN they are read eight times as fast THEN no block is waited for.

    AND nothing was asked for live, and the words of each block were there.
    """
    stand = make_stand(ALIGNER="embedded")
    stand.upload("long", long_blocks(BLOCKS))
    stand.make("long")
    reader = visit(stand).prefer(rate=RATE).read("long")
    listen(reader.page)
    reader.play()
    until_played(reader.page, TEN_MINUTES_S, within_ms=3 * 1000 * TEN_MINUTES_S / RATE)
    heard = heard_on(reader.page)
    assert heard.failed == 0
    assert len(heard.gaps_ms) >= heard.blocks - 1
    assert max(heard.gaps_ms + heard.waits_ms) < 1000 * STALL_S * OTHER_TESTS, heard
    routes = reader.watched.routes()
    assert "POST /api/tts" not in routes
    assert "POST /api/whisper" not in routes
    assert routes.count("GET /api/tts/timings") >= heard.blocks
