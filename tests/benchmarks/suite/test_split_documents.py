"""The same prose in each form: what the server reads out of it is that prose."""

from collections.abc import Iterable
from pathlib import Path

import pypdfium2
import pytest
from reportlab.pdfgen.canvas import Canvas

from benchmarks.document import paragraphs
from benchmarks.suite import split_documents
from benchmarks.suite.split_documents import pdfs, texts
from reference_server.extract import extract
from reference_server.outline import Outline

COUNT = 90


@pytest.mark.parametrize(("number", "kind"), [(0, "text"), (1, "markdown"), (2, "epub")])
def test_each_form_holds_the_same_prose(tmp_path: Path, number: int, kind: str) -> None:
    """GIVEN ninety paragraphs WHEN the server extracts a form of them THEN every letter is read, in order."""
    source = texts(tmp_path, COUNT)[number]
    pages = tmp_path / "pages.bin"
    cut = extract(source.path, pages, is_markdown=source.is_markdown)
    outline = Outline.open(pages, "doc")
    read = _letters(block.text for block in outline.blocks)
    outline.close()
    assert (cut.kind, cut.blocks >= COUNT) == (kind, True)
    if kind == "markdown":
        assert read.count("Achapter") == 3
        read = read.replace("Achapter", "").replace("Seetheothers", "")
    assert read == _letters(paragraphs(COUNT))


def _letters(parts: Iterable[str]) -> str:
    """Return letters and digits alone: what is spoken has no stars, and a space more or less."""
    return "".join(filter(str.isalnum, "".join(parts)))


def test_a_pdf_is_put_together_from_whole_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a PDF of two pages WHEN it is wanted once and three times over THEN the pages follow each other."""
    own = tmp_path / "own.pdf"
    canvas = Canvas(str(own))
    for page in ("First", "Second"):
        canvas.drawString(40, 400, page)
        canvas.showPage()
    canvas.save()
    monkeypatch.setattr(split_documents, "OWN_PDF", own)
    once, thrice = pdfs(tmp_path, (1, 3))
    assert (once.setting, thrice.setting) == ("2 pages", "6 pages")
    with pypdfium2.PdfDocument(thrice.path) as pdf:
        assert [page.get_textpage().get_text_bounded() for page in pdf] == ["First", "Second"] * 3
