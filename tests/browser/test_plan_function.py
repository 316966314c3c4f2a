"""The plan's first list: a PDF of more than 100 pages, made ahead by the button, read from the cache, another voice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import short_pages
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand

PAGES = 104
NOTE_PROGRESS = """() => {
    window.noted = [];
    const note = () => window.noted.push([
        document.getElementById("pregenerate-text").textContent,
        document.getElementById("pregenerate-progress").value,
    ]);
    const told = document.getElementById("pregenerate-text");
    new MutationObserver(note).observe(told, {childList: true, characterData: true, subtree: true});
}"""


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """An upstream slow enough that the making of so many pages can be watched: about six seconds."""
    return make_stand("--latency", "0.2")


@pytest.fixture
def cached(stand: Stand, request: pytest.FixtureRequest) -> Iterator[str]:
    """A document of six pages, all made in the server's voice."""
    document_id = request.node.name[:60].strip("[]").replace("[", "-")
    stand.upload(document_id, short_pages(6), "Six pages.pdf")
    stand.make(document_id)
    yield document_id
    stand.server.ask("DELETE", f"/api/documents/{document_id}")


def change_voice(reader: ReaderPage, voice: str) -> None:
    """Choose another voice in the bar."""
    expect(reader.at(f'#voice option[value="{voice}"]')).to_be_attached()
    reader.at("#voice").select_option(voice)


def reads_from_the_cache(reader: ReaderPage, pages: int) -> list[str]:
    """Play until so many pages were turned; the queries of the chunks that were asked for. Nothing live may be."""
    since = len(reader.watched.asked)
    reader.at("#rate").select_option("4")
    reader.play()
    reader.expect_spoken(1 + pages, 0)
    routes = reader.watched.routes(since)
    assert "POST /api/tts" not in routes
    assert "POST /api/whisper" not in routes
    return reader.watched.paths("GET /api/tts/chunk", since)


def test_more_than_100_pages_are_uploaded_made_ahead_and_read_from_the_cache(
    stand: Stand, visit: Visit
) -> None:
    """GIVEN a PDF of 104 pages WHEN it is uploaded, and Pre-generate is pressed THEN progress moves, page by page.

    AND the button says when it is done, AND reading asks for chunks only.
    """
    reader = visit(stand).open()
    reader.upload("A long book.pdf", short_pages(PAGES))
    entry = reader.at("#documents li[data-id]")
    expect(entry).to_contain_text(str(PAGES))
    reader.choose("A long book.pdf")
    reader.expect_mode("live")
    reader.expect_state("none")
    expect(reader.at("#page-count")).to_have_text(f"of {PAGES}")

    reader.script(NOTE_PROGRESS)
    reader.at("#pregenerate").click()
    dialog = reader.at("#ask")
    expect(dialog.locator(".estimate")).to_contain_text(f"{PAGES} of {PAGES} blocks")
    expect(dialog.locator(".estimate")).to_contain_text(re.compile(r"\d+ kB|MB"))
    reader.press("Pre-generate", dialog)
    reader.expect_state("running")
    expect(reader.at("#cancel")).to_be_visible()
    reader.expect_state("done", within_ms=60_000)

    noted = reader.script("window.noted")
    told = [re.fullmatch(rf"(\d+)/{PAGES} pages", text) for text, _ in noted]
    counts = [int(found[1]) for found in told if found]
    assert len({count for count in counts if 0 < count < PAGES}) >= 2, noted
    assert all(a <= b for a, b in pairwise(counts)), noted
    expect(reader.at("#pregenerate")).to_have_text("Pre-generated ✓")
    reader.expect_mode("cached")

    assert len(reads_from_the_cache(reader, 3)) >= 3


def test_a_document_that_is_made_is_read_from_the_cache_as_soon_as_it_is_opened(
    stand: Stand, visit: Visit, cached: str
) -> None:
    """GIVEN a document that was made before WHEN it is opened THEN the badge says so, and it is read from the cache."""
    reader = visit(stand).read(cached)
    reader.expect_mode("cached")
    reader.expect_state("done")
    reads_from_the_cache(reader, 2)


def test_another_voice_asks_first_and_the_old_cache_stays_until_the_answer(
    stand: Stand, visit: Visit, cached: str
) -> None:
    """GIVEN a cache WHEN another voice is chosen THEN *Regenerate?* is asked, and nothing changes until the answer.

    WHEN the old is kept THEN the control shows the old voice, and the old cache is read.
    """
    before = [path.read_bytes() for path in stand.chunk_files(cached)]
    reader = visit(stand).read(cached)
    change_voice(reader, "nova")
    dialog = reader.at("#ask")
    expect(dialog).to_contain_text("Regenerate?")
    expect(dialog).to_contain_text("alloy")
    expect(dialog).to_contain_text("nova")
    assert [path.read_bytes() for path in stand.chunk_files(cached)] == before
    assert stand.status(cached)["state"] == "complete"
    reader.press("Keep the old settings", dialog)
    expect(reader.at("#voice")).to_have_value("alloy")
    reader.expect_mode("cached")
    queries = reads_from_the_cache(reader, 1)
    assert all("voice=alloy" in query for query in queries)


def test_escape_keeps_the_old_voice(stand: Stand, visit: Visit, cached: str) -> None:
    """GIVEN the question WHEN it is left by Escape THEN that is no: the old voice stays."""
    reader = visit(stand).read(cached)
    change_voice(reader, "nova")
    expect(reader.at("#ask")).to_be_visible()
    reader.page.keyboard.press("Escape")
    expect(reader.at("#ask")).to_be_hidden()
    expect(reader.at("#voice")).to_have_value("alloy")
    reader.expect_mode("cached")


def test_a_yes_makes_the_document_anew_in_the_new_voice(stand: Stand, visit: Visit, cached: str) -> None:
    """GIVEN the question WHEN the answer is Regenerate THEN all is made in the new voice, and read from the cache."""
    reader = visit(stand).read(cached)
    change_voice(reader, "nova")
    reader.press("Regenerate", reader.at("#ask"))
    stand.await_complete(cached, voice="nova")  # the button is done from before, too
    reader.expect_state("done", within_ms=30_000)
    reader.expect_mode("cached")
    queries = reads_from_the_cache(reader, 1)
    assert all("voice=nova" in query for query in queries)


def test_a_new_voice_can_be_heard_live_while_the_old_cache_stays(
    stand: Stand, visit: Visit, cached: str
) -> None:
    """GIVEN the question WHEN it is to be read live THEN the new voice is heard live, and the old chunks are kept."""
    reader = visit(stand).read(cached)
    change_voice(reader, "nova")
    reader.press("Change, and read live", reader.at("#ask"))
    reader.expect_mode("live")
    reader.expect_state("stale")
    since = len(reader.watched.asked)
    reader.play()
    assert "POST /api/tts" in reader.watched.routes(since)
    assert "GET /api/tts/chunk" not in reader.watched.routes(since)
    assert stand.status(cached)["state"] == "complete"
