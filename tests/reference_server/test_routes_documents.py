"""The document routes: upload, list, look, remove, blocks."""

import hashlib

import pytest
from starlette.testclient import TestClient

from reference_server.blocks import MAX_BLOCK_CHARS, text_hash

ROOT = "/api/documents"


def test_an_upload_is_created_once(client: TestClient, three_pages: bytes) -> None:
    """The first upload is 201, the same bytes again 200, both with the same object."""
    first = client.put(f"{ROOT}/doc", content=three_pages)
    again = client.put(f"{ROOT}/doc", content=three_pages)
    assert (first.status_code, again.status_code) == (201, 200)
    sha256 = hashlib.sha256(three_pages).hexdigest()
    expected = {"id": "doc", "pages": 3, "sha256": sha256, "sizeBytes": len(three_pages)}
    assert first.json() == again.json() == client.get(f"{ROOT}/doc").json() == expected
    assert client.get(ROOT).json() == {"documents": [expected]}


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
        ("GET", "/doc/pages/0/blocks", 404, "NO_PAGE"),
        ("GET", "/doc/pages/4/blocks", 404, "NO_PAGE"),
        ("GET", "/doc/pages/one/blocks", 404, "NOT_FOUND"),
        ("GET", "/.hidden", 400, "BAD_ID"),
        ("PUT", "/.hidden", 400, "BAD_ID"),
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


@pytest.mark.parametrize(("body", "code"), [(b"plain", "NOT_A_PDF"), (b"", "NOT_A_PDF")])
def test_what_is_no_pdf_is_422(client: TestClient, body: bytes, code: str) -> None:
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
