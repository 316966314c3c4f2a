"""What is split: the project's own PDF, once and several times over, and prose as plain text, Markdown and EPUB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pypdfium2

from benchmarks.document import paragraphs
from loadtests.corpus import own_document

OWN_PDF = Path(__file__).resolve().parents[2] / ".cache" / "document.pdf"
"""Where the document that reportlab sets is kept."""

_A_CHAPTER = 40
"""Paragraphs: some fifteen printed pages."""

_CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
_XHTML = (
    '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head><body>{body}</body></html>'
)


@dataclass(frozen=True)
class Source:
    """A file as it would be uploaded, and what the report calls it."""

    setting: str
    path: Path
    is_markdown: bool = False


def pdfs(folder: Path, times: Sequence[int]) -> tuple[Source, ...]:
    """Return the project's own document so many times over, for each of these numbers.

    Raises:
        CorpusError: the document cannot be set.
        OSError: the disk is full.
    """
    found = []
    with pypdfium2.PdfDocument(own_document(OWN_PDF)) as once:
        for number in times:
            path = folder / f"{number}.pdf"
            with pypdfium2.PdfDocument.new() as several:
                for _ in range(number):
                    several.import_pages(once)
                several.save(path)
            found.append(Source(f"{number * len(once):,} pages", path))
    return tuple(found)


def texts(folder: Path, count: int) -> tuple[Source, ...]:
    """Return the same paragraphs, so many, as plain text, as Markdown and as EPUB."""
    prose = paragraphs(count)
    chapters = [prose[at : at + _A_CHAPTER] for at in range(0, count, _A_CHAPTER)]
    plain, marked, book = folder / "prose.txt", folder / "prose.md", folder / "prose.epub"
    plain.write_text("\n\n".join(prose) + "\n", encoding="utf-8")
    marked.write_text("\n".join(map(_markdown, chapters)), encoding="utf-8")
    _write_epub(book, chapters)
    return (Source("plain text", plain), Source("Markdown", marked, is_markdown=True), Source("EPUB", book))


def _markdown(chapter: Sequence[str]) -> str:
    """Return a chapter with a heading, emphasis, a link, and its last paragraphs as a list."""
    *prose, one, two = chapter if len(chapter) > 2 else ("", *chapter, "")
    marked = [f"*{first}* {rest}" for first, _, rest in (paragraph.partition(" ") for paragraph in prose)]
    parts = ["## A chapter", *marked, "See [the others](https://example.org/).", f"- {one}\n- {two}"]
    return "\n\n".join(parts) + "\n"


def _write_epub(path: Path, chapters: Sequence[Sequence[str]]) -> None:
    names = [f"chapter-{number}.xhtml" for number in range(len(chapters))]
    items = "".join(f'<item id="{name}" href="{name}" media-type="application/xhtml+xml"/>' for name in names)
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    package = f"<manifest>{items}</manifest><spine>{spine}</spine>"
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", ZIP_STORED)
        archive.writestr("META-INF/container.xml", _CONTAINER)
        archive.writestr("book.opf", f'<package xmlns="http://www.idpf.org/2007/opf">{package}</package>')
        for name, chapter in zip(names, chapters, strict=True):
            body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in chapter)
            archive.writestr(name, _XHTML.format(title=name, body=body))
