"""A PDF's text, page by page, found by a process of its own: what a hostile file breaks is not the server.

Run as `python -m reference_server.extract SOURCE.pdf OUT.json`. OUT.json becomes a list of one string a page,
and standard output says how many there are. A file that is of no use ends it with exit code 1 and one line on
standard error: `NOT_A_PDF` (pdfium cannot open it) or `NO_TEXT` (as in a scan), and a sentence for the user.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pypdfium2


def extract_pages(source: Path) -> list[str]:
    """Return the text of each page of a PDF, in order; a page without text is an empty string.

    Raises:
        pypdfium2.PdfiumError: the file is not a PDF, is damaged, or needs a password.
    """
    with pypdfium2.PdfDocument(source) as pdf:
        return [_page_text(pdf, index) for index in range(len(pdf))]


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


def main(arguments: list[str]) -> int:
    """Extract as the command line says and return the exit code."""
    source, out = map(Path, arguments)
    try:
        pages = extract_pages(source)
    except pypdfium2.PdfiumError as error:
        reason = str(error).rstrip(".")
        print(
            f"NOT_A_PDF The file cannot be read as a PDF: {reason}. Send one without a password.",
            file=sys.stderr,
        )
        return 1
    if not any(page.strip() for page in pages):
        print(f"NO_TEXT None of {len(pages)} pages has text. Send a PDF with a text layer.", file=sys.stderr)
        return 1
    out.write_text(json.dumps(pages, ensure_ascii=False), encoding="utf-8")
    print(len(pages))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
