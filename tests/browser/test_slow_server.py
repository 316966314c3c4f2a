"""A server that takes its time: what is on show meanwhile can be pressed, and nothing breaks."""

from __future__ import annotations

import contextlib

import pytest
from playwright.sync_api import Error, Request, Route, expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs, sentence
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand

PRESS_ALL = """selector => {
    for (const control of document.querySelectorAll(selector)) if (control.checkVisibility()) control.click();
}"""


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """Two documents, of which the first is made."""
    stand = make_stand()
    for document_id in ("one", "two"):
        stand.upload(document_id, paragraphs(*map(sentence, range(3))), f"{document_id}.txt")
    stand.make("one")
    return stand


def held_back(reader: ReaderPage, pattern: str) -> list[Route]:
    """Hold back what matches from now on; who calls lets it go."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    reader.page.route(pattern, hold)
    return held


def let_go(reader: ReaderPage, pattern: str, held: list[Route]) -> None:
    """Let through what was held back, as far as the page still wants it, and what comes from now on."""
    reader.page.unroute(pattern)
    for route in held:
        with contextlib.suppress(Error):
            route.continue_()


def test_nothing_breaks_when_it_is_pressed_before_the_document_is_there(stand: Stand, visit: Visit) -> None:
    """GIVEN a document that is on its way WHEN all that is on show is pressed THEN nothing breaks, and it opens."""
    reader = visit(stand).open()
    held = held_back(reader, "**/api/documents/one")
    with reader.page.expect_request("**/api/documents/one"):
        reader.at("#documents .open").filter(has_text="one.txt").click()
    reader.script(PRESS_ALL, "#reader button, #player button")
    for key in ("Space", "ArrowRight", "Shift+ArrowLeft"):
        reader.page.keyboard.press(key)
    expect(reader.at("#ask")).to_be_hidden()
    let_go(reader, "**/api/documents/one", held)
    reader.expect_spoken(1, 0)
    reader.expect_state("done")


def test_a_document_that_comes_too_late_does_not_replace_the_one_that_is_wanted(
    stand: Stand, visit: Visit
) -> None:
    """GIVEN a document on its way WHEN another is opened meanwhile THEN the other stays."""
    reader = visit(stand).open()
    held = held_back(reader, "**/api/documents/one")
    with reader.page.expect_request("**/api/documents/one"):
        reader.at("#documents .open").filter(has_text="one.txt").click()
    reader.page.go_back()
    reader.choose("two.txt")
    with reader.page.expect_response("**/api/documents/one"):
        let_go(reader, "**/api/documents/one", held)
    expect(reader.at("#title")).to_have_text("two.txt")
    reader.expect_mode("live")
    reader.play()


def test_play_says_that_it_waits_and_can_be_taken_back(stand: Stand, visit: Visit) -> None:
    """GIVEN speech on its way WHEN play was pressed THEN it shows that it loads; pressed again, nothing sounds."""
    reader = visit(stand).read("two")
    held = held_back(reader, "**/api/tts")
    reader.at("#play").click()
    expect(reader.at("#play")).to_have_attribute("data-state", "loading")
    reader.at("#play").click()
    expect(reader.at("#play")).to_have_attribute("data-state", "paused")

    def spoken(request: Request) -> bool:
        return request.url.endswith("/api/tts")

    with reader.page.expect_request_finished(spoken):
        let_go(reader, "**/api/tts", held)
    reader.page.wait_for_timeout(300)  # that nothing sounds is seen by waiting only
    assert reader.script("document.getElementById('audio').paused")
    expect(reader.at("#play")).to_have_attribute("data-state", "paused")


def test_blocks_passed_over_are_not_heard(stand: Stand, visit: Visit) -> None:
    """GIVEN speech on its way WHEN next is pressed twice THEN the third block is heard, and no other before it."""
    reader = visit(stand).read("one")
    held = held_back(reader, "**/api/tts/chunk*")
    reader.at("#play").click()
    for _ in range(2):
        reader.at("#next").click()
    reader.expect_spoken(1, 2)
    let_go(reader, "**/api/tts/chunk*", held)
    reader.until_it_sounds()
    reader.expect_spoken(1, 2)
    expect(reader.at("#spoken-at")).to_have_text("Page 1, block 3 of 3")
