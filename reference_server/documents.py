"""Documents on disk: uploaded whole or not at all, replaced at one moment, read one page at a time."""

from __future__ import annotations

import logging
import re
import secrets
import shutil
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from reference_server.damage import damage_told, damaged
from reference_server.document import CUT_VERSION, Document, check_sha256, checked_id, is_id
from reference_server.durable import put_in_place, remove_folder, remove_leftovers, sync, write_whole
from reference_server.errors import ApiError
from reference_server.extraction import Extraction
from reference_server.outline import Outline
from reference_server.settings import Settings
from reference_server.threads import run_to_end
from reference_server.upload import Upload, receive

_log = logging.getLogger(__name__)

_VERSION = re.compile(r"[0-9a-f]{16}")
_UPLOAD = ".upload-"
_TRIES = 10
_MARKDOWN_NAMES = (".md", ".markdown")


class Documents:
    """The documents below one folder.

    Each has a folder of its id with document.json, which names the folder beside it with the file as it came
    (`source`) and its blocks (`pages.bin`). So a document is replaced when document.json is. What a kill left of
    uploads, removals and former versions is swept away when this is opened.
    """

    def __init__(self, root: Path, settings: Settings) -> None:
        self._root = root
        self._max_bytes = settings.max_document_bytes
        self._extraction = Extraction(settings)
        self._placing = threading.Lock()
        root.mkdir(parents=True, exist_ok=True)
        remove_leftovers(root)
        for upload in root.glob(f"{_UPLOAD}*"):
            shutil.rmtree(upload, ignore_errors=True)
        for document in self.listing():
            self._drop_former(document)

    def get(self, document_id: str) -> Document:
        """Return a document.

        Raises:
            ApiError: 400 `BAD_ID` for an id that no document can have, 404 `NO_DOCUMENT` for an unknown one,
                500 `DOCUMENT_DAMAGED` where its document.json cannot be read.
        """
        found = self._find(checked_id(document_id))
        if found is None:
            raise _no_document(document_id)
        return found

    def listing(self) -> list[Document]:
        """Return all documents that can be read, by id; the others are logged."""
        documents = []
        for name in sorted(path.name for path in self._root.iterdir() if is_id(path.name)):
            try:
                document = self._find(name)
            except ApiError as error:
                _log.error("%s", error)
            else:
                documents += [document] if document else []
        return documents

    def outline(self, document: Document) -> Outline:
        """Return all blocks of a document, or of the one that has taken its place meanwhile.

        Raises:
            ApiError: 404 `NO_DOCUMENT` where it was removed meanwhile, 500 `DOCUMENT_DAMAGED`.
        """
        for _ in range(_TRIES):
            try:
                return Outline.open(self._folder(document) / "pages.bin", document.id)
            except (FileNotFoundError, NotADirectoryError):
                now = self.get(document.id)
            if now.version == document.version:
                raise damaged(document.id, "its pages are missing")
            document = now
        message = "The document is replaced over and over. Ask again."
        raise ApiError(503, "OVERLOADED", message, headers={"Retry-After": "1"})

    def delete(self, document_id: str) -> None:
        """Remove a document, also one that cannot be read.

        Raises:
            ApiError: 400 `BAD_ID`, 404 `NO_DOCUMENT`.
        """
        with self._placing:
            if not remove_folder(self._root / checked_id(document_id)):
                raise _no_document(document_id)

    async def put(
        self,
        document_id: str | None,
        body: AsyncIterator[bytes],
        *,
        name: str | None = None,
        is_markdown: bool = False,
    ) -> tuple[Document, bool]:
        """Store an uploaded file, by its SHA-256 where no id is given; return it, and whether it is new.

        The body goes to disk as it comes. The same bytes again under the same id are no work, but for a new
        name; other bytes take the place of the old ones once they are complete and readable. Without
        `is_markdown` the name tells, or what the document was before.

        Raises:
            ApiError: 400 `BAD_ID`, 413 `TOO_LARGE`, 422 `WRONG_SHA256`, and as `Extraction.run`.
        """
        version = secrets.token_hex(8)
        staging = self._root / f"{_UPLOAD}{version}"
        files = staging / version
        if document_id is not None:
            checked_id(document_id)
        try:
            await run_to_end(files.mkdir, parents=True)
            upload = await receive(body, files / "source", self._max_bytes)
            place = document_id or upload.sha256
            check_sha256(place, upload.sha256)
            known = await run_to_end(self._readable, place)
            if name is None:
                name = known.name if known else None
                is_markdown = is_markdown or bool(known and known.cut.kind == "markdown")
            else:
                is_markdown = is_markdown or name.lower().endswith(_MARKDOWN_NAMES)
            if known is not None and _is_same(known, upload, is_markdown=is_markdown):
                return await run_to_end(self._rename, known, name), False
            cut = await self._extraction.run(files / "source", files / "pages.bin", is_markdown=is_markdown)
            document = Document(place, name, cut, upload.sha256, upload.size_bytes, _now(), version)
            await run_to_end(self._place, staging, document)
            return document, True
        finally:
            await run_to_end(shutil.rmtree, staging, ignore_errors=True)

    def _place(self, staging: Path, document: Document) -> None:
        files, target = staging / document.version, self._root / document.id
        (files / "complaint").unlink(missing_ok=True)
        for path in (files / "source", files / "pages.bin", files):
            sync(path)
        with self._placing:
            if target.is_dir():
                self._replace(files, target, document)
            else:
                write_whole(staging / "document.json", document.to_file())
                put_in_place(staging, target)

    def _replace(self, files: Path, target: Path, document: Document) -> None:
        new, path, named = target / document.version, target / "document.json", document.to_file()
        try:
            files.rename(new)
            sync(target)  # before document.json names it
            write_whole(path, named)
        except OSError:
            if not path.exists() or path.read_bytes() != named:  # the disk may fail after the moment itself
                shutil.rmtree(new, ignore_errors=True)
            raise
        self._drop_former(document)

    def _rename(self, known: Document, name: str | None) -> Document:
        with self._placing:
            now = self._find(known.id)
            if now is None or now.version != known.version or name == known.name:
                return known
            renamed = replace(now, name=name)
            write_whole(self._root / known.id / "document.json", renamed.to_file())
            return renamed

    def _drop_former(self, document: Document) -> None:
        for path in (self._root / document.id).iterdir():
            if _VERSION.fullmatch(path.name) and path.name != document.version:
                shutil.rmtree(path, ignore_errors=True)
            elif path.name.startswith(".aside-"):
                path.unlink(missing_ok=True)

    def _folder(self, document: Document) -> Path:
        return self._root / document.id / document.version

    def _readable(self, document_id: str) -> Document | None:
        """Find a document that is whole: a damaged one is replaced as if it were not there."""
        try:
            found = self._find(document_id)
            for _ in self.outline(found).pages() if found else ():
                pass
        except ApiError:
            return None
        return found

    def _find(self, document_id: str) -> Document | None:
        path = self._root / document_id / "document.json"
        try:
            with damage_told(document_id):
                found = Document.from_file(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        if found.id != document_id or not _VERSION.fullmatch(found.version):
            raise damaged(document_id, "its document.json is another document's")
        return found


def _is_same(known: Document, upload: Upload, *, is_markdown: bool) -> bool:
    return (
        known.sha256 == upload.sha256
        and known.cut_version == CUT_VERSION
        and (known.cut.kind not in {"text", "markdown"} or (known.cut.kind == "markdown") == is_markdown)
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _no_document(document_id: str) -> ApiError:
    return ApiError(404, "NO_DOCUMENT", f"There is no document {document_id!r}. Upload it with PUT.")
