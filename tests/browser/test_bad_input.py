"""What goes wrong is said in words that a person understands, in both languages, and there is a way on."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Route, expect
from reportlab.pdfgen.canvas import Canvas

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs, sentence
from tests.browser.reader_page import ReaderPage
from tests.browser.stand import Speech, Stand

MOST_BYTES = 100_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)
NUMBERS = itertools.count(1)
"""Of good files, and of sentences that no test has read before: the server keeps what it has."""


def scanned_pdf() -> bytes:
    """A PDF without a word in it."""
    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    canvas.rect(100, 100, 200, 200)
    canvas.save()
    return out.getvalue()


@dataclass(frozen=True)
class Wrong:
    """A file that cannot be taken, and what is said of it in English and in French."""

    name: str
    content: bytes
    english: str
    french: str


WRONG = (
    Wrong("picture.png", PNG, "cannot be read as a PDF, an EPUB, text or Markdown", "lisible ni comme PDF"),
    Wrong("broken.pdf", b"%PDF-1.7\nno more", "cannot be read as a PDF", "lisible ni comme PDF"),
    Wrong("scanned.pdf", scanned_pdf(), "No text was found in this file", "été trouvé dans ce fichier"),
    Wrong("large.txt", b"word " * 30_000, "the limit is 100 kB", "la limite est de 100 ko"),
    Wrong("empty.txt", b"", "The file is empty", "Le fichier est vide"),
)
LOCALES = pytest.mark.parametrize("locale", ["en-US", "fr-FR"])
FAILS = ("--fault", "500")


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """A server that takes small documents only."""
    return make_stand(MAX_DOCUMENT_BYTES=str(MOST_BYTES))


@pytest.fixture(scope="module")
def listening(make_stand: MakeStand) -> Iterator[Stand]:
    """A server that asks once, and an upstream that only it asks."""
    speech = Speech()
    yield make_stand(speech=speech, TTS_MAX_RETRIES="0")
    speech.stop()


@pytest.fixture
def failing(listening: Stand) -> Stand:
    """The same, whose upstream fails for now."""
    listening.speech.start(*FAILS)
    return listening


def good_file() -> tuple[str, bytes]:
    """The name of a file that is a document, and what is in it; another each time."""
    number = next(NUMBERS)
    return f"good-{number}-.txt", paragraphs(sentence(number))


def good_one_is_taken(reader: ReaderPage) -> None:
    """The way on: another file is chosen, and it is there."""
    name, content = good_file()
    reader.upload(name, content)
    expect(reader.at("#documents li[data-id]").filter(has_text=name)).to_be_visible()


def new_document(stand: Stand, blocks: int) -> str:
    """The id of a document that no test has read before."""
    numbers = [next(NUMBERS) for _ in range(blocks)]
    stand.upload(f"doc-{numbers[0]}", paragraphs(*map(sentence, numbers)))
    return f"doc-{numbers[0]}"


@LOCALES
def test_a_file_that_cannot_be_taken(stand: Stand, visit: Visit, locale: str) -> None:
    """GIVEN files that are no document, or too large WHEN each is chosen THEN that is said, and the next is taken."""
    reader = visit(stand, locale=locale).open()
    reader.watched.expect_errors("status of 4(13|22)")
    for wrong in WRONG:
        reader.upload(wrong.name, wrong.content)
        told = reader.at("#uploads li").filter(has_text=wrong.name)
        expect(told).to_contain_text(wrong.english if locale == "en-US" else wrong.french)
        good_one_is_taken(reader)


def test_a_file_of_which_the_server_alone_knows_that_it_is_too_large(stand: Stand, visit: Visit) -> None:
    """GIVEN a page that was not told the limit WHEN a file is too large THEN the server's refusal is said."""
    reader = visit(stand)
    reader.watched.expect_errors("status of 413", "net::ERR_", "status of 500")
    reader.page.route("**/api/config", lambda route: route.fulfill(status=500, body="{}"))
    reader.page.goto(stand.url + "/")
    reader.upload("large.txt", b"word " * 30_000)
    expect(reader.at("#uploads li")).to_contain_text("too large for the server")


@LOCALES
def test_a_disk_that_is_full_is_told_at_an_upload(stand: Stand, visit: Visit, locale: str) -> None:
    """GIVEN the server's answer for a full disk WHEN a document is uploaded THEN that is said, and how to make room."""
    reader = visit(stand, locale=locale).open()
    reader.watched.expect_errors("status of 507")

    def full(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=507, json={"code": "DISK_FULL", "message": "No space left on device"})
        else:
            route.continue_()

    reader.page.route("**/api/documents*", full)
    reader.upload(*good_file())
    told = reader.at("#uploads li")
    expect(told).to_contain_text(
        "storage is full" if locale == "en-US" else "Le stockage du serveur est plein"
    )
    reader.page.unroute("**/api/documents*")
    good_one_is_taken(reader)


@LOCALES
def test_a_server_that_is_gone_is_told_at_an_upload_too(stand: Stand, visit: Visit, locale: str) -> None:
    """GIVEN a server that is gone WHEN a document is uploaded THEN that is said; when it is back, it is taken."""
    reader = visit(stand, locale=locale).open()
    reader.watched.expect_errors("net::ERR_")
    stand.kill()
    reader.upload(*good_file())
    said = "server cannot be reached" if locale == "en-US" else "serveur est injoignable"
    expect(reader.at("#uploads li")).to_contain_text(said)
    stand.start_again()
    good_one_is_taken(reader)


@LOCALES
def test_an_upstream_that_fails_is_told_and_reading_goes_on_when_it_is_back(
    failing: Stand, visit: Visit, locale: str
) -> None:
    """GIVEN a speech service that fails WHEN a block is read THEN that is said; a press goes on once it is back."""
    reader = visit(failing, locale=locale).read(new_document(failing, blocks=2))
    reader.watched.expect_errors("status of 50[024]")
    reader.at("#play").click()
    notice = reader.at("#notices [data-kind=error]")
    expect(notice).to_be_visible(timeout=30_000)
    expect(notice).to_contain_text("speech service" if locale == "en-US" else "service vocal")
    expect(reader.at("#play")).to_have_attribute("data-state", "failed")
    failing.speech.start()
    reader.press("Try again" if locale == "en-US" else "Réessayer", notice)
    reader.until_it_sounds()


@LOCALES
def test_an_upstream_that_fails_ends_a_job_that_can_be_tried_again(
    failing: Stand, visit: Visit, locale: str
) -> None:
    """GIVEN a speech service that fails WHEN a document is made THEN why is said, and trying again makes it."""
    reader = visit(failing, locale=locale).read(new_document(failing, blocks=3))
    reader.at("#pregenerate").click()
    reader.at('#ask button[data-value="start"]').click()
    reader.expect_state("failed")
    said = "could not be made" if locale == "en-US" else "pas pu être produits"
    expect(reader.at("#pregenerate-text")).to_contain_text(said)
    expect(reader.at("#pregenerate")).to_have_text("Try again" if locale == "en-US" else "Réessayer")
    failing.speech.start()
    reader.at("#pregenerate").click()
    reader.at('#ask button[data-value="start"]').click()
    reader.expect_state("done")


@LOCALES
def test_a_store_that_is_full_ends_a_job_and_clearing_makes_room(
    make_stand: MakeStand, visit: Visit, locale: str
) -> None:
    """GIVEN a store that another document fills WHEN one is made THEN it is said; cleared, trying again makes it."""
    stand = make_stand(STORE_MAX_BYTES="300000")
    for document_id in ("first", "second"):
        stand.upload(document_id, paragraphs(*map(sentence, range(4))))
    stand.make("first")
    reader = visit(stand, locale=locale).read("second")
    reader.at("#pregenerate").click()
    reader.at('#ask button[data-value="start"]').click()
    reader.expect_state("failed")
    said = "storage is full" if locale == "en-US" else "stockage du serveur est plein"
    expect(reader.at("#pregenerate-text")).to_contain_text(said)
    reader.at("#settings-button").click()
    reader.at("#clear-all").click()
    reader.at("#ask button.danger").click()
    expect(reader.at("#settings-said")).not_to_be_empty()
    reader.page.keyboard.press("Escape")
    reader.at("#pregenerate").click()
    reader.at('#ask button[data-value="start"]').click()
    reader.expect_state("done")
