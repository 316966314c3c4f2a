"""A document's text cut into pages and blocks, by a process of its own: a hostile file breaks that at most.

Run as `python -m reference_server.extract SOURCE PAGES text|markdown MEMORY_BYTES CPU_S`; the third says what a
text is. PAGES becomes a pages file. Standard output is one line of JSON: with exit code 0 the fields of `Cut`, with
1 those of the `ApiError` that the user is to see. Whatever else ends it is this file's doing, or the kernel's.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from reference_server.blocks import split_blocks
from reference_server.child_limits import confine
from reference_server.document import Cut, Kind
from reference_server.errors import ApiError
from reference_server.pages_file import PagesWriter

MAX_CHARACTERS = 20_000_000
"""What is taken in all, as it stands in the file: some forty thick books."""

MAX_PAGES = 20_000
MAX_BLOCKS = 200_000
"""Four times what so much prose has: a job holds the blocks it was asked for."""

_MAX_TEXT_BYTES = 4 * MAX_CHARACTERS + 4
_MAX_WRITTEN_BYTES = 10 * MAX_CHARACTERS
_HEAD_BYTES = 1024


def extract(source: Path, pages: Path, *, is_markdown: bool) -> Cut:
    """Write the pages file of a document and return what it holds.

    Raises:
        ApiError: 422 `NOT_A_DOCUMENT`, `NO_TEXT` or `TEXT_TOO_LONG`.
    """
    kind = kind_of(source, is_markdown=is_markdown)
    with pages.open("xb") as file:
        writer = PagesWriter(file)
        characters = 0
        for text in _page_texts(kind, source):
            characters += len(text)
            if characters > MAX_CHARACTERS:
                raise _too_long(f"more than {MAX_CHARACTERS} characters")
            writer.add(split_blocks(text, epub=kind == "epub"))
            if writer.blocks > MAX_BLOCKS or writer.pages > MAX_PAGES:
                raise _too_long(f"more than {MAX_BLOCKS} blocks or {MAX_PAGES} pages")
        writer.finish()
    if not writer.blocks:
        message = (
            f"{writer.pages} pages were read, and none has text. Send a file with text; a scan has none."
        )
        raise ApiError(422, "NO_TEXT", message)
    return Cut(kind, writer.pages, writer.blocks, writer.characters)


def kind_of(source: Path, *, is_markdown: bool) -> Kind:
    """Tell what a file is from its content; whether a text is Markdown only its sender knows.

    Raises:
        ApiError: 422 `NOT_A_DOCUMENT` for a ZIP that is no EPUB; a text is looked at when it is read.
    """
    with source.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(b"PK"):
        from reference_server.epub_text import is_epub  # noqa: PLC0415 - only what the kind needs is loaded

        if is_epub(source):
            return "epub"
        from reference_server.plain_text import not_a_document  # noqa: PLC0415

        if b"\x00" in head:
            raise not_a_document()
    return "markdown" if is_markdown else "text"


def _page_texts(kind: Kind, source: Path) -> Iterator[str]:
    if kind == "pdf":
        from reference_server.pdf_text import pdf_pages  # noqa: PLC0415

        return pdf_pages(source, MAX_PAGES)
    if kind == "epub":
        from reference_server.epub_text import epub_pages  # noqa: PLC0415

        return epub_pages(source, MAX_PAGES)
    from reference_server.plain_text import decode, not_a_document, text_pages  # noqa: PLC0415

    with source.open("rb") as file:
        data = file.read(_MAX_TEXT_BYTES + 1)
    if len(data) > _MAX_TEXT_BYTES:
        raise not_a_document() if b"\x00" in data else _too_long(f"more than {MAX_CHARACTERS} characters")
    text = decode(data)
    if len(text) > MAX_CHARACTERS:
        raise _too_long(f"more than {MAX_CHARACTERS} characters")
    if kind == "text":
        return text_pages(text)
    from reference_server.markdown_text import markdown_pages  # noqa: PLC0415

    return markdown_pages(text)


def _too_long(what: str) -> ApiError:
    return ApiError(422, "TEXT_TOO_LONG", f"The document has {what}. Send it in parts.")


def main(arguments: list[str]) -> int:
    """Extract as the command line says and return the exit code."""
    source, pages, text, memory_bytes, cpu_s = arguments
    confine(memory_bytes=int(memory_bytes), cpu_s=int(cpu_s), file_bytes=_MAX_WRITTEN_BYTES)
    try:
        cut = extract(Path(source), Path(pages), is_markdown=text == "markdown")
    except ApiError as error:
        return _refuse(error.status, error.code, error.message)
    except (MemoryError, RecursionError):
        message = f"The file needs more than {memory_bytes} bytes of memory to read. Send a smaller document."
        return _refuse(422, "NOT_A_DOCUMENT", message)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return _refuse(507, "DISK_FULL", "The server's disk is full. Delete documents or their caches.")
        if error.errno == errno.EFBIG:
            return _refuse(422, "TEXT_TOO_LONG", "The document has too much text. Send it in parts.")
        raise
    print(json.dumps(asdict(cut)))
    return 0


def _refuse(status: int, code: str, message: str) -> int:
    print(json.dumps({"status": status, "code": code, "message": message[:500]}))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
