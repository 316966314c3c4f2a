"""WCAG A and AA by axe, in each main state of the page: both themes, both languages, phone and desktop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import faults_of
from tests.browser.conftest import DESKTOP, PHONE, MakeStand, Visit
from tests.browser.documents import paragraphs, sentence, short_pages
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand


@dataclass(frozen=True)
class Looks:
    """How a person has the page in front of them."""

    name: str
    color_scheme: str
    locale: str
    viewport: dict[str, int]

    @property
    def options(self) -> dict[str, Any]:
        """As a browser's context takes them; without movement, so that no colour is caught on its way."""
        return {
            "color_scheme": self.color_scheme,
            "locale": self.locale,
            "viewport": self.viewport,
            "reduced_motion": "reduce",
        }


LOOKS = (
    Looks("light-desktop-english", "light", "en-US", DESKTOP),
    Looks("dark-desktop-french", "dark", "fr-FR", DESKTOP),
    Looks("light-phone-french", "light", "fr-FR", PHONE),
    Looks("dark-phone-english", "dark", "en-US", PHONE),
)
ALL_LOOKS = pytest.mark.parametrize("looks", LOOKS, ids=lambda looks: looks.name)


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """Documents in every state of their cache; an upstream that is slow enough for a job to be looked at."""
    stand = make_stand("--latency", "0.3")
    for document_id, pages in (("made", "all"), ("some", [1, 3])):
        stand.upload(document_id, short_pages(3), f"The {document_id} document.pdf")
        stand.make(document_id, pages)
    stand.upload("none", paragraphs(*map(sentence, range(5))), "A document without audio.txt")
    return stand


def scrolls_sideways(reader: ReaderPage) -> bool:
    """Whether the page is wider than its window."""
    return bool(reader.script("document.documentElement.scrollWidth > innerWidth"))


def library_states(reader: ReaderPage) -> Iterator[str]:
    """Show the library: with documents, a file that was refused, a question, the settings, the meter's panel."""
    reader.watched.expect_errors("status of 422")
    reader.open()
    expect(reader.at('#documents li[data-id="made"] .cache-state[data-state="complete"]')).to_be_visible()
    yield "library"
    reader.upload("picture.png", b"\x89PNG\r\n\x1a\n" + bytes(99))
    expect(reader.at("#uploads li")).to_be_visible()
    expect(reader.at("#uploads progress")).to_have_count(0)
    yield "upload refused"
    reader.at('#documents li[data-id="made"] .delete').click()
    yield "delete?"
    reader.page.keyboard.press("Escape")
    reader.at("#meter-button").click()
    expect(reader.at("#meter-panel")).to_be_visible()
    yield "meter"
    reader.at("#meter-button").click()
    reader.at("#settings-button").click()
    expect(reader.at("#set-voice option").nth(2)).to_be_attached()
    yield "settings"


def reader_states(reader: ReaderPage) -> Iterator[str]:
    """Show the reader: cached with a word marked, a fallback, both questions."""
    reader.watched.expect_errors("status of 404")
    reader.read("made")
    reader.play()
    expect(reader.word).to_be_visible()
    reader.pause()
    yield "cached, with a word"
    expect(reader.at('#voice option[value="nova"]')).to_be_attached()
    reader.at("#voice").select_option("nova")
    expect(reader.at("#ask")).to_be_visible()
    yield "regenerate?"
    reader.at('#ask [data-value="keep"]').click()
    reader.read("some")
    reader.at("#page-forward").click()
    reader.play()
    expect(reader.at("#fallback")).to_be_visible()
    reader.pause()
    yield "fallback"
    reader.read("none")
    reader.at("#pregenerate").click()
    expect(reader.at("#ask .estimate p").nth(1)).to_be_visible()
    yield "pre-generate?"


@ALL_LOOKS
@pytest.mark.parametrize("states", [library_states, reader_states], ids=["library", "reader"])
def test_no_rule_of_wcag_aa_is_broken(stand: Stand, visit: Visit, looks: Looks, states: Any) -> None:
    """GIVEN a look WHEN each state is shown THEN axe finds nothing, and nothing has to be scrolled sideways."""
    reader = visit(stand, **looks.options)
    found: dict[str, list[str]] = {}
    for state in states(reader):
        found[state] = faults_of(reader.page)
        if scrolls_sideways(reader):
            found[state].append("it is wider than the window")
    assert len(found) >= 4
    assert {state: faults for state, faults in found.items() if faults} == {}


def test_axe_finds_what_is_broken(stand: Stand, visit: Visit) -> None:
    """GIVEN a button that loses its label, and a text its contrast WHEN axe looks THEN it finds both, and no more."""
    reader = visit(stand, **LOOKS[0].options).open()
    assert faults_of(reader.page) == []
    reader.script(
        """() => {
            document.getElementById("settings-button").removeAttribute("aria-label");
            document.getElementById("settings-button").removeAttribute("title");
            document.getElementById("library-title").style.color = "#dddddd";
        }"""
    )
    assert sorted(fault.partition(":")[0] for fault in faults_of(reader.page)) == [
        "button-name",
        "color-contrast",
    ]


@pytest.mark.parametrize("looks", LOOKS[1:3], ids=lambda looks: looks.name)
def test_a_job_and_an_error_break_no_rule(make_stand: MakeStand, visit: Visit, looks: Looks) -> None:
    """GIVEN a job that runs, one that failed, and an error on show THEN axe finds nothing in any."""
    stand = make_stand("--latency", "30", "--pace", "1")
    stand.upload("doc", short_pages(4), "Doc.pdf")
    reader = visit(stand, **looks.options).read("doc")
    reader.watched.expect_errors("status of 50[024]", "ERR_")
    reader.at("#pregenerate").click()
    reader.at('#ask [data-value="start"]').click()
    expect(reader.at("#pregenerate-progress")).to_be_visible()
    assert faults_of(reader.page) == []
    reader.at("#play").click()
    stand.kill()
    expect(reader.at("#notices [data-kind=error]")).to_be_visible(timeout=30_000)
    assert faults_of(reader.page) == []


def test_the_page_reflows(stand: Stand, visit: Visit) -> None:
    """GIVEN any width from 320 on, which is 400 % on a laptop WHEN it is read THEN nothing is scrolled sideways."""
    reader = visit(stand)
    for width in (320, 390, 768, 1024, 1920):
        reader.page.set_viewport_size({"width": width, "height": 700})
        reader.open()
        assert not scrolls_sideways(reader)
        reader.read("made")
        assert not scrolls_sideways(reader)
        for control in ("#play", "#next", "#previous", "#rate", "#voice", "#pregenerate", "#settings-button"):
            expect(reader.at(control)).to_be_in_viewport()


def test_four_times_enlarged_the_text_is_what_fills_the_window(stand: Stand, visit: Visit) -> None:
    """GIVEN a window of 320 by 256, as at 400 % WHEN it is read THEN nothing covers the text, and the name is whole."""
    name = "A long name of a document that takes more than two lines in a narrow window, and is read to its end.txt"
    stand.upload("named", paragraphs(*map(sentence, range(30))), name)
    reader = visit(stand, viewport={"width": 320, "height": 256}).read("named")
    assert not scrolls_sideways(reader)
    assert reader.script("""() => {
        const {scrollHeight, clientHeight} = document.getElementById("title");
        return scrollHeight <= clientHeight;
    }""")
    reader.block(10).click()
    reader.expect_spoken(1, 10)
    covered = """() => ["top", "player"].filter(id => {
        const {top, bottom} = document.getElementById(id).getBoundingClientRect();
        return top < innerHeight && bottom > 0;
    })"""
    assert reader.script(covered) == []
    reader.at("#play").scroll_into_view_if_needed()
    expect(reader.at("#play")).to_be_in_viewport()
