"""The page's own memory: after 200 blocks it holds no more than after 20."""

from __future__ import annotations

import pytest

from benchmarks.listening import listen, until_heard
from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import short_blocks
from tests.browser.heap import Held, held_by
from tests.browser.stand import Stand

RATE, SPEED = 16, 4
"""Played so fast, and spoken so fast, a block of three sentences takes a fifth of a second."""
BLOCKS, SENTENCES = 204, 3
WARM_UP, EVERY, LAST = 20, 60, 200
MOST_GROWTH_BYTES = 260_000
"""1.4 kB a block. Measured: 148 kB, with the meter's history; 380 kB where the words of each block are kept."""
MOST_EMBEDDER_GROWTH_BYTES = 2_000_000
"""Over 460 blocks it was seen between 2.0 and 3.1 MB, up and down; a block's audio has 46 kB."""
MOST_URLS = 20
"""Audio that is kept at the same time, here and there one more: the browser holds it outside of the page's heap."""

COUNT_URLS = """() => {
    const [make, drop] = [URL.createObjectURL, URL.revokeObjectURL];
    const open = new Set();
    URL.createObjectURL = (...given) => { const url = make.apply(URL, given); open.add(url); return url; };
    URL.revokeObjectURL = (url) => { open.delete(url); drop.call(URL, url); };
    window.openUrls = open;
}"""


@pytest.fixture
def short(make_stand: MakeStand) -> Stand:
    """A document of 204 blocks, all made, spoken fast."""
    stand = make_stand()
    stand.upload("short", short_blocks(BLOCKS, SENTENCES))
    stand.make("short", speed=SPEED)
    return stand


def test_the_page_holds_no_more_after_200_blocks_than_after_20(short: Stand, visit: Visit) -> None:
    """GIVEN a page that has read 20 blocks WHEN it has read 200 THEN heap, nodes and listeners are what they were."""
    reader = visit(short)
    reader.page.add_init_script(f"({COUNT_URLS})()")
    reader.prefer(rate=RATE, speed=SPEED).read("short")
    listen(reader.page)
    reader.play()
    seen: dict[int, Held] = {}
    for blocks in range(WARM_UP, LAST + 1, EVERY):
        until_heard(reader.page, blocks, within_ms=120_000)
        seen[blocks] = held_by(reader.page)
        assert reader.script("window.openUrls.size") <= MOST_URLS
    first, last = seen[WARM_UP], seen[LAST]
    assert last.heap_bytes - first.heap_bytes < MOST_GROWTH_BYTES, seen
    assert last.embedder_bytes - first.embedder_bytes < MOST_EMBEDDER_GROWTH_BYTES, seen
    assert last.nodes <= first.nodes + 50, seen
    assert last.listeners <= first.listeners + 10, seen
    assert "POST /api/tts" not in reader.watched.routes()
