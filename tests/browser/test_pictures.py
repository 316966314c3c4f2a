"""The main states of the page as pictures: for the docs where `SCREENSHOTS` names a folder (`make page-pictures`).

Else they go nowhere that stays, only show that each state can be had, and have a quick aligner. Text, size, theme and
language are always the same; the memory that the meter shows is this machine's at that moment.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from loadtests.corpus import build_pdf
from tests.browser.conftest import PHONE, MakeStand, Visit
from tests.browser.documents import long_blocks, short_pages
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Stand

WINDOW = {"width": 1120, "height": 700}
CALM: dict[str, Any] = {"viewport": WINDOW, "color_scheme": "light", "reduced_motion": "reduce"}
BOOK = "The Python Language Reference, in prose.pdf"

Draw = Callable[[ReaderPage, str], None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the pictures go."""
    asked = os.environ.get("SCREENSHOTS")
    folder = Path(asked) if asked else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def draw(folder: Path) -> Draw:
    """Write what a page shows, without the pointer's traces."""

    def write(reader: ReaderPage, name: str) -> None:
        expect(reader.at("#meter-server")).to_contain_text("M")
        reader.page.mouse.move(0, 0)
        path = folder / f"{name}.png"
        reader.page.screenshot(path=path, animations="disabled", caret="hide")
        assert path.stat().st_size > 10_000

    return write


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand, tmp_path_factory: pytest.TempPathFactory) -> Stand:
    """The book of 142 pages with two of them made, an essay that is made, and notes of which nothing is."""
    aligner = {"ALIGNER": "embedded", "ALIGNERS": "1"} if os.environ.get("SCREENSHOTS") else {}
    stand = make_stand("--latency", "0.3", **aligner)
    path = tmp_path_factory.mktemp("book") / "book.pdf"
    build_pdf(path)
    stand.upload("notes", long_blocks(9), "Notes of a summer.txt")
    stand.upload("essay", long_blocks(2), "An essay.md")
    stand.upload("book", path.read_bytes(), BOOK)
    stand.make("essay")
    stand.make("book", [1, 2])
    return stand


def with_a_word(reader: ReaderPage, least_s: float = 2.0) -> None:
    """Play until a word in the middle of a block is marked; it plays on."""
    reader.play()
    expect(reader.word).to_be_visible(timeout=60_000)
    reader.until_it_sounds(least_s)
    reader.script("scrollTo(0, 0)")


def test_the_library(stand: Stand, visit: Visit, draw: Draw) -> None:
    """GIVEN documents made, made in part, and not made THEN the library shows which is which."""
    reader = visit(stand, **CALM).open()
    for document_id, state in (("book", "partial"), ("essay", "complete"), ("notes", "missing")):
        entry = reader.at(f'#documents li[data-id="{document_id}"] .cache-state[data-state="{state}"]')
        expect(entry).to_be_visible()
    draw(reader, "library")


def test_reading_live(stand: Stand, visit: Visit, draw: Draw) -> None:
    """GIVEN a document without a cache THEN it is read live, with the spoken word marked."""
    reader = visit(stand, **CALM).read("notes")
    with_a_word(reader)
    reader.expect_mode("live")
    draw(reader, "reading-live")


def test_the_dialog_of_pre_generation_and_its_progress(stand: Stand, visit: Visit, draw: Draw) -> None:
    """GIVEN the book WHEN Pre-generate is pressed THEN the dialog says what it takes, and then the pages move."""
    stand.upload("progress", short_pages(120), "A book of 120 pages.pdf")
    reader = visit(stand, **CALM).read("book")
    reader.at("#pregenerate").click()
    expect(reader.at("#ask .estimate p").nth(1)).to_be_visible()
    draw(reader, "pregenerate-dialog")
    reader.page.keyboard.press("Escape")
    reader.read("progress")
    reader.pregenerate()
    stand.wait_until_made("progress", 15)
    expect(reader.at("#pregenerate-progress")).to_be_visible()
    expect(reader.at("#pregenerate-text")).not_to_contain_text("0/120 pages")
    draw(reader, "pregenerating")
    reader.at("#cancel").click()
    reader.expect_state("partial")


def test_reading_from_the_cache_and_a_hole_in_it(stand: Stand, visit: Visit, draw: Draw) -> None:
    """GIVEN the book's two pages that are made THEN they are cached, and the next is said to be read live."""
    reader = visit(stand, **{**CALM, "color_scheme": "dark"}).read("book")
    reader.watched.expect_errors("status of 404")
    with_a_word(reader)
    reader.expect_mode("cached")
    draw(reader, "reading-cached")
    reader.pause()
    for page in ("2", "3"):
        reader.at("#page-forward").click()
        expect(reader.at("#page-number")).to_have_value(page)
    reader.play()
    expect(reader.at("#fallback")).to_be_visible()
    reader.pause()
    reader.script("scrollTo(0, 0)")
    draw(reader, "fallback")


def test_the_question_about_another_voice(stand: Stand, visit: Visit, draw: Draw) -> None:
    """GIVEN a cache WHEN another voice is chosen THEN the question shows what was and what is wanted."""
    reader = visit(stand, **CALM).read("essay")
    expect(reader.at('#voice option[value="nova"]')).to_be_attached()
    reader.at("#voice").select_option("nova")
    expect(reader.at("#ask")).to_be_visible()
    draw(reader, "regenerate")


def test_the_settings_and_the_meter(stand: Stand, visit: Visit, draw: Draw) -> None:
    """GIVEN a document THEN its settings, in French, and the meter with its picture can be shown."""
    reader = visit(stand, locale="fr-FR", **CALM).read("essay")
    reader.at("#settings-button").click()
    expect(reader.at("#store-stats")).to_contain_text("sur")
    draw(reader, "settings")
    reader.page.keyboard.press("Escape")
    reader.page.wait_for_timeout(
        4_000 if os.environ.get("SCREENSHOTS") else 1_000
    )  # a history of some seconds
    reader.at("#meter-button").click()
    expect(reader.at("#meter-panel")).to_be_visible()
    draw(reader, "meter")


def test_a_phone(stand: Stand, visit: Visit, draw: Draw) -> None:
    """GIVEN a phone, dark and in French THEN text, player and meter have their places."""
    looks = {**CALM, "viewport": PHONE, "color_scheme": "dark", "locale": "fr-FR"}
    reader = visit(stand, **looks).read("essay")
    with_a_word(reader)
    draw(reader, "phone")


def test_a_server_that_is_away(make_stand: MakeStand, visit: Visit, draw: Draw) -> None:
    """GIVEN a job that runs WHEN the server is gone THEN the meter and the button say that they wait."""
    stand = make_stand("--latency", "0.3")
    stand.upload("away", short_pages(120), "A book of 120 pages.pdf")
    reader = visit(stand, **CALM).read("away")
    reader.watched.expect_errors("ERR_")
    reader.pregenerate()
    stand.wait_until_made("away", 20)
    expect(reader.at("#pregenerate-text")).not_to_contain_text("0/120 pages")
    stand.kill()
    expect(reader.at("#meter")).to_have_attribute("data-state", "gone")
    draw(reader, "server-gone")
