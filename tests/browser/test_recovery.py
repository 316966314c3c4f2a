"""The page recovers by itself: two tabs, a reload, a server that is killed in the middle of a job and comes back."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs, sentence, short_pages
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand

PAGES = 24
GONE = r"net::ERR_"
"""Refused, reset, empty or cut off: whatever the kill met."""


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """An upstream slow enough for something to happen while a document is made: six seconds for 24 pages."""
    return make_stand("--latency", "1")


def begun(stand: Stand, visit: Visit, document_id: str, pages: int = PAGES) -> ReaderPage:
    """A document whose making was begun in the page, some of which is made."""
    stand.upload(document_id, short_pages(pages))
    reader = visit(stand).read(document_id)
    reader.pregenerate()
    stand.wait_until_made(document_id, 4)
    return reader


def test_a_reload_in_the_middle_finds_the_job_again(stand: Stand, visit: Visit) -> None:
    """GIVEN a job that runs WHEN the page is loaded again THEN its progress is shown, to the end."""
    reader = begun(stand, visit, "reload")
    reader.page.reload()
    expect(reader.at("#pregenerate-progress")).to_be_visible()
    expect(reader.at("#pregenerate-text")).to_contain_text(f"/{PAGES} pages")
    reader.expect_state("done", within_ms=30_000)
    reader.expect_mode("cached")
    assert reader.watched.routes().count("POST /api/tts/preprocess") == 1


def test_two_tabs_show_the_same_job(stand: Stand, visit: Visit) -> None:
    """GIVEN a job begun in one tab WHEN the document is open in another THEN both show it, and either can cancel it."""
    reader = begun(stand, visit, "two-tabs")
    other = ReaderPage(reader.watched.context.new_page(), reader.url, reader.watched).read("two-tabs")
    for tab in (reader, other):
        tab.page.bring_to_front()
        expect(tab.at("#pregenerate-progress")).to_be_visible()
    other.at("#cancel").click()
    for tab in (other, reader):
        tab.page.bring_to_front()
        tab.expect_state("partial")
        expect(tab.at("#pregenerate-progress")).to_be_hidden()


def test_two_tabs_read_a_document_at_once(stand: Stand, visit: Visit) -> None:
    """GIVEN a document in two tabs WHEN both play THEN both are heard, and neither takes the other's place."""
    stand.upload("both", paragraphs(*map(sentence, range(3))))
    stand.make("both")
    reader = visit(stand).read("both")
    other = ReaderPage(reader.watched.context.new_page(), reader.url, reader.watched).read("both")
    reader.page.bring_to_front()
    reader.play()
    other.page.bring_to_front()
    other.block(2).click()
    other.until_it_sounds()
    other.expect_spoken(1, 2)
    reader.expect_spoken(1, 1)


def test_a_document_deleted_in_another_tab_is_told(stand: Stand, visit: Visit) -> None:
    """GIVEN a document that is open WHEN it is deleted elsewhere and read on THEN that is said, with a way on."""
    stand.upload("deleted", paragraphs(*map(sentence, range(3))))
    reader = visit(stand).read("deleted")
    reader.watched.expect_errors(r"status of 404")
    stand.server.ask("DELETE", "/api/documents/deleted")
    reader.page.reload()
    notice = reader.at("#notices [data-kind=error]")
    expect(notice).to_be_visible()
    notice.get_by_role("button", name="Go to the library").click()
    expect(reader.at("#library")).to_be_visible()


def test_a_server_killed_in_the_middle_of_a_job_goes_on_when_it_is_back(stand: Stand, visit: Visit) -> None:
    """GIVEN a job that runs WHEN the server is killed and comes back THEN the page makes the rest without a press."""
    reader = begun(stand, visit, "killed")
    reader.watched.expect_errors(GONE)
    stand.kill()
    made = len(stand.chunk_files("killed"))
    assert made < PAGES
    expect(reader.at("#meter")).to_have_attribute("data-state", "gone")
    stand.start_again()
    expect(reader.at("#pregenerate-progress")).to_be_visible(timeout=20_000)
    expect(reader.at("#notices")).to_contain_text("had restarted")
    reader.expect_state("done", within_ms=30_000)
    reader.expect_mode("cached")
    assert stand.status("killed")["done"] == PAGES


def test_a_server_killed_while_it_is_read_is_told_and_reading_goes_on_later(
    stand: Stand, visit: Visit
) -> None:
    """GIVEN a document that is read WHEN the server is gone THEN that is said, and a press goes on once it is back."""
    stand.upload("read", paragraphs(*map(sentence, range(4))))
    stand.make("read")
    reader = visit(stand).read("read")
    reader.watched.expect_errors(GONE)
    reader.play()
    stand.kill()
    notice = reader.at("#notices [data-kind=error]")
    expect(notice).to_be_visible(timeout=30_000)
    expect(reader.at("#play")).to_have_attribute("data-state", "failed")
    stand.start_again()
    notice.get_by_role("button", name="Try again").click()
    reader.until_it_sounds()
    expect(reader.at("#play")).to_have_attribute("data-state", "playing")


def test_a_server_that_is_back_soon_is_not_missed(stand: Stand, visit: Visit) -> None:
    """GIVEN a document that is read WHEN the server restarts within a block THEN reading goes on without a word."""
    stand.upload("soon", paragraphs(*map(sentence, range(6))))
    stand.make("soon")
    reader = visit(stand).read("soon")
    reader.watched.expect_errors(GONE)
    reader.play()
    stand.kill()
    stand.start_again()
    reader.expect_spoken(1, 3)
    reader.until_it_sounds()
    expect(reader.at("#notices [data-kind=error]")).to_have_count(0)


def test_the_library_comes_back_with_the_server(stand: Stand, visit: Visit) -> None:
    """GIVEN no server WHEN the library asks for the documents THEN that is said, and a press asks again."""
    stand.upload("listed", paragraphs(sentence(1)), "Listed.txt")
    reader = visit(stand).open()
    reader.watched.expect_errors(GONE)
    stand.upload("read-first", paragraphs(sentence(1)))
    reader.read("listed")
    stand.kill()
    reader.at("#back-to-library").click()
    again = reader.page.get_by_role("button", name="Try again")
    expect(again.first).to_be_visible()
    stand.start_again()
    again.first.click()
    expect(reader.at('#documents li[data-id="listed"]')).to_be_visible()
