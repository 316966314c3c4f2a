"""Documents are stored whole or not at all, and nothing leaves their folder."""

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reference_server import documents as documents_module
from reference_server import durable
from reference_server.document import Document
from reference_server.documents import Documents
from reference_server.errors import ApiError
from reference_server.extraction import Extraction
from reference_server.settings import Settings


def _open(root: Path, max_bytes: int = 100_000) -> Documents:
    return Documents(root, Settings(max_document_bytes=max_bytes))


async def _stream(body: bytes, part: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(body), part):
        yield body[at : at + part]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def documents(tmp_path: Path) -> Documents:
    """An empty store of documents."""
    return _open(tmp_path / "documents")


def _texts(documents: Documents, document: Document) -> list[str]:
    return [block.text for block in documents.outline(document).blocks]


def test_a_document_is_stored_in_three_files(
    documents: Documents, tmp_path: Path, three_pages: bytes
) -> None:
    """The file as it came, its blocks and what is known of it; nothing else."""
    document, is_new = asyncio.run(documents.put("doc", _stream(three_pages), name="Three.pdf"))
    assert is_new
    assert (document.id, document.name, document.size_bytes) == ("doc", "Three.pdf", len(three_pages))
    assert (document.cut.kind, document.cut.pages, document.cut.blocks) == ("pdf", 3, 5)
    assert document.cut.characters == sum(map(len, _texts(documents, document)))
    assert document.sha256 == hashlib.sha256(three_pages).hexdigest()
    age = datetime.now(UTC) - datetime.fromisoformat(document.uploaded_at)
    assert document.uploaded_at.endswith("Z")
    assert timedelta(0) <= age < timedelta(minutes=5)
    folder = tmp_path / "documents" / "doc"
    assert _names(folder) == sorted([document.version, "document.json"])
    assert _names(folder / document.version) == ["pages.bin", "source"]
    assert (folder / document.version / "source").read_bytes() == three_pages
    assert _names(tmp_path / "documents") == ["doc"]
    assert documents.get("doc") == document


def test_the_same_bytes_again_are_no_work(
    documents: Documents, tmp_path: Path, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second upload starts no process and leaves the files alone."""
    first, _ = asyncio.run(documents.put("doc", _stream(three_pages)))
    before = (tmp_path / "documents" / "doc" / "document.json").stat()
    monkeypatch.setattr(Extraction, "run", None)
    assert asyncio.run(documents.put("doc", _stream(three_pages))) == (first, False)
    assert (tmp_path / "documents" / "doc" / "document.json").stat().st_ino == before.st_ino


def test_a_new_name_is_taken(
    documents: Documents, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a stored document WHEN its bytes come with another name THEN only the name changes."""
    first, _ = asyncio.run(documents.put("doc", _stream(three_pages), name="a.pdf"))
    monkeypatch.setattr(Extraction, "run", None)
    renamed = asyncio.run(documents.put("doc", _stream(three_pages), name="b.pdf"))
    assert renamed == (replace(first, name="b.pdf"), False)
    assert asyncio.run(documents.put("doc", _stream(three_pages))) == renamed
    assert documents.get("doc") == renamed[0]


def test_another_splitter_cuts_the_same_bytes_again(
    documents: Documents, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a document of older rules WHEN it is uploaded again THEN it is cut again; until then it stays."""
    first, _ = asyncio.run(documents.put("doc", _stream(three_pages)))
    monkeypatch.setattr(documents_module, "CUT_VERSION", first.cut_version + 1)
    assert documents.get("doc") == first
    again, is_new = asyncio.run(documents.put("doc", _stream(three_pages)))
    assert is_new
    assert again.version != first.version


def test_a_text_becomes_markdown_by_its_name(documents: Documents) -> None:
    """GIVEN a text WHEN its bytes come again under a Markdown name THEN it is cut again, and so back."""
    body = b"# Title\n\nText."
    text, _ = asyncio.run(documents.put("doc", _stream(body), name="notes.txt"))
    assert (text.cut.kind, _texts(documents, text)) == ("text", ["# Title", "Text."])
    markdown, is_new = asyncio.run(documents.put("doc", _stream(body), name="Notes.MD"))
    assert (is_new, markdown.cut.kind, _texts(documents, markdown)) == (True, "markdown", ["Title", "Text."])
    assert asyncio.run(documents.put("doc", _stream(body))) == (markdown, False)
    assert asyncio.run(documents.put("doc", _stream(body), name="notes.txt"))[0].cut.kind == "text"
    assert asyncio.run(documents.put("doc", _stream(body), is_markdown=True))[0].cut.kind == "markdown"


def test_without_an_id_the_sha256_is_it(documents: Documents, three_pages: bytes) -> None:
    """GIVEN a body without an id WHEN it is stored THEN its id is its hash, and twice is once."""
    document, _ = asyncio.run(documents.put(None, _stream(three_pages)))
    assert document.id == document.sha256 == hashlib.sha256(three_pages).hexdigest()
    assert asyncio.run(documents.put(None, _stream(three_pages))) == (document, False)
    assert asyncio.run(documents.put(document.id, _stream(three_pages))) == (document, False)


@pytest.mark.parametrize("upper", [False, True])
def test_a_hash_that_is_not_the_body_s_is_refused(
    documents: Documents,
    tmp_path: Path,
    three_pages: bytes,
    upper: bool,  # noqa: FBT001
) -> None:
    """GIVEN an id of 64 hex digits WHEN it is not the body's hash, letter by letter THEN nothing is stored."""
    sha256 = hashlib.sha256(three_pages).hexdigest()
    wrong = sha256.upper() if upper else "0" * 64
    with pytest.raises(ApiError, match=sha256) as caught:
        asyncio.run(documents.put(wrong, _stream(three_pages)))
    assert (caught.value.status, caught.value.code) == (422, "WRONG_SHA256")
    assert _names(tmp_path / "documents") == []


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
    documents = _open(tmp_path / "documents", len(three_pages) - size)
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


@pytest.mark.parametrize(("lines", "code"), [(None, "NOT_A_DOCUMENT"), ([], "NO_TEXT")])
def test_what_cannot_be_read_aloud_is_refused(
    documents: Documents, tmp_path: Path, pdf: Callable[..., bytes], lines: list[str] | None, code: str
) -> None:
    """Neither a file of another kind nor a scan is stored, and the message is one line for the user."""
    body = b"GIF89a\x00\x01" if lines is None else pdf(lines)
    with pytest.raises(ApiError) as caught:
        asyncio.run(documents.put("doc", _stream(body)))
    assert (caught.value.status, caught.value.code) == (422, code)
    assert "\n" not in caught.value.message
    assert not caught.value.message.startswith(code)
    assert _names(tmp_path / "documents") == []


def test_a_document_that_was_replaced_gives_the_new_one_s_blocks(
    documents: Documents, three_pages: bytes, pdf: Callable[..., bytes]
) -> None:
    """GIVEN a document looked up before it was replaced WHEN its blocks are read THEN they are the new one's."""
    old, _ = asyncio.run(documents.put("doc", _stream(three_pages)))
    before = documents.outline(old)
    asyncio.run(documents.put("doc", _stream(pdf(["Other."]))))
    assert _texts(documents, old) == ["Other."]
    assert before.page(2)[0].text == "Short page."
    documents.delete("doc")
    with pytest.raises(ApiError) as caught:
        documents.outline(old)
    assert (caught.value.status, caught.value.code) == (404, "NO_DOCUMENT")


def test_there_is_a_document_at_every_moment_of_a_replacement(
    documents: Documents, three_pages: bytes, pdf: Callable[..., bytes]
) -> None:
    """GIVEN readers WHEN a document is replaced again and again THEN every look finds a whole one."""
    bodies = [three_pages, pdf(["Other."])]
    asyncio.run(documents.put("doc", _stream(bodies[1])))
    seen: list[int] = []
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.append(len(_texts(documents, documents.get("doc"))))

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(read)
        try:
            for at in range(6):
                asyncio.run(documents.put("doc", _stream(bodies[at % 2])))
        finally:
            ended.set()
        reading.result()
    assert set(seen) == {5, 1}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"7", b"{}", b"[" * 100_000, b"\xff", None],
    ids=["empty", "half", "list", "null", "number", "no fields", "deep", "no UTF-8", "another's"],
)
def test_a_damaged_document_json_makes_one_document_unreadable(
    documents: Documents, tmp_path: Path, three_pages: bytes, content: bytes | None
) -> None:
    """GIVEN damage WHEN the store is opened THEN the others are listed, and this one is told and can be replaced."""
    root = tmp_path / "documents"
    for name in ("bad", "good"):
        asyncio.run(documents.put(name, _stream(three_pages)))
    path = root / "bad" / "document.json"
    path.write_bytes((root / "good" / "document.json").read_bytes() if content is None else content)
    reopened = _open(root)
    assert [document.id for document in reopened.listing()] == ["good"]
    with pytest.raises(ApiError, match=r"'bad'.*upload it again") as caught:
        reopened.get("bad")
    assert (caught.value.status, caught.value.code) == (500, "DOCUMENT_DAMAGED")
    assert asyncio.run(reopened.put("bad", _stream(three_pages)))[1]
    assert len(_texts(reopened, reopened.get("bad"))) == 5
    path.write_bytes(b"")
    reopened.delete("bad")
    assert _names(root) == ["good"]


@pytest.mark.parametrize(
    "field", ["id", "kind", "pages", "sha256", "version", "uploadedAt", "cutVersion", "name"]
)
def test_every_field_of_document_json_is_checked(
    documents: Documents, tmp_path: Path, three_pages: bytes, field: str
) -> None:
    """GIVEN a field of another type WHEN the document is looked up THEN it is damaged, and no path is made of it."""
    asyncio.run(documents.put("doc", _stream(three_pages)))
    path = tmp_path / "documents" / "doc" / "document.json"
    fields = json.loads(path.read_bytes())
    wrongs: list[object] = [[], True, ".." if field != "name" else 3]
    for wrong in wrongs:
        if field in {"sha256", "uploadedAt"} and wrong == "..":
            continue
        path.write_text(json.dumps({**fields, field: wrong}), "utf-8")
        with pytest.raises(ApiError) as caught:
            documents.get("doc")
        assert caught.value.code == "DOCUMENT_DAMAGED"


@pytest.mark.parametrize("is_gone", [False, True])
def test_damaged_pages_are_told_and_can_be_replaced(
    documents: Documents,
    tmp_path: Path,
    three_pages: bytes,
    is_gone: bool,  # noqa: FBT001
) -> None:
    """GIVEN a damaged or lost pages file WHEN the same bytes come again THEN they are not taken as known."""
    document, _ = asyncio.run(documents.put("doc", _stream(three_pages)))
    path = tmp_path / "documents" / "doc" / document.version / "pages.bin"
    if is_gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes().replace(b"Short", b"Shirt"))
    with pytest.raises(ApiError) as caught:
        _texts(documents, document)
    assert (caught.value.status, caught.value.code) == (500, "DOCUMENT_DAMAGED")
    again, is_new = asyncio.run(documents.put("doc", _stream(three_pages)))
    assert is_new
    assert "Short page." in _texts(documents, again)


def test_a_folder_that_is_none_of_ours_is_left_alone(tmp_path: Path, three_pages: bytes) -> None:
    """GIVEN foreign files and folders WHEN the store is opened THEN they are neither listed nor removed."""
    root = tmp_path / "documents"
    asyncio.run(_open(root).put("doc", _stream(three_pages)))
    for name in ("foreign", ".foreign"):
        (root / name).mkdir()
    (root / "foreign" / "file").write_text("mine")
    (root / "notes").write_text("mine")
    (root / "doc" / "notes").write_text("mine")
    reopened = _open(root)
    assert [document.id for document in reopened.listing()] == ["doc"]
    assert _names(root) == [".foreign", "doc", "foreign", "notes"]
    assert "notes" in _names(root / "doc")
    with pytest.raises(ApiError) as caught:
        reopened.get("notes")
    assert caught.value.code == "NO_DOCUMENT"


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
    assert documents.get(longest).cut.pages == 1


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


def test_opening_sweeps_away_what_a_kill_left(tmp_path: Path, three_pages: bytes) -> None:
    """GIVEN kills in an upload, a removal and both sides of a replacement WHEN opened THEN only documents stay."""
    root = tmp_path / "documents"
    document, _ = asyncio.run(_open(root).put("doc", _stream(three_pages)))
    (root / ".upload-1").mkdir()
    (root / ".doomed-1").mkdir()
    (root / "doc" / "0123456789abcdef").mkdir()
    (root / "doc" / ".aside-1").touch()
    reopened = _open(root)
    assert reopened.get("doc") == document
    assert _names(root) == ["doc"]
    assert _names(root / "doc") == sorted([document.version, "document.json"])


@pytest.mark.parametrize("failing", ["sync", "put_in_place", "write_whole"])
def test_a_disk_that_fails_leaves_the_old_document(
    documents: Documents,
    tmp_path: Path,
    three_pages: bytes,
    pdf: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
    failing: str,
) -> None:
    """GIVEN a full disk at any step of the placing WHEN a document is uploaded THEN the old one is whole."""
    root = tmp_path / "documents"
    document, _ = asyncio.run(documents.put("doc", _stream(three_pages)))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(documents_module, failing, full)
        for name in ("doc", "new"):
            if (failing, name) != ("put_in_place", "doc"):  # which only a new folder needs
                with pytest.raises(OSError, match="No space"):
                    asyncio.run(documents.put(name, _stream(pdf(["Other."]))))
    assert _names(root) == ["doc"]
    assert _names(root / "doc") == sorted([document.version, "document.json"])
    assert _open(root).get("doc") == document
    assert len(_texts(documents, document)) == 5


def test_a_disk_that_fails_after_the_replacement_leaves_the_new_document(
    documents: Documents,
    tmp_path: Path,
    three_pages: bytes,
    pdf: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GIVEN a new document.json in place WHEN its folder cannot be synced THEN the files it names are there."""
    asyncio.run(documents.put("doc", _stream(three_pages)))

    def failing(_folder: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "sync", failing)
        with pytest.raises(OSError, match="Input/output"):
            asyncio.run(documents.put("doc", _stream(pdf(["Other."]))))
    assert _texts(documents, documents.get("doc")) == ["Other."]
    reopened = _open(tmp_path / "documents")
    assert _names(tmp_path / "documents" / "doc") == sorted([reopened.get("doc").version, "document.json"])


def test_an_upload_that_is_broken_off_at_once_leaves_nothing(
    documents: Documents, tmp_path: Path, three_pages: bytes
) -> None:
    """GIVEN a server that ends WHEN an upload is cancelled while its folder is made THEN the folder goes."""

    async def broken_off() -> None:
        upload = asyncio.create_task(documents.put("doc", _stream(three_pages)))
        await asyncio.sleep(0)  # it now waits for its folder
        upload.cancel()
        await asyncio.wait([upload])
        assert upload.cancelled()

    asyncio.run(broken_off())
    assert _names(tmp_path / "documents") == []


def test_two_new_names_at_once_are_both_taken(
    documents: Documents, three_pages: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN two that find a document under its old name WHEN each renames it THEN each is told its own name."""
    asyncio.run(documents.put("doc", _stream(three_pages), name="a.pdf"))
    readable, both, firsts = documents._readable, threading.Barrier(2), iter([1, 2])

    def wait_for_both(document_id: str) -> Document | None:
        found = readable(document_id)
        if next(firsts, None):
            both.wait(timeout=60)
        return found

    monkeypatch.setattr(documents, "_readable", wait_for_both)

    async def rename() -> list[str | None]:
        puts = (documents.put("doc", _stream(three_pages), name=name) for name in ("b.pdf", "c.pdf"))
        return [document.name for document, _ in await asyncio.gather(*puts)]

    assert asyncio.run(rename()) == ["b.pdf", "c.pdf"]
    assert documents.get("doc").name in {"b.pdf", "c.pdf"}
