"""An EPUB's text: one page for each item of its spine, every block element on lines of its own."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zipfile import BadZipFile, ZipFile, ZipInfo, is_zipfile
from zlib import error as ZlibError  # noqa: N812 - its name says nothing

from lxml import etree

from reference_server.errors import ApiError
from reference_server.xhtml_text import read_xml, xhtml_text

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
"""What is unpacked of a file in all: ten times the most text that is taken, and the end of a ZIP bomb."""

MAX_ITEM_BYTES = 32 * 1024 * 1024
"""What is unpacked of one item, which is parsed whole."""

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_MIME_TYPE = b"application/epub+zip"
_TEXTS = frozenset({"application/xhtml+xml", "text/html", "application/xml", "text/xml"})
_STORED, _DEFLATED = 0, 8
_LONGEST_REASON = 200
"""Characters of what the ZIP's reader says: it names entries, whose names have up to 65,535 bytes."""


def is_epub(source: Path) -> bool:
    """Return whether a file is a ZIP that says it is an EPUB."""
    if not is_zipfile(source):
        return False
    try:
        with ZipFile(source) as archive:
            names = archive.NameToInfo
            if _CONTAINER in names:
                return True
            if "mimetype" not in names or names["mimetype"].compress_type not in {_STORED, _DEFLATED}:
                return False
            with archive.open("mimetype") as file:
                return file.read(100).strip() == _MIME_TYPE
    except (BadZipFile, ZlibError, NotImplementedError, RuntimeError, ValueError, EOFError):
        return False


def epub_pages(source: Path, most_pages: int) -> Iterator[str]:
    """Yield the text of each item of the spine, in its order; an item without text is an empty string.

    Raises:
        ApiError: 422 `NOT_A_DOCUMENT` for a damaged or protected EPUB or a ZIP bomb, `TEXT_TOO_LONG` for more
            than `most_pages` items.
    """
    with _damage_told(), ZipFile(source) as archive:
        book = _Book(archive)
        places = book.spine()
        if len(places) > most_pages:
            message = f"The EPUB has {len(places)} items, at most {most_pages} are taken. Send it in parts."
            raise ApiError(422, "TEXT_TOO_LONG", message)
        for place in places:
            data = book.read(place) if place else None
            yield xhtml_text(data) if data else ""


class _Book:
    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._left = MAX_UNPACKED_BYTES

    def read(self, place: str) -> bytes | None:
        """Return an entry's bytes, or None where it is missing."""
        info = self._archive.NameToInfo.get(place)
        if info is None:
            return None
        _check(info)
        most = min(MAX_ITEM_BYTES, self._left)
        with self._archive.open(info) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise _refused(f"it unpacks to more than is taken, at {place[:100]!r}. Send a smaller one")
        self._left -= len(data)
        return data

    def spine(self) -> list[str | None]:
        """Return the places of the spine's items, in order; None for one that is no text."""
        package_place = self._package_place()
        package = self._read_xml(package_place)
        items = {
            item.get("id"): item
            for item in package.iter("{*}item")
            if item.get("href") and item.get("id") is not None
        }
        folder = posixpath.dirname(package_place)
        places = [_place(folder, items.get(ref.get("idref"))) for ref in package.iter("{*}itemref")]
        if not places:
            raise _refused("its package names no item to read. Send another copy of it")
        protected = self._protected()
        if any(place in protected for place in places):
            raise _refused("it is protected against copying. Send one without protection")
        return places

    def _package_place(self) -> str:
        for rootfile in self._read_xml(_CONTAINER).iter("{*}rootfile"):
            if place := rootfile.get("full-path"):
                return _normal(place)
        raise _refused(f"{_CONTAINER} names no package. Send another copy of it")

    def _protected(self) -> set[str]:
        data = self.read(_ENCRYPTION)  # present also where only fonts are disguised
        if data is None:
            return set()
        root = read_xml(data)
        references = () if root is None else root.iter("{*}CipherReference")
        return {_normal(unquote(reference.get("URI") or "")) for reference in references}

    def _read_xml(self, place: str) -> etree._Element:
        data = self.read(place)
        if data is None:
            raise _refused(f"{place[:100]!r} is missing. Send another copy of it")
        root = read_xml(data)
        if root is None:
            raise _refused(f"{place[:100]!r} is damaged. Send another copy of it")
        return root


def _place(folder: str, item: etree._Element | None) -> str | None:
    if item is None or (item.get("media-type") or "").strip().lower() not in _TEXTS:
        return None
    try:
        path = urlsplit(item.get("href") or "").path
    except ValueError:
        return None
    return _normal(posixpath.join(folder, unquote(path)))


def _normal(place: str) -> str:
    return posixpath.normpath(place).lstrip("/")


def _check(info: ZipInfo) -> None:
    if info.flag_bits & 1:
        raise _refused("it is locked with a password. Send one without")
    if info.compress_type not in {_STORED, _DEFLATED}:
        raise _refused("it is packed in a way that EPUB does not know. Send another copy of it")


@contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except (BadZipFile, ZlibError, NotImplementedError, EOFError) as error:
        raise _refused(f"{str(error)[:_LONGEST_REASON]}. Send another copy of it") from error


def _refused(why: str) -> ApiError:
    return ApiError(422, "NOT_A_DOCUMENT", f"The file cannot be read as an EPUB: {why}.")
