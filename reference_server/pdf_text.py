"""A PDF's text, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pypdfium2

from reference_server.errors import ApiError


def pdf_pages(source: Path, most_pages: int) -> Iterator[str]:
    """Yield the text of each page, in order; a page without text is an empty string.

    Raises:
        ApiError: 422 `NOT_A_DOCUMENT` where pdfium cannot read it, `TEXT_TOO_LONG` for more than `most_pages`.
    """
    try:
        with pypdfium2.PdfDocument(source) as pdf:
            if len(pdf) > most_pages:
                message = f"The PDF has {len(pdf)} pages, at most {most_pages} are taken. Send it in parts."
                raise ApiError(422, "TEXT_TOO_LONG", message)
            for index in range(len(pdf)):
                yield _page_text(pdf, index)
    except pypdfium2.PdfiumError as error:
        reason = str(error).rstrip(".")
        other = "one without a password" if "password" in reason.lower() else "another copy of it"
        message = f"The file cannot be read as a PDF: {reason}. Send {other}."
        raise ApiError(422, "NOT_A_DOCUMENT", message) from None


def _page_text(pdf: pypdfium2.PdfDocument, index: int) -> str:
    page = pdf[index]
    text_page = page.get_textpage()
    try:
        text: str = text_page.get_text_bounded()
    finally:
        text_page.close()
        page.close()
    # pdfium puts U+0002 or U+FFFE for a hyphen and the line end after it, and may give half a surrogate pair.
    joined = text.replace("\x02", "-\n").replace("\ufffe", "-\n").replace("\x00", "")
    return joined.encode("utf-8", "replace").decode()
