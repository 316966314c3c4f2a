"""The document routes: upload, list, look, remove, blocks."""

import hashlib
import re
from collections.abc import Callable
from typing import cast

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from reference_server.blocks import MAX_BLOCK_CHARS, text_hash
from reference_server.settings import Settings

ROOT = "/api/documents"


def test_an_upload_is_created_once(client: TestClient, three_pages: bytes) -> None:
    """The first upload is 201, the same bytes again 200, both with the same object."""
    first = client.put(f"{ROOT}/doc", content=three_pages)
    again = client.put(f"{ROOT}/doc", content=three_pages)
    assert (first.status_code, again.status_code) == (201, 200)
    sha256 = hashlib.sha256(three_pages).hexdigest()
    document = first.json()
    assert document == again.json() == client.get(f"{ROOT}/doc").json()
    assert client.get(ROOT).json() == {"documents": [document]}
    fields = ["id", "name", "kind", "pages", "blocks", "characters", "sha256", "sizeBytes", "uploadedAt"]
    assert list(document) == fields
    assert (document["id"], document["name"], document["kind"]) == ("doc", None, "pdf")
    assert (document["pages"], document["blocks"]) == (3, 5)
    assert (document["sha256"], document["sizeBytes"]) == (sha256, len(three_pages))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", document["uploadedAt"])


def test_a_post_is_stored_under_its_hash(client: TestClient, three_pages: bytes) -> None:
    """GIVEN a body without an id WHEN it is posted twice THEN its SHA-256 is the id, 201 and then 200."""
    sha256 = hashlib.sha256(three_pages).hexdigest()
    answers = [client.post(f"{ROOT}?name=Three%20pages.pdf", content=three_pages) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert {answer.json()["id"] for answer in answers} == {sha256}
    assert client.get(f"{ROOT}/{sha256}").json()["name"] == "Three pages.pdf"
    assert client.put(f"{ROOT}/{sha256}", content=three_pages).status_code == 200


def test_a_hash_that_is_not_the_body_s_is_refused(client: TestClient, three_pages: bytes) -> None:
    """GIVEN another document's hash as id WHEN it is put THEN it is 422 and not stored."""
    answer = client.put(f"{ROOT}/{'a' * 64}", content=three_pages)
    assert (answer.status_code, answer.json()["code"]) == (422, "WRONG_SHA256")
    assert client.get(ROOT).json() == {"documents": []}


@pytest.mark.parametrize(
    ("query", "media_type", "kind"),
    [
        ("", "text/markdown", "markdown"),
        ("", "Text/Markdown; charset=utf-8", "markdown"),
        ("?name=a.md", "application/octet-stream", "markdown"),
        ("?name=a.Markdown", "text/plain", "markdown"),
        ("?name=a.txt", "text/markdown", "markdown"),
        ("?name=a.txt", "text/plain", "text"),
        ("", "application/pdf", "text"),
    ],
)
def test_markdown_is_told_by_name_or_type(client: TestClient, query: str, media_type: str, kind: str) -> None:
    """GIVEN a text WHEN its name or type says Markdown THEN it is; else it is a text, whatever is claimed."""
    answer = client.put(f"{ROOT}/doc{query}", content=b"# One", headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["kind"]) == (201, kind)


def test_an_epub_is_taken(client: TestClient, epub: Callable[..., bytes]) -> None:
    """GIVEN an EPUB WHEN it is put THEN its spine is its pages."""
    document = client.put(f"{ROOT}/doc", content=epub("<p>One.</p><p>Two.</p>", "<p>Three.</p>")).json()
    assert (document["kind"], document["pages"], document["blocks"]) == ("epub", 2, 3)


@pytest.mark.parametrize("length", [0, 1, 200, 201])
def test_a_name_has_1_to_200_characters(client: TestClient, length: int) -> None:
    """GIVEN a name WHEN it is empty or longer than 200 THEN it is 400."""
    answer = client.put(f"{ROOT}/doc", params={"name": "é" * length}, content=b"Text.")
    assert answer.status_code == (201 if 1 <= length <= 200 else 400)


def test_the_pages_have_their_sizes(client: TestClient, three_pages: bytes) -> None:
    """GIVEN a document WHEN its pages are asked for THEN each has its blocks and characters, and it is open."""
    client.put(f"{ROOT}/doc", content=three_pages)
    answer = client.get(f"{ROOT}/doc/pages").json()
    assert answer["documentId"] == "doc"
    for page in answer["pages"]:
        blocks = client.get(f"{ROOT}/doc/pages/{page['page']}/blocks").json()["blocks"]
        assert page["blocks"] == len(blocks)
        assert page["characters"] == sum(len(block["text"]) for block in blocks)
    assert [page["page"] for page in answer["pages"]] == [1, 2, 3]


@pytest.mark.parametrize("path", ["/pages", "/pages/1/blocks"])
def test_a_document_that_is_looked_at_is_open(client: TestClient, three_pages: bytes, path: str) -> None:
    """GIVEN a document WHEN its pages or blocks are read THEN it is open; one that is not there never is."""
    is_open = cast("Starlette", client.app).state.open_documents.is_open
    client.put(f"{ROOT}/doc", content=three_pages)
    assert not is_open("doc")
    assert client.get(f"{ROOT}/doc{path}").status_code == 200
    assert is_open("doc")
    assert client.get(f"{ROOT}/unknown{path}").status_code == 404
    assert not is_open("unknown")


def test_a_damaged_document_is_one_clear_refusal(
    client: TestClient, settings: Settings, three_pages: bytes
) -> None:
    """GIVEN one damaged document WHEN it is asked for THEN 500 with the way out; the others are listed."""
    for name in ("bad", "good"):
        client.put(f"{ROOT}/{name}", content=three_pages)
    (settings.docstore_dir / "documents" / "bad" / "document.json").write_bytes(b"{")
    answer = client.get(f"{ROOT}/bad")
    assert (answer.status_code, answer.json()["code"]) == (500, "DOCUMENT_DAMAGED")
    assert [document["id"] for document in client.get(ROOT).json()["documents"]] == ["good"]
    assert client.delete(f"{ROOT}/bad").status_code == 200
    assert client.get(f"{ROOT}/bad").status_code == 404


def test_blocks_of_a_page(client: TestClient, three_pages: bytes) -> None:
    """A page's blocks come with their index and the hash of exactly the text that is shown."""
    client.put(f"{ROOT}/doc", content=three_pages)
    answer = client.get(f"{ROOT}/doc/pages/1/blocks").json()
    assert (answer["documentId"], answer["page"]) == ("doc", 1)
    assert [block["blockIndex"] for block in answer["blocks"]] == [0, 1]
    assert all(block["textHash"] == text_hash(block["text"]) for block in answer["blocks"])
    assert all(len(block["text"]) <= MAX_BLOCK_CHARS for block in answer["blocks"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/unknown", 404, "NO_DOCUMENT"),
        ("DELETE", "/unknown", 404, "NO_DOCUMENT"),
        ("GET", "/unknown/pages/1/blocks", 404, "NO_DOCUMENT"),
        ("GET", "/unknown/pages", 404, "NO_DOCUMENT"),
        ("GET", "/.hidden/pages", 400, "BAD_ID"),
        ("GET", "/doc/pages/0/blocks", 404, "NO_PAGE"),
        ("GET", "/doc/pages/4/blocks", 404, "NO_PAGE"),
        ("GET", "/doc/pages/one/blocks", 400, "BAD_REQUEST"),
        ("GET", "/.hidden", 400, "BAD_ID"),
        ("PUT", "/.hidden", 400, "BAD_ID"),
        ("DELETE", "/.hidden", 400, "BAD_ID"),
        ("PUT", "/%2e%2e%2fdoc", 404, "NOT_FOUND"),
        ("POST", "/doc", 405, "METHOD_NOT_ALLOWED"),
    ],
)
def test_refusals_have_a_code(
    client: TestClient, three_pages: bytes, method: str, path: str, status: int, code: str
) -> None:
    """Every refusal is JSON with a code and a message."""
    client.put(f"{ROOT}/doc", content=three_pages)
    answer = client.request(method, ROOT + path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "code"), [(b"%PDF-1.7 x", "NOT_A_DOCUMENT"), (bytes(9), "NOT_A_DOCUMENT"), (b"", "NO_TEXT")]
)
def test_what_cannot_be_read_is_422(client: TestClient, body: bytes, code: str) -> None:
    """The reader is told what was wrong, and no document is there."""
    answer = client.put(f"{ROOT}/doc", content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert client.get(f"{ROOT}/doc").status_code == 404


def test_too_large_a_body_is_refused_by_what_it_declares_and_by_what_comes(client: TestClient) -> None:
    """A Content-Length over the limit is refused at once, an undeclared body when it passes the limit."""
    declared = client.put(f"{ROOT}/doc", content=bytes(200_001))
    undeclared = client.put(f"{ROOT}/doc", content=(bytes(50_000) for _ in range(5)))
    assert "content-length" not in undeclared.request.headers
    for answer in (declared, undeclared):
        assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


def test_deleting_again_takes_the_chunks_that_a_kill_left(client: TestClient, three_pages: bytes) -> None:
    """GIVEN a removal that was killed after the document had gone WHEN it is asked for again THEN the chunks go."""
    client.put(f"{ROOT}/doc", content=three_pages)
    client.post("/api/tts/preprocess", json={"documentId": "doc"}, headers={"Accept": "text/event-stream"})
    state = cast("Starlette", client.app).state
    state.documents.delete("doc")
    assert state.store.stats().documents == 1
    assert client.delete(f"{ROOT}/doc").json()["code"] == "NO_DOCUMENT"
    assert state.store.stats().documents == 0


def test_deleting_a_document_takes_its_chunks(client: TestClient, three_pages: bytes) -> None:
    """After the removal neither document nor chunks are there, and the same id starts afresh."""
    client.put(f"{ROOT}/doc", content=three_pages)
    headers = {"Accept": "text/event-stream"}
    client.post("/api/tts/preprocess", json={"documentId": "doc"}, headers=headers)
    assert client.get("/api/tts/preprocess/status?documentId=doc").json()["state"] == "complete"
    assert client.delete(f"{ROOT}/doc").json() == {"id": "doc", "deleted": True}
    assert client.get(f"{ROOT}/doc").status_code == 404
    client.put(f"{ROOT}/doc", content=three_pages)
    assert client.get("/api/tts/preprocess/status?documentId=doc").json()["state"] == "missing"
