"""Audio really plays, live and cached, with a real aligner: it advances, block after block, and words are marked."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs, sentence, short_pages
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand

THREE = [f"{sentence(n)} {sentence(n + 10)}" for n in (1, 2, 3)]
"""Six seconds of speech each: live, a block's words are found while the one before it is heard."""
NOTE_WORDS = """() => {
    window.marked = [];
    const note = () => {
        const word = document.querySelector("#text mark.word");
        if (!word) return;
        const {block} = word.closest(".block").dataset;
        const before = word.previousSibling?.textContent.length ?? 0;
        window.marked.push([Number(block), before, word.textContent]);
    };
    const observer = new MutationObserver(note);
    observer.observe(document.getElementById("text"), {childList: true, subtree: true});
}"""


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """A server with its real aligner; one document is made, the other is not."""
    stand = make_stand(ALIGNER="embedded", ALIGNERS="1")
    for document_id in ("live", "cached"):
        stand.upload(document_id, paragraphs(*THREE))
    stand.make("cached")
    return stand


@pytest.mark.parametrize("mode", ["live", "cached"])
def test_audio_advances_and_the_spoken_word_moves(stand: Stand, visit: Visit, mode: str) -> None:
    """GIVEN either mode WHEN play is pressed THEN time passes in the audio, and words are marked in their order.

    AND the next block follows by itself, with its own words.
    """
    reader = visit(stand).read(mode)
    reader.expect_mode(mode)
    reader.script(NOTE_WORDS)
    reader.play()
    expect(reader.at("#play")).to_have_attribute("data-state", "playing")
    first = reader.audio_s
    reader.until_it_sounds(first + 0.5)
    for index in (1, 2):
        reader.expect_spoken(1, index)
        expect(reader.word).to_be_visible()
    expect(reader.at("#notices")).to_contain_text("read to its end", timeout=30_000)
    marked = reader.script("window.marked")
    for index, text in enumerate(THREE):
        places = [place for block, place, _ in marked if block == index]
        assert index == 0 or len(set(places)) >= 5, marked
        assert places == sorted(places), marked
        assert all(text[place:].startswith(word) for block, place, word in marked if block == index)
        expect(reader.block(index)).to_have_text(text)


def test_reading_ends_with_the_document(stand: Stand, visit: Visit) -> None:
    """GIVEN the last block WHEN it has been read THEN that is said, the player pauses, and can begin again."""
    reader = visit(stand).read("cached")
    reader.at("#rate").select_option("4")
    reader.block(2).click()
    expect(reader.at("#notices")).to_contain_text("read to its end")
    expect(reader.at("#play")).to_have_attribute("data-state", "paused")
    reader.play()


def test_a_click_on_a_block_plays_from_there(stand: Stand, visit: Visit) -> None:
    """GIVEN a page WHEN a block is clicked THEN it is read from its beginning, and none before it was asked for."""
    reader = visit(stand).read("cached")
    reader.block(1).click()
    reader.until_it_sounds()
    reader.expect_spoken(1, 1)
    chunks = reader.watched.paths("GET /api/tts/chunk")
    assert not any("blockIndex=0" in path for path in chunks)


def test_pause_keeps_the_place_and_play_goes_on_from_it(stand: Stand, visit: Visit) -> None:
    """GIVEN a block that is heard WHEN it is paused THEN time stands still, and goes on from there."""
    reader = visit(stand).read("cached")
    reader.play()
    reader.until_it_sounds(0.5)
    reader.pause()
    stopped = reader.audio_s
    assert stopped >= 0.5
    reader.page.wait_for_timeout(300)  # that nothing happens is seen by waiting only
    assert reader.audio_s == stopped
    asked = len(reader.watched.asked)
    reader.play()
    reader.until_it_sounds(stopped)
    again = reader.watched.paths("GET /api/tts/chunk", asked)
    assert not any("blockIndex=0" in path for path in again)


def test_next_and_previous_go_from_block_to_block_across_pages(stand: Stand, visit: Visit) -> None:
    """GIVEN pages of one block WHEN next and previous are pressed THEN the pages turn along."""
    stand.upload("pages", short_pages(3))
    reader = visit(stand).read("pages")
    reader.at("#next").click()
    reader.expect_spoken(2, 0)
    expect(reader.at("#page-number")).to_have_value("2")
    expect(reader.at("#text")).to_contain_text(sentence(2))
    reader.at("#previous").click()
    reader.expect_spoken(1, 0)
    reader.at("#page-number").fill("3")
    reader.at("#page-number").press("Enter")
    reader.expect_spoken(3, 0)
    expect(reader.at("#page-forward")).to_be_disabled()
    reader.at("#page-back").click()
    reader.expect_spoken(2, 0)
    expect(reader.at("#play")).to_have_attribute("data-state", "paused")


def test_a_page_that_there_is_not_is_not_gone_to(stand: Stand, visit: Visit) -> None:
    """GIVEN a page number that there is not WHEN it is typed THEN a page that there is stays, and is shown."""
    reader = visit(stand).read("cached")
    for wanted in ("-5", "0", "99", "1e3", ""):
        reader.at("#page-number").fill(wanted)
        reader.at("#page-number").press("Enter")
        expect(reader.at("#page-number")).to_have_value("1")
        reader.expect_spoken(1, 0)


def test_the_place_is_remembered(stand: Stand, visit: Visit) -> None:
    """GIVEN a block in the middle WHEN the page is loaded again THEN that block is the place, and nothing plays."""
    reader = visit(stand).read("cached")
    reader.block(2).click()
    reader.until_it_sounds()
    reader.page.reload()
    reader.expect_spoken(1, 2)
    expect(reader.at("#play")).to_have_attribute("data-state", "paused")
    reader.play()
    reader.expect_spoken(1, 2)


def test_the_speed_of_playing_is_kept_over_blocks_and_visits(stand: Stand, visit: Visit) -> None:
    """GIVEN a speed of 2 WHEN the next block plays, or the page is loaded again THEN it is 2 still."""

    def rate(reader: ReaderPage) -> object:
        return reader.script("document.getElementById('audio').playbackRate")

    reader = visit(stand).read("cached")
    reader.at("#rate").select_option("2")
    reader.play()
    assert rate(reader) == 2
    reader.expect_spoken(1, 1)
    reader.until_it_sounds()
    assert rate(reader) == 2
    reader.page.reload()
    expect(reader.at("#rate")).to_have_value("2")
    reader.play()
    assert rate(reader) == 2


def test_the_next_block_is_asked_for_ahead_and_no_more(stand: Stand, visit: Visit) -> None:
    """GIVEN three blocks WHEN the first is heard THEN the second was asked for, the third not yet."""
    reader = visit(stand).read("cached")
    reader.play()
    expect(reader.block(0).locator("mark.word")).to_be_visible()
    chunks = reader.watched.paths("GET /api/tts/chunk")
    assert [index for index in range(3) if any(f"blockIndex={index}" in path for path in chunks)] == [0, 1]


def test_words_are_not_asked_for_where_they_are_not_wanted(stand: Stand, visit: Visit) -> None:
    """GIVEN highlighting switched off WHEN a document is read live THEN no aligner is asked, and no word is marked."""
    reader = visit(stand).open()
    reader.at("#settings-button").click()
    reader.at("#set-highlight").uncheck()
    reader.page.keyboard.press("Escape")
    reader.read("live")
    reader.play()
    reader.expect_spoken(1, 1)
    reader.until_it_sounds()
    assert "POST /api/whisper" not in reader.watched.routes()
    expect(reader.word).to_have_count(0)
