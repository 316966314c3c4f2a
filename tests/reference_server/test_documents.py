"""Documents are stored whole or not at all, and nothing leaves their folder."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from reference_server.documents import Documents, _refusal
from reference_server.errors import ApiError


async def _stream(body: bytes, part: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(body), part):
        yield body[at : at + part]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    """An empty store of documents."""
    return Documents(tmp_path / "documents", 100_000)


def test_a_document_is_stored_in_three_files(
    documents: Documents, tmp_path: Path, three_pages: bytes
) -> None:
    """The PDF as it came, its pages' texts and what is known of it; nothing else."""
    document, changed = asyncio.run(documents.put("doc", _stream(three_pages)))
    assert changed
    assert (document.id, document.pages, document.size_bytes) == ("doc", 3, len(three_pages))
    assert document.sha256 == hashlib.sha256(three_pages).hexdigest()
    folder = tmp_path / "documents" / "doc"
    assert _names(folder) == ["document.json", "pages.json", "source.pdf"]
    assert (folder / "source.pdf").read_bytes() == three_pages
    assert len(json.loads((folder / "pages.json").read_text("utf-8"))) == 3
    assert _names(tmp_path / "documents") == ["doc"]


def test_the_same_bytes_again_are_no_work(
    documents: Documents, tmp_path: Path, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second upload starts no process and leaves the files alone."""
    first, _ = asyncio.run(documents.put("doc", _stream(three_pages)))
    before = (tmp_path / "documents" / "doc").stat()
    monkeypatch.setattr(asyncio, "create_subprocess_exec", None)
    assert asyncio.run(documents.put("doc", _stream(three_pages))) == (first, False)
    assert (tmp_path / "documents" / "doc").stat().st_ino == before.st_ino


def test_other_bytes_take_the_place_of_the_old(
    documents: Documents, tmp_path: Path, three_pages: bytes, pdf: Callable[..., bytes]
) -> None:
    """After a second upload the pages and blocks are those of the new document."""
    old, _ = asyncio.run(documents.put("doc", _stream(three_pages)))
    assert documents.outline(old).page(2)[0].text == "Short page."
    new, changed = asyncio.run(documents.put("doc", _stream(pdf(["New text."]))))
    assert changed
    assert documents.get("doc") == new
    assert [block.text for block in documents.outline(new).blocks] == ["New text."]
    assert _names(tmp_path / "documents") == ["doc"]


@pytest.mark.parametrize(("size", "passes"), [(0, True), (1, False)])
def test_the_size_limit_is_exact(tmp_path: Path, three_pages: bytes, size: int, passes: bool) -> None:  # noqa: FBT001
    """A document of exactly the limit passes, one byte more is 413 and leaves nothing."""
    documents = Documents(tmp_path / "documents", len(three_pages) - size)
    if passes:
        assert asyncio.run(documents.put("doc", _stream(three_pages)))[1]
        return
    with pytest.raises(ApiError) as caught:
        asyncio.run(documents.put("doc", _stream(three_pages)))
    assert (caught.value.status, caught.value.code) == (413, "TOO_LARGE")
    assert _names(tmp_path / "documents") == []


def test_a_broken_upload_leaves_the_old_document(
    documents: Documents, tmp_path: Path, three_pages: bytes
) -> None:
    """A client that leaves in the middle of an upload leaves the document that was there, and no debris."""

    async def leaving() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7"
        raise ConnectionResetError

    document, _ = asyncio.run(documents.put("doc", _stream(three_pages)))
    with pytest.raises(ConnectionResetError):
        asyncio.run(documents.put("doc", leaving()))
    assert documents.get("doc") == document
    assert _names(tmp_path / "documents") == ["doc"]


@pytest.mark.parametrize(("lines", "code"), [(None, "NOT_A_PDF"), ([], "NO_TEXT")])
def test_what_cannot_be_read_aloud_is_refused(
    documents: Documents, tmp_path: Path, pdf: Callable[..., bytes], lines: list[str] | None, code: str
) -> None:
    """Neither a file of another kind nor a scan is stored, and the message is one line for the user."""
    body = b"GIF89a" if lines is None else pdf(lines)
    with pytest.raises(ApiError) as caught:
        asyncio.run(documents.put("doc", _stream(body)))
    assert (caught.value.status, caught.value.code) == (422, code)
    assert "\n" not in caught.value.message
    assert not caught.value.message.startswith(code)
    assert _names(tmp_path / "documents") == []


def test_a_file_that_kills_its_reader_is_refused(
    documents: Documents, tmp_path: Path, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document whose reader process dies without a word is refused, and the server lives."""
    monkeypatch.setattr("reference_server.documents.sys.executable", "/bin/false")
    with pytest.raises(ApiError, match="exit code 1") as caught:
        asyncio.run(documents.put("doc", _stream(three_pages)))
    assert (caught.value.status, caught.value.code) == (422, "NOT_A_PDF")
    assert _names(tmp_path / "documents") == []


@pytest.mark.parametrize(
    ("return_code", "complaint", "status", "code"),
    [
        (1, b"a warning of a library\nNO_TEXT None has text.\n", 422, "NO_TEXT"),
        (1, b"NOT_A_PDF Damaged.\na last word of a library\n", 422, "NOT_A_PDF"),
        (3, b"", 422, "NOT_A_PDF"),
        (-9, b"NO_TEXT None.", 503, "READER_KILLED"),
        (-15, b"", 503, "READER_KILLED"),
    ],
)
def test_the_reader_s_end_is_told_as_what_it_was(
    return_code: int, complaint: bytes, status: int, code: str
) -> None:
    """A reader that was killed says nothing about the file; else its own line counts, wherever it stands."""
    refusal = _refusal(return_code, complaint)
    assert (refusal.status, refusal.code) == (status, code)
    assert "\n" not in refusal.message
    if return_code < 0:
        assert "The document's reader was killed by SIG" in refusal.message


def test_an_outline_is_not_taken_from_another_document(
    documents: Documents, three_pages: bytes, pdf: Callable[..., bytes]
) -> None:
    """A document that was replaced or removed since it was looked up gives no outline, and none is kept."""
    old, _ = asyncio.run(documents.put("doc", _stream(three_pages)))
    asyncio.run(documents.put("doc", _stream(pdf(["Other."]))))
    with pytest.raises(ApiError) as caught:
        documents.outline(old)
    assert (caught.value.status, caught.value.code) == (409, "DOCUMENT_CHANGED")
    documents.delete("doc")
    with pytest.raises(ApiError) as caught:
        documents.outline(old)
    assert (caught.value.status, caught.value.code) == (404, "NO_DOCUMENT")
    assert len(documents._outlines) == 0


@pytest.mark.parametrize(
    "document_id",
    [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "../doc",
        "a\\b",
        "a b",
        "doc\n",
        "é",
        "-a",
        "a" * 129,
        "a\x00b",
        "%2e",
    ],
)
def test_no_other_id_becomes_a_path(documents: Documents, tmp_path: Path, document_id: str) -> None:
    """Reading, writing and deleting refuse an id outside the pattern before they touch the disk."""
    for attempt in (
        lambda: documents.get(document_id),
        lambda: documents.delete(document_id),
        lambda: asyncio.run(documents.put(document_id, _stream(b"x"))),
    ):
        with pytest.raises(ApiError) as caught:
            attempt()
        assert (caught.value.status, caught.value.code) == (400, "BAD_ID")
    assert _names(tmp_path / "documents") == []


def test_the_longest_id_works(documents: Documents, three_pages: bytes, pdf: Callable[..., bytes]) -> None:
    """128 characters fit, also while a document is replaced."""
    longest = "A" + "z.9_-" * 25 + "zz"
    assert len(longest) == 128
    asyncio.run(documents.put(longest, _stream(three_pages)))
    asyncio.run(documents.put(longest, _stream(pdf(["Other."]))))
    assert documents.get(longest).pages == 1


def test_documents_are_listed_and_deleted(documents: Documents, three_pages: bytes) -> None:
    """The list is sorted by id; what is deleted is unknown from then on."""
    for name in ("b", "a"):
        asyncio.run(documents.put(name, _stream(three_pages)))
    assert [document.id for document in documents.listing()] == ["a", "b"]
    documents.delete("a")
    assert [document.id for document in documents.listing()] == ["b"]
    with pytest.raises(ApiError) as caught:
        documents.get("a")
    assert (caught.value.status, caught.value.code) == (404, "NO_DOCUMENT")


def test_opening_undoes_what_a_kill_left(tmp_path: Path, three_pages: bytes) -> None:
    """Killed between the going of the old document and the coming of the new, opening brings the old back."""
    root = tmp_path / "documents"
    document, _ = asyncio.run(Documents(root, 100_000).put("doc", _stream(three_pages)))
    (root / "doc").rename(root / ".replaced-doc")
    (root / ".upload-doc-1").mkdir()
    reopened = Documents(root, 100_000)
    assert reopened.get("doc") == document
    assert _names(root) == ["doc"]


def test_opening_drops_an_old_document_that_was_replaced(tmp_path: Path, three_pages: bytes) -> None:
    """GIVEN a kill after the new document came WHEN the store is opened THEN the new one stays."""
    root = tmp_path / "documents"
    document, _ = asyncio.run(Documents(root, 100_000).put("doc", _stream(three_pages)))
    (root / ".replaced-doc").mkdir()
    assert Documents(root, 100_000).get("doc") == document
    assert _names(root) == ["doc"]


def test_outlines_are_kept_within_their_bound(
    documents: Documents, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same outline is not made twice, and one that is larger than the bound is made but not kept."""
    document, _ = asyncio.run(documents.put("doc", _stream(three_pages)))
    assert documents.outline(document) is documents.outline(document)
    monkeypatch.setattr("reference_server.documents._KEPT_CHARS", 10)
    documents._outlines.clear()
    assert documents.outline(document) is not documents.outline(document)
