"""Live or cached: decided by what is stored, told by the badge, and left block by block where a chunk is missing."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import sentence, short_pages
from tests.browser.stand import Speech, Stand

MISSING = r"status of 404 .*/api/tts/chunk"
PAGES = 20
"""Of a job that is cancelled: five seconds, with four in a second."""


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """A quick upstream."""
    return make_stand()


def test_a_document_without_a_cache_is_read_live(stand: Stand, visit: Visit) -> None:
    """GIVEN no cache WHEN it is read THEN the badge says live, speech is asked for live, and no chunk is asked for."""
    stand.upload("live", short_pages(3))
    reader = visit(stand).read("live")
    reader.expect_mode("live")
    reader.expect_state("none")
    reader.play()
    routes = reader.watched.routes()
    assert "POST /api/tts" in routes
    assert "GET /api/tts/chunk" not in routes
    expect(reader.at("#fallback")).to_be_hidden()


def test_a_hole_in_the_cache_is_read_live_for_that_block_and_told(stand: Stand, visit: Visit) -> None:
    """GIVEN pages 1 and 3 made WHEN all are read THEN page 2 is read live, that is said, and 3 is cached again."""
    stand.upload("hole", short_pages(3))
    stand.make("hole", [1, 3])
    reader = visit(stand).read("hole")
    reader.watched.expect_errors(MISSING)
    spoken: list[str] = []
    reader.page.on(
        "request",
        lambda asked: (
            spoken.append(json.loads(asked.post_data or "{}")["text"])
            if asked.method == "POST" and asked.url.endswith("/api/tts")
            else None
        ),
    )
    reader.expect_mode("cached")
    reader.expect_state("partial")
    reader.play()
    expect(reader.at("#fallback")).to_be_hidden()
    reader.expect_spoken(2, 0)
    expect(reader.at("#fallback")).to_be_visible()
    expect(reader.at("#fallback")).to_have_text("This block is not in the cache: it is read live.")
    reader.until_it_sounds()
    reader.expect_mode("cached")
    reader.expect_spoken(3, 0)
    expect(reader.at("#fallback")).to_be_hidden()
    reader.until_it_sounds()
    assert spoken == [sentence(2)]


def test_a_chunk_whose_file_is_gone_is_read_live(stand: Stand, visit: Visit) -> None:
    """GIVEN a whole cache of which somebody removed a file WHEN its block is read THEN it is heard all the same."""
    stand.upload("gone", short_pages(3))
    stand.make("gone")
    stand.chunk_files("gone")[1].unlink()
    reader = visit(stand).read("gone")
    reader.watched.expect_errors(MISSING)
    reader.expect_mode("cached")
    reader.play()
    reader.expect_spoken(2, 0)
    expect(reader.at("#fallback")).to_be_visible()
    reader.until_it_sounds()
    reader.expect_spoken(3, 0)
    expect(reader.at("#fallback")).to_be_hidden()
    reader.until_it_sounds()


def test_what_was_made_by_somebody_else_is_read_as_soon_as_it_is_there(stand: Stand, visit: Visit) -> None:
    """GIVEN a document that is read live WHEN its chunks are made elsewhere THEN it becomes cached by itself."""
    stand.upload("elsewhere", short_pages(2))
    reader = visit(stand).read("elsewhere")
    reader.expect_mode("live")
    stand.make("elsewhere")
    reader.expect_mode("cached")
    reader.expect_state("done")


def test_this_page_only_makes_this_page(stand: Stand, visit: Visit) -> None:
    """GIVEN three pages and the second on show WHEN this page only is chosen THEN it alone is made."""
    stand.upload("one-page", short_pages(3))
    reader = visit(stand).read("one-page")
    reader.at("#page-forward").click()
    expect(reader.at("#page-number")).to_have_value("2")
    reader.pregenerate("page")
    reader.expect_state("partial")
    expect(reader.at("#pregenerate-text")).to_contain_text("1 of 3 pages")
    assert stand.status("one-page")["pages"] == [2]


def test_this_page_and_the_next_makes_both(stand: Stand, visit: Visit) -> None:
    """GIVEN three pages WHEN this page and the next are chosen THEN these two are made, and the rest later."""
    stand.upload("two-pages", short_pages(3))
    reader = visit(stand).read("two-pages")
    reader.pregenerate("next")
    expect(reader.at("#pregenerate-text")).to_contain_text("2 of 3 pages")
    assert stand.status("two-pages")["pages"] == [1, 2]
    reader.pregenerate("all")
    reader.expect_state("done")


def test_a_job_can_be_cancelled_and_what_was_made_stays(
    make_stand: MakeStand, own_speech: Speech, visit: Visit
) -> None:
    """GIVEN a job that runs WHEN it is cancelled THEN it ends, what was made is kept, and the rest can be made."""
    stand = make_stand(speech=own_speech)
    own_speech.start("--latency", "1")
    stand.upload("cancelled", short_pages(PAGES))
    reader = visit(stand).read("cancelled")
    reader.pregenerate()
    stand.wait_until_made("cancelled", 3)
    reader.at("#cancel").click()
    reader.expect_state("partial")
    made = stand.status("cancelled")["done"]
    assert 3 <= made < PAGES
    reader.expect_mode("cached")
    own_speech.start()
    reader.pregenerate()
    reader.expect_state("done")
