"""Documents on disk: uploaded whole or not at all, their pages cut into blocks when asked for."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

from cachetools import LRUCache

from reference_server.children import end, how_it_ended, start
from reference_server.durable import put_in_place, remove_folder, sync, write_whole
from reference_server.errors import ApiError
from reference_server.fields import too_large
from reference_server.outline import Outline
from reference_server.threads import run_to_end

EXTRACT_TIMEOUT_S = 300.0
"""How long a document's text may take; measured 1.3-1.9 ms a page, so only a hostile file takes this long."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_KEPT_CHARS = 4_000_000
_REPLACED = ".replaced-"


@dataclass(frozen=True)
class Document:
    """What is known of a document without reading it; `sha256` is that of the uploaded file."""

    id: str
    pages: int
    sha256: str
    size_bytes: int

    def to_json(self) -> dict[str, object]:
        """Return the document as the routes show it."""
        return {"id": self.id, "pages": self.pages, "sha256": self.sha256, "sizeBytes": self.size_bytes}


class Documents:
    """The documents below one folder, each in a folder of its id: source.pdf, pages.json, document.json.

    What begins with a dot there is being uploaded or removed, and is swept away when the store is opened.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        self._root = root
        self._max_bytes = max_bytes
        self._placing = asyncio.Lock()
        self._outlines: LRUCache[tuple[str, str], Outline] = LRUCache(
            _KEPT_CHARS, getsizeof=lambda outline: outline.kept_chars
        )
        self._outlines_lock = threading.Lock()
        root.mkdir(parents=True, exist_ok=True)
        self._recover()

    def _recover(self) -> None:
        for replaced in self._root.glob(f"{_REPLACED}*"):
            target = self._root / replaced.name.removeprefix(_REPLACED)
            if not target.exists():  # killed between the old document's going and the new one's coming
                replaced.rename(target)
        for leftover in self._root.glob(".*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def get(self, document_id: str) -> Document:
        """Return a document.

        Raises:
            ApiError: 400 `BAD_ID` for an id that no document can have, 404 `NO_DOCUMENT` for an unknown one.
        """
        found = self._find(checked_id(document_id))
        if found is None:
            raise _no_document(document_id)
        return found

    def listing(self) -> list[Document]:
        """Return all documents, by id."""
        names = sorted(path.name for path in self._root.iterdir() if _ID.fullmatch(path.name))
        return [document for name in names if (document := self._find(name))]

    def outline(self, document: Document) -> Outline:
        """Return all blocks of a document; a few outlines are kept, bounded by their characters.

        Raises:
            ApiError: 404 `NO_DOCUMENT` or 409 `DOCUMENT_CHANGED` where it was removed or replaced meanwhile.
        """
        key = (document.id, document.sha256)
        with self._outlines_lock:
            kept: Outline | None = self._outlines.get(key)
        if kept is not None:
            return kept
        pages_file = self._root / document.id / "pages.json"
        try:
            outline = Outline.of(json.loads(pages_file.read_text("utf-8")))
        except FileNotFoundError:
            raise _no_document(document.id) from None
        if self.get(document.id).sha256 != document.sha256:
            # The pages may be the new document's: they are neither shown nor kept as the old one's.
            raise ApiError(409, "DOCUMENT_CHANGED", "The document was replaced just now. Ask again.")
        if outline.kept_chars <= _KEPT_CHARS:
            with self._outlines_lock:
                self._outlines[key] = outline
        return outline

    def delete(self, document_id: str) -> None:
        """Remove a document.

        Raises:
            ApiError: as `get`.
        """
        document = self.get(document_id)
        remove_folder(self._root / document.id)

    async def put(self, document_id: str, body: AsyncIterator[bytes]) -> tuple[Document, bool]:
        """Store an uploaded PDF and return it, with whether anything had to be done.

        The body goes to disk as it comes. The same bytes again under the same id are no work; other bytes
        take the place of the old ones once they are complete and readable.

        Raises:
            ApiError: 400 `BAD_ID`, 413 `TOO_LARGE`, 422 `NOT_A_PDF` or `NO_TEXT`, 503 `READER_KILLED`.
        """
        staging = self._root / f".upload-{checked_id(document_id)[:100]}-{secrets.token_hex(8)}"
        await run_to_end(staging.mkdir)
        try:
            source = staging / "source.pdf"
            sha256, size_bytes = await self._receive(body, source)
            known = self._find(document_id)
            if known is not None and known.sha256 == sha256:
                return known, False
            pages = await _extract(source, staging / "pages.json")
            document = Document(document_id, pages, sha256, size_bytes)
            async with self._placing:
                await run_to_end(self._place, staging, document)
            return document, True
        finally:
            await run_to_end(shutil.rmtree, staging, ignore_errors=True)

    async def _receive(self, body: AsyncIterator[bytes], source: Path) -> tuple[str, int]:
        digest, size_bytes = hashlib.sha256(), 0
        file = await run_to_end(source.open, "xb")
        with file:
            async for part in body:
                size_bytes += len(part)
                if size_bytes > self._max_bytes:
                    raise too_large(self._max_bytes)
                digest.update(part)
                await run_to_end(file.write, part)
        return digest.hexdigest(), size_bytes

    def _place(self, staging: Path, document: Document) -> None:
        for name in ("source.pdf", "pages.json"):
            sync(staging / name)
        write_whole(staging / "document.json", json.dumps(asdict(document)).encode())
        target, replaced = self._root / document.id, self._root / f"{_REPLACED}{document.id}"
        if target.exists():
            target.rename(replaced)
        put_in_place(staging, target)
        shutil.rmtree(replaced, ignore_errors=True)

    def _find(self, document_id: str) -> Document | None:
        try:
            fields = json.loads((self._root / document_id / "document.json").read_bytes())
        except FileNotFoundError:
            return None
        return Document(**fields)


def checked_id(document_id: str) -> str:
    """Return a document id that can be a folder's name; nothing else ever becomes a path.

    Raises:
        ApiError: 400 `BAD_ID`.
    """
    if not _ID.fullmatch(document_id):
        raise ApiError(
            400, "BAD_ID", "A document id is 1 to 128 letters, digits, '.', '_' or '-', the first no mark."
        )
    return document_id


def _no_document(document_id: str) -> ApiError:
    return ApiError(404, "NO_DOCUMENT", f"There is no document {document_id!r}. Upload it with PUT.")


async def _extract(source: Path, out: Path) -> int:
    """Write the text of a PDF's pages and return their number."""
    command = [sys.executable, "-m", "reference_server.extract", str(source), str(out)]
    child = await start(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        async with asyncio.timeout(EXTRACT_TIMEOUT_S):
            pages, complaint = await child.communicate()
    except TimeoutError:
        raise ApiError(422, "NOT_A_PDF", f"The text took longer than {EXTRACT_TIMEOUT_S:.0f} s.") from None
    finally:
        await end(child)
    assert child.returncode is not None
    if child.returncode == 0:
        return int(pages)
    raise _refusal(child.returncode, complaint)


def _refusal(return_code: int, complaint: bytes) -> ApiError:
    """Say why a document's text could not be had: the last line that names a code is the reader's own."""
    how = how_it_ended("document's reader", return_code, complaint)
    if return_code < 0:
        return ApiError(503, "READER_KILLED", f"{how[0].upper()}{how[1:]}. Ask again, or send a smaller PDF.")
    for line in reversed(complaint.decode(errors="replace").splitlines()):
        code, _, message = line.strip().partition(" ")
        if code in {"NOT_A_PDF", "NO_TEXT"}:
            return ApiError(422, code, message)
    return ApiError(422, "NOT_A_PDF", f"{how[0].upper()}{how[1:]}.")
