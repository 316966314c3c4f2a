"""The settings: voice, speed and model ask before a cache is lost; clearing, and how full the store is."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs, sentence
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand

BLOCKS = 3


@pytest.fixture(scope="module")
def running(make_stand: MakeStand) -> Stand:
    """A server with two documents."""
    stand = make_stand()
    for document_id in ("one", "two"):
        stand.upload(document_id, paragraphs(*map(sentence, range(BLOCKS))), f"{document_id}.txt")
    return stand


@pytest.fixture
def stand(running: Stand) -> Stand:
    """Two documents that are made, whatever a test before did with them."""
    for document_id in ("one", "two"):
        running.make(document_id)
        assert running.status(document_id)["state"] == "complete"
    return running


def settings_of(reader: ReaderPage) -> ReaderPage:
    """Open the settings."""
    reader.at("#settings-button").click()
    expect(reader.at("#settings")).to_be_visible()
    return reader


@pytest.mark.parametrize(
    ("name", "was", "wanted"), [("voice", "", "nova"), ("speed", "1", "1.5"), ("model", "", "tts-1-hd")]
)
def test_what_makes_the_cache_stale_asks_first(
    stand: Stand, visit: Visit, name: str, was: str, wanted: str
) -> None:
    """GIVEN a cache WHEN voice, speed or model is changed THEN that is asked: no keeps all, yes makes it anew."""
    reader = settings_of(visit(stand).read("one"))
    control = reader.at(f"#set-{name}")

    def choose() -> None:
        if name == "voice":
            expect(control.locator(f'option[value="{wanted}"]')).to_be_attached()
            control.select_option(wanted)
        else:
            control.fill(wanted)
            control.press("Enter")

    choose()
    expect(reader.at("#ask-title")).to_have_text("Regenerate?")
    assert stand.status("one")["state"] == "complete"
    reader.at('#ask button[data-value="keep"]').click()
    expect(control).to_have_value(was)
    assert stand.status("one")["state"] == "complete"
    choose()
    reader.at('#ask button[data-value="regenerate"]').click()
    expect(control).to_have_value(wanted)
    assert (
        stand.await_complete("one", **{name: wanted})["done"] == BLOCKS
    )  # the button is done from before, too
    reader.expect_state("done")


def test_a_change_is_kept_for_the_next_visit_and_asks_nothing_where_nothing_is_made(
    make_stand: MakeStand, visit: Visit
) -> None:
    """GIVEN no cache WHEN the voice is changed THEN nothing is asked, and it is the voice of the next visit too."""
    stand = make_stand()
    stand.upload("none", paragraphs(sentence(1)))
    reader = settings_of(visit(stand).read("none"))
    expect(reader.at('#set-voice option[value="echo"]')).to_be_attached()
    reader.at("#set-voice").select_option("echo")
    expect(reader.at("#voice")).to_have_value("echo")
    expect(reader.at("#ask")).to_be_hidden()
    reader.page.reload()
    expect(reader.at("#voice")).to_have_value("echo")
    reader.play()
    assert reader.watched.routes().count("POST /api/tts") >= 1


def test_the_servers_own_voice_can_be_chosen_again(make_stand: MakeStand, visit: Visit) -> None:
    """GIVEN another voice WHEN the server's own is chosen again THEN its name is shown, and it is what is asked for."""
    stand = make_stand(TTS_VOICE="fable")
    stand.upload("none", paragraphs(*map(sentence, range(2))))
    reader = settings_of(visit(stand).read("none"))
    expect(reader.at('#set-voice option[value="echo"]')).to_be_attached()
    reader.at("#set-voice").select_option("echo")
    expect(reader.at("#voice")).to_have_value("echo")
    reader.at("#set-voice").select_option("")
    expect(reader.at("#voice")).to_have_value("fable")
    reader.page.keyboard.press("Escape")
    with reader.page.expect_request("**/api/tts") as asked:
        reader.play()
    assert (asked.value.post_data_json or {})["voice"] == "fable"


def test_a_speed_that_cannot_be_is_refused_in_words(stand: Stand, visit: Visit) -> None:
    """GIVEN a speed beyond 0.25 to 4 WHEN it is typed THEN that is said, and the old one stays."""
    reader = settings_of(visit(stand).read("one"))
    for wrong in ("0", "4.5", "", "-1"):
        reader.at("#set-speed").fill(wrong)
        reader.at("#set-speed").press("Enter")
        expect(reader.at("#settings")).to_contain_text("Enter a number from 0.25 to 4")
        expect(reader.at("#ask")).to_be_hidden()
        reader.page.reload()
        expect(settings_of(reader).at("#set-speed")).to_have_value("1")


def test_clearing_a_document_clears_it_alone(stand: Stand, visit: Visit) -> None:
    """GIVEN two caches WHEN one document's is cleared THEN it is read live, and the other has all of its own."""
    reader = settings_of(visit(stand).read("one"))
    reader.at("#clear-document").click()
    reader.at("#ask button.danger").click()
    expect(reader.at("#settings-said")).to_contain_text("Cleared")
    reader.page.keyboard.press("Escape")
    reader.expect_mode("live")
    reader.expect_state("none")
    assert stand.status("one")["state"] == "missing"
    assert stand.status("two")["state"] == "complete"
    assert stand.chunk_files("one") == []


def test_clearing_is_asked_first(stand: Stand, visit: Visit) -> None:
    """GIVEN the question WHEN it is left THEN nothing is cleared."""
    reader = settings_of(visit(stand).read("one"))
    reader.at("#clear-all").click()
    expect(reader.at("#ask")).to_be_visible()
    reader.page.keyboard.press("Escape")
    expect(reader.at("#ask")).to_be_hidden()
    assert stand.status("one")["state"] == "complete"
    assert "POST /api/tts/preprocess/clear" not in reader.watched.routes()


def test_clearing_all_clears_all_and_the_statistics_say_so(stand: Stand, visit: Visit) -> None:
    """GIVEN two caches WHEN all is cleared THEN nothing is stored, and that is what is shown of the 5 GB."""
    reader = settings_of(visit(stand).read("one"))
    expect(reader.at("#store-stats")).to_contain_text("of 5 GB used, by 2 documents")
    reader.at("#clear-all").click()
    reader.at("#ask button.danger").click()
    expect(reader.at("#store-stats")).to_contain_text("none of 5 GB used")
    reader.page.keyboard.press("Escape")
    reader.expect_mode("live")
    assert stand.json("/api/tts/preprocess/stats")["documentsCount"] == 0


def test_from_the_library_there_is_no_document_to_clear(stand: Stand, visit: Visit) -> None:
    """GIVEN the library WHEN the settings are opened THEN clearing one document is not offered, and why is said."""
    reader = settings_of(visit(stand).open())
    expect(reader.at("#clear-document")).to_be_disabled()
    expect(reader.at("#settings")).to_contain_text("Open a document to clear only its audio")


def test_the_arrows_of_the_speed_ask_when_they_are_left(stand: Stand, visit: Visit) -> None:
    """GIVEN a cache WHEN the speed is stepped THEN no step asks anything, and what it came to is asked once."""
    reader = settings_of(visit(stand).read("one"))
    speed = reader.at("#set-speed")
    with reader.page.expect_request("**/api/tts/preprocess/status*speed=1.1&*"):
        for _ in range(2):
            speed.press("ArrowUp")
        reader.page.wait_for_timeout(300)
        expect(reader.at("#ask")).to_be_hidden()
        reader.at("#set-model").focus()
    expect(reader.at("#ask")).to_contain_text("1.1")
    reader.at('#ask button[data-value="keep"]').click()
    expect(speed).to_have_value("1")
    expect(reader.at("#ask")).to_be_hidden()
    assert not [path for path in reader.watched.paths("GET /api/tts/preprocess/status") if "1.05" in path]


def test_the_settings_are_those_of_the_open_document(stand: Stand, visit: Visit) -> None:
    """GIVEN a document WHEN another tab chooses another speed THEN the settings show the one it is read with."""
    reader = visit(stand).read("one")
    other = ReaderPage(reader.page.context.new_page(), stand.url, reader.watched)
    settings_of(other.open())
    other.at("#set-speed").fill("2")
    other.at("#set-speed").press("Enter")
    settings_of(reader)
    expect(reader.at("#set-speed")).to_have_value("1")
    reader.at("#set-speed").press("Enter")
    reader.at("#settings-close").click()
    expect(reader.at("#ask")).to_be_hidden()
    reader.at("#back-to-library").click()
    expect(settings_of(reader).at("#set-speed")).to_have_value("2")


def test_what_goes_wrong_while_the_settings_are_open_is_told_there(stand: Stand, visit: Visit) -> None:
    """GIVEN the settings WHEN a change fails, and a notice comes THEN both can be read and pressed above the page."""
    reader = settings_of(visit(stand).read("one"))
    reader.watched.expect_errors("ERR_FAILED")
    expect(reader.at('#set-voice option[value="nova"]')).to_be_attached()
    reader.page.route("**/api/tts/preprocess/status*", lambda route: route.abort())
    reader.at("#set-voice").select_option("nova")
    expect(reader.at("#settings-said")).to_contain_text("The server cannot be reached")
    expect(reader.at("#set-voice")).to_have_value("")
    expect(reader.at("#notices .notice")).to_have_count(0)
    notify = "key => import('/page/notices.js').then(({notify}) => void notify(key, {}, {kind: 'error'}))"
    reader.script(notify, "error.OVERLOADED")
    reader.script(notify, "error.DISK_FULL")
    notices = reader.at("#notices .notice")
    expect(notices).to_have_count(2)
    reader.press("Dismiss this message", notices.first)
    expect(reader.at("#settings-title")).to_be_focused()
    reader.page.keyboard.press("Escape")
    expect(reader.at("#settings")).to_be_hidden()
    reader.press("Dismiss this message", notices)
    expect(notices).to_have_count(0)
