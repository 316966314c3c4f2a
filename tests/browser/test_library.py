"""The library: documents come by picker and by drop, are listed with what is known of them, opened, and deleted."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import MakeStand, Visit
from tests.browser.documents import paragraphs, sentence, short_pages
from tests.browser.stand import Stand

DROP = """([files, target]) => {
    const transfer = new DataTransfer();
    for (const {name, text, type} of files) transfer.items.add(new File([text], name, {type}));
    const at = document.querySelector(target);
    for (const kind of ["dragenter", "dragover", "drop"]) {
        at.dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
    }
}"""


@pytest.fixture(scope="module")
def running(make_stand: MakeStand) -> Stand:
    """A server for all tests here."""
    return make_stand()


@pytest.fixture
def stand(running: Stand) -> Stand:
    """The same, empty."""
    for document in running.json("/api/documents")["documents"]:
        running.server.ask("DELETE", f"/api/documents/{document['id']}")
    assert running.json("/api/documents")["documents"] == []
    return running


def test_an_empty_library_says_how_to_begin(stand: Stand, visit: Visit) -> None:
    """GIVEN no document WHEN the page is opened THEN it says so, and what to do, and what is taken up to which size."""
    reader = visit(stand).open()
    expect(reader.at("#documents-note")).to_contain_text("No documents yet")
    expect(reader.at("#drop-hint")).to_contain_text("up to 210 MB each")


def test_a_chosen_file_is_uploaded_listed_and_opened(stand: Stand, visit: Visit) -> None:
    """GIVEN a PDF WHEN it is chosen THEN its name, pages and size are listed, and a press opens it."""
    content = short_pages(12)
    reader = visit(stand).open()
    reader.upload("Twelve pages.pdf", content, "application/pdf")
    entry = reader.at("#documents li[data-id]")
    expect(entry).to_contain_text("Twelve pages.pdf")
    expect(entry).to_contain_text("12 pages")
    expect(entry).to_contain_text(re.compile(r"PDF"))
    expect(entry).to_contain_text(f"{round(len(content) / 1000)} kB")
    expect(entry.locator(".cache-state")).to_have_attribute("data-state", "missing")
    entry.locator(".open").click()
    expect(reader.at("#title")).to_have_text("Twelve pages.pdf")
    assert reader.page.url.endswith("#/read/" + str(stand.json("/api/documents")["documents"][0]["id"]))
    reader.page.go_back()
    expect(reader.at("#library")).to_be_visible()
    expect(reader.at("#reader")).to_be_hidden()


def test_several_files_are_dropped_at_once(stand: Stand, visit: Visit) -> None:
    """GIVEN a text, a Markdown file and one that is none WHEN they are dropped THEN two are listed, and one is told."""
    reader = visit(stand).open()
    reader.watched.expect_errors("status of 422")
    files = [
        {"name": "one.txt", "text": sentence(1), "type": "text/plain"},
        {"name": "two.md", "text": f"# Two\n\n{sentence(2)}", "type": "text/markdown"},
        {"name": "three.png", "text": "\x89PNG\x00\x00", "type": "image/png"},
    ]
    reader.script(DROP, [files, "#drop"])
    expect(reader.at("#documents li[data-id]")).to_have_count(2)
    expect(reader.at("#uploads li").filter(has_text="three.png")).to_contain_text("cannot be read as a PDF")
    expect(reader.at("#documents")).to_contain_text("Markdown")


def test_the_progress_of_an_upload_is_seen_and_it_can_be_cancelled(stand: Stand, visit: Visit) -> None:
    """GIVEN a slow connection WHEN a file is sent THEN how much of it is said, and cancelled it is not listed."""
    reader = visit(stand).open()
    reader.watched.expect_errors("ERR_")
    session = reader.page.context.new_cdp_session(reader.page)
    slow = {"offline": False, "latency": 10, "downloadThroughput": 1_000_000, "uploadThroughput": 100_000}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", slow)
    reader.upload("large.txt", paragraphs(*map(sentence, range(20_000))))
    upload = reader.at("#uploads li").filter(has_text="large.txt")
    expect(upload).to_contain_text(re.compile(r"[1-9]\d?% of"))
    expect(upload.locator("progress")).to_be_visible()
    reader.press("Cancel the upload of large.txt", upload)
    expect(reader.at("#uploads")).not_to_contain_text(re.compile(r"\d% of"))
    session.detach()
    reader.open()
    expect(reader.at("#documents-note")).to_contain_text("No documents yet")


@pytest.mark.parametrize(
    ("made", "state", "said"), [([1], "partial", "1 of 2 pages"), ([1, 2], "complete", "✓")]
)
def test_what_is_made_of_a_document_is_listed(
    stand: Stand, visit: Visit, made: list[int], state: str, said: str
) -> None:
    """GIVEN a document of which some is made WHEN the library is opened THEN its entry says how much."""
    stand.upload("doc", short_pages(2), "Two.pdf")
    stand.make("doc", made)
    entry = visit(stand).open().at('#documents li[data-id="doc"]')
    expect(entry.locator(".cache-state")).to_have_attribute("data-state", state)
    expect(entry.locator(".cache-state")).to_contain_text(said)


def test_a_document_is_deleted_after_a_question_and_only_then(stand: Stand, visit: Visit) -> None:
    """GIVEN two documents WHEN one is deleted THEN that is asked first; it is gone with its chunks, the other stays."""
    for number, name in enumerate(["First.pdf", "Second.pdf"]):
        stand.upload(f"doc-{number}", short_pages(1 + number), name)
        stand.make(f"doc-{number}")
    reader = visit(stand).open()
    entry = reader.at('#documents li[data-id="doc-0"]')
    entry.locator(".delete").click()
    expect(reader.at("#ask")).to_contain_text("First.pdf")
    reader.press("Keep it", reader.at("#ask"))
    expect(entry).to_be_visible()
    entry.locator(".delete").click()
    reader.press("Delete", reader.at("#ask"))
    expect(entry).to_have_count(0)
    expect(reader.at('#documents li[data-id="doc-1"]')).to_be_visible()
    assert [document["id"] for document in stand.json("/api/documents")["documents"]] == ["doc-1"]
    assert stand.chunk_files("doc-0") == []
    assert stand.chunk_files("doc-1") != []


def test_the_same_file_again_is_the_same_document(stand: Stand, visit: Visit) -> None:
    """GIVEN a document WHEN the same file is chosen again THEN there is one still."""
    reader = visit(stand).open()
    for _ in range(2):
        reader.upload("same.txt", paragraphs(sentence(1)))
        expect(reader.at("#notices, #uploads").filter(has_text="same.txt").first).to_be_visible()
    expect(reader.at("#documents li[data-id]")).to_have_count(1)


def test_what_is_made_is_told_of_the_voice_that_would_be_read(stand: Stand, visit: Visit) -> None:
    """GIVEN chunks in another voice than the server's own WHEN no voice is chosen THEN they are of other settings."""
    stand.upload("doc", paragraphs(sentence(1)), "Doc.txt")
    stand.make("doc", voice="nova")
    entry = visit(stand).open().at('#documents li[data-id="doc"]')
    expect(entry.locator(".cache-state")).to_have_attribute("data-state", "stale")


def test_files_that_are_dropped_while_a_document_is_read_are_told(stand: Stand, visit: Visit) -> None:
    """GIVEN a document that is read WHEN files are dropped THEN what becomes of each is told, with a way to it."""
    stand.upload("doc", paragraphs(sentence(1)), "Doc.txt")
    reader = visit(stand).read("doc")
    on_its_way: list[Route] = []

    def hold(route: Route) -> None:
        on_its_way.append(route)

    reader.page.route("**/api/documents?*", hold)
    reader.script(DROP, [[{"name": "good.txt", "text": sentence(2), "type": "text/plain"}], "#text"])
    infos, errors = reader.at("#notices [data-kind=info]"), reader.at("#notices [data-kind=error]")
    expect(infos).to_contain_text(re.compile("Sending .*good.txt.* to the library"))
    while not on_its_way:
        reader.page.wait_for_timeout(10)
    on_its_way[0].continue_()
    expect(infos).to_contain_text(re.compile("good.txt.* was added"))
    reader.script(DROP, [[{"name": "none.txt", "text": "", "type": "text/plain"}], "#text"])
    expect(errors).to_contain_text(re.compile("none.txt.* was not added. The file is empty"))
    reader.press("Go to the library", errors)
    expect(reader.at("#uploads li")).to_contain_text("none.txt")
    expect(reader.at("#notices")).not_to_contain_text("Sending")
