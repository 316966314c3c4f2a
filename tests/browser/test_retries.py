"""Speech that fails, and comes when it is asked for again: three tries, as the contract has them."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs, sentence
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand

TRIES = 3


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """A document that is made, and one that is not."""
    stand = make_stand()
    for document_id in ("made", "none"):
        stand.upload(document_id, paragraphs(*map(sentence, range(3))))
    stand.make("made")
    return stand


def fails(reader: ReaderPage, pattern: str, times: int, status: int = 502) -> list[str]:
    """Let the first so many requests fail as the server fails; the bodies or addresses of all of them."""
    asked: list[str] = []
    code = "TTS_GENERATION_FAILED" if "chunk" not in pattern else "INTERNAL_ERROR"

    def answer(route: Route) -> None:
        asked.append(route.request.post_data or route.request.url)
        if len(asked) <= times:
            route.fulfill(status=status, json={"code": code, "message": "not now"})
        else:
            route.continue_()

    reader.page.route(pattern, answer)
    reader.watched.expect_errors(f"status of {status}")
    return asked


@pytest.mark.parametrize("status", [429, 502, 503])
def test_speech_that_fails_twice_is_heard_at_the_third_try(stand: Stand, visit: Visit, status: int) -> None:
    """GIVEN speech that fails twice WHEN it is read THEN it is asked for three times, and is heard without a word."""
    reader = visit(stand).read("none")
    asked = fails(reader, "**/api/tts", TRIES - 1, status)
    reader.play()
    reader.expect_spoken(1, 0)
    assert [json.loads(body)["text"] for body in asked[:TRIES]] == [sentence(0)] * TRIES
    expect(reader.at("#notices [data-kind=error]")).to_have_count(0)


def test_speech_that_cannot_be_is_not_tried_again(stand: Stand, visit: Visit) -> None:
    """GIVEN a request that is wrong WHEN it is refused THEN it is not repeated, and that is said."""
    reader = visit(stand).read("none")
    asked = fails(reader, "**/api/tts", 99, 400)
    reader.at("#play").click()
    expect(reader.at("#notices [data-kind=error]")).to_be_visible()
    assert len(asked) == 1


def test_a_chunk_that_cannot_be_read_is_heard_live(stand: Stand, visit: Visit) -> None:
    """GIVEN a server that cannot read a chunk WHEN its block is played THEN it is live at last, and that is said."""
    reader = visit(stand).read("made")
    reader.expect_mode("cached")
    fails(reader, "**/api/tts/chunk*blockIndex=0*", 99, 500)
    reader.play()
    reader.expect_spoken(1, 0)
    expect(reader.at("#fallback")).to_be_visible()
    reader.expect_spoken(1, 1)
    expect(reader.at("#fallback")).to_be_hidden()
    reader.until_it_sounds()


def test_words_that_cannot_be_had_do_not_stop_reading(stand: Stand, visit: Visit) -> None:
    """GIVEN an aligner that fails WHEN a document is read live THEN it is read on, and nothing is said."""
    reader = visit(stand).read("none")
    fails(reader, "**/api/whisper", 99, 503)
    reader.play()
    reader.expect_spoken(1, 1)
    reader.until_it_sounds()
    expect(reader.word).to_have_count(0)
    expect(reader.at("#notices [data-kind=error]")).to_have_count(0)
