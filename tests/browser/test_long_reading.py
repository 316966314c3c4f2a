"""Ten minutes of cached reading, with words, and not one stall."""

from __future__ import annotations

from typing import Any

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import long_blocks
from tests.browser.reader_page import ReaderPage

TEN_MINUTES_S = 600
BLOCKS = 24
RATE = 8
STALL_S = 1.0
"""Silence between two blocks that a listener takes for a fault: the load's own measure is the same."""

NOTE_PLAYING = """() => {
    const audio = document.getElementById("audio");
    const heard = {played_s: 0, blocks: 0, waits: [], gaps_ms: [], failed: 0};
    window.heard = heard;
    let endedAt = null;
    audio.addEventListener("ended", () => {
        endedAt = performance.now();
        heard.played_s += audio.duration;
        heard.blocks += 1;
    });
    audio.addEventListener("playing", () => {
        if (endedAt !== null) heard.gaps_ms.push(performance.now() - endedAt);
        endedAt = null;
    });
    audio.addEventListener("waiting", () => {
        if (audio.currentTime > 0.1) heard.waits.push([audio.currentTime, audio.duration]);
    });
    audio.addEventListener("error", () => { if (audio.getAttribute("src")) heard.failed += 1; });
}"""


def heard_in(reader: ReaderPage) -> dict[str, Any]:
    """What was noted of the audio so far."""
    found: dict[str, Any] = reader.script("window.heard")
    return found


def test_ten_minutes_of_cached_reading_have_no_stall(make_stand: MakeStand, visit: Visit) -> None:
    """GIVEN ten minutes of speech in the cache WHEN they are read eight times as fast THEN no block is waited for.

    AND nothing was asked for live, and no word's mark stood still.
    """
    stand = make_stand(ALIGNER="embedded")
    stand.upload("long", long_blocks(BLOCKS))
    stand.make("long")
    reader = visit(stand).set_rate(RATE).read("long")
    reader.script(NOTE_PLAYING)
    reader.play()
    reader.page.wait_for_function(
        "least => window.heard.played_s >= least", arg=TEN_MINUTES_S, timeout=2 * 1000 * TEN_MINUTES_S / RATE
    )
    heard = heard_in(reader)
    assert heard["waits"] == []
    assert heard["failed"] == 0
    assert len(heard["gaps_ms"]) >= heard["blocks"] - 1
    assert max(heard["gaps_ms"]) < 1000 * STALL_S, heard
    routes = reader.watched.routes()
    assert "POST /api/tts" not in routes
    assert "POST /api/whisper" not in routes
