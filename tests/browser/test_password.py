"""The page behind the server's password: the browser asks once, and all that the page does carries it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error, expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs, sentence
from tests.browser.stand import Stand

USER, PASSWORD = "ada", "Straße 1815"


@pytest.fixture(scope="module")
def stand(make_stand: MakeStand) -> Stand:
    """A server with a password."""
    return make_stand(BASIC_AUTH_USER=USER, BASIC_AUTH_PASSWORD=PASSWORD)


def test_whoever_knows_the_password_reads_and_makes(stand: Stand, visit: Visit) -> None:
    """GIVEN the password WHEN a document is uploaded, made and read THEN all works, the events' stream too."""
    reader = visit(stand, http_credentials={"username": USER, "password": PASSWORD}).open()
    reader.upload("behind.txt", paragraphs(*map(sentence, range(2))))
    reader.choose("behind.txt")
    reader.pregenerate()
    reader.expect_state("done")
    reader.play()
    reader.expect_spoken(1, 1)
    expect(reader.at("#meter-server")).to_contain_text("MB")
    routes = set(reader.watched.routes())
    assert {"GET /api/events", "GET /api/tts/chunk", "POST /api/documents"} <= routes


def test_without_the_password_there_is_no_page(stand: Stand, visit: Visit) -> None:
    """GIVEN no password WHEN the page is opened THEN it is 401, and nothing of it is shown."""
    reader = visit(stand)
    reader.watched.expect_errors("status of 401")
    with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
        reader.page.goto(stand.url + "/")
    assert reader.at("#library").count() == 0
    assert stand.server.ask("GET", "/").status == 401
    assert stand.server.ask("GET", "/page/main.js").status == 401
