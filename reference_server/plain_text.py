"""Plain text: which characters its bytes are, and where its pages end, for it has none of its own."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from reference_server.errors import ApiError

PAGE_CHARACTERS = 3000
"""About what a printed page holds: a page ends with the last paragraph that fits in."""

MAX_PARAGRAPH_CHARACTERS = 30_000
"""A longer paragraph is cut at a line's end or a space: text without blank lines would be one endless page."""

_BLANK_LINES = re.compile(r"\n[\s\ufeff]*\n")
_NOT_TEXT = re.compile(r"[\x00-\x08\x0e-\x1b\x7f\ufffd]")
_MOST_NOT_TEXT = 0.01
_MARKUP = re.compile(r"[\s\ufeff]*(?:<!doctype|<html|<\?xml|\{\\rtf)", re.IGNORECASE)


def decode(data: bytes) -> str:
    """Return the text that `data` is: UTF-8, UTF-16 with its mark, else Windows-1252 or Latin-1.

    Line ends become newlines, soft hyphens and stray control characters go.

    Raises:
        ApiError: 422 `NOT_A_DOCUMENT` for what is no text: NUL, one other control character in a hundred.
    """
    text = _decoded(data)
    if "\x00" in text or len(_NOT_TEXT.findall(text)) > _MOST_NOT_TEXT * len(text):
        raise not_a_document()
    text = _NOT_TEXT.sub("", text).replace("\u00ad", "")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_pages(text: str) -> Iterator[str]:
    """Yield a text's pages.

    Raises:
        ApiError: 422 `NOT_A_DOCUMENT` for HTML, XML or RTF, whose markup nobody wants to hear.
    """
    if _MARKUP.match(text):
        raise not_a_document()
    return paged(_paragraphs(text))


def paged(paragraphs: Iterable[str]) -> Iterator[str]:
    """Yield pages of about `PAGE_CHARACTERS`, each of whole paragraphs with a blank line between them."""
    page: list[str] = []
    characters = 0
    for paragraph in paragraphs:
        if page and characters + len(paragraph) > PAGE_CHARACTERS:
            yield "\n\n".join(page)
            page, characters = [], 0
        page.append(paragraph)
        characters += len(paragraph)
    if page:
        yield "\n\n".join(page)


def not_a_document() -> ApiError:
    """Return the refusal of a file of another kind."""
    message = "The file is none of what can be read aloud. Send a PDF, an EPUB, plain text or Markdown."
    return ApiError(422, "NOT_A_DOCUMENT", message)


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            pass
    return data.decode("latin-1")


def _paragraphs(text: str) -> Iterator[str]:
    start = 0
    for gap in _BLANK_LINES.finditer(text):
        yield from _bounded(text, start, gap.start())
        start = gap.end()
    yield from _bounded(text, start, len(text))


def _bounded(text: str, start: int, end: int) -> Iterator[str]:
    while end - start > MAX_PARAGRAPH_CHARACTERS:
        most = start + MAX_PARAGRAPH_CHARACTERS
        cut = text.rfind("\n", start + 1, most)
        if cut < 0:
            cut = text.rfind(" ", start + 1, most)
        cut = cut if cut > 0 else most
        yield text[start:cut]
        start = cut
    if text[start:end].strip("\ufeff \t\n\r\f\v"):
        yield text[start:end]
