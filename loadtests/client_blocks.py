"""Blocks made on this side, for a server that speaks but keeps no documents.

The real application cuts documents in the browser: what its server gets to see is blocks of text. The rules of
splitting are those of the reference server; pages are cut as it cuts them, as far as this needs no code of its.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pypdfium2

from loadtests.asking import WrongUseError
from loadtests.chapters import Block
from reference_server.blocks import split_blocks, text_hash

PAGE_CHARACTERS = 3000
"""A text's page ends with the last paragraph that fits in."""

_TEXTS = frozenset({".txt", ".text", ".md", ".markdown"})
_BLANK_LINES = re.compile(r"\n\s*\n")
_HEAD_BYTES = 1024


class Document(Protocol):
    """A document that is open: how many pages it has, and the text of each, from 1."""

    pages: int

    def page_text(self, page: int) -> str:
        """Returns the text of one page."""


def page_blocks(document: Document, page: int) -> list[Block]:
    """Returns the blocks of one page."""
    texts = split_blocks(document.page_text(page))
    return [Block(page, index, text, text_hash(text)) for index, text in enumerate(texts)]


@contextmanager
def opened(path: Path) -> Iterator[Document]:
    """Opens a PDF, or a text by its suffix; it can be read within the context.

    Raises:
        WrongUseError: the file is neither, or broken.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        is_pdf = b"%PDF-" in file.read(_HEAD_BYTES)
    if is_pdf:
        with _opened_pdf(path) as pdf:
            yield _Pdf(pdf)
    elif path.suffix.lower() in _TEXTS:
        yield _Text(path)
    else:
        raise WrongUseError(
            f"{path}: blocks are made here of PDF, .txt and .md only. Give --document such a file."
        )


@contextmanager
def _opened_pdf(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    try:
        with pypdfium2.PdfDocument(path) as pdf:
            yield pdf
    except pypdfium2.PdfiumError as error:
        reason = str(error).rstrip(".")
        raise WrongUseError(f"{path}: cannot be read as a PDF: {reason}. Give another --document.") from error


class _Pdf:
    def __init__(self, pdf: pypdfium2.PdfDocument) -> None:
        self._pdf = pdf
        self.pages = len(pdf)

    def page_text(self, page: int) -> str:
        pdf_page = self._pdf[page - 1]
        text_page = pdf_page.get_textpage()
        try:
            text: str = text_page.get_text_bounded()
        finally:
            text_page.close()
            pdf_page.close()
        # pdfium puts U+0002 or U+FFFE for a hyphen and the line end after it, and may give half a surrogate pair.
        joined = text.replace("\x02", "-\n").replace("\ufffe", "-\n").replace("\x00", "")
        return joined.encode("utf-8", "replace").decode()


class _Text:
    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        if b"\x00" in data:
            raise WrongUseError(f"{path}: is no text: it holds a zero byte. Give another --document.")
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("cp1252", "replace")
        self._pages = list(_text_pages(text.replace("\r\n", "\n").replace("\r", "\n")))
        self.pages = len(self._pages)

    def page_text(self, page: int) -> str:
        return self._pages[page - 1]


def _text_pages(text: str) -> Iterator[str]:
    page: list[str] = []
    characters = 0
    for paragraph in filter(str.strip, _BLANK_LINES.split(text)):
        if page and characters + len(paragraph) > PAGE_CHARACTERS:
            yield "\n\n".join(page)
            page, characters = [], 0
        page.append(paragraph)
        characters += len(paragraph)
    if page:
        yield "\n\n".join(page)
