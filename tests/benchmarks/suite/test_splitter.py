"""The case on small documents: every subject takes its turn, and what reads nothing is no figure."""

from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from benchmarks.errors import BenchmarkError
from benchmarks.suite import split_documents, splitter
from benchmarks.suite.measured import Effort
from benchmarks.suite.split_documents import Source, texts


def _book(path: Path, text: str) -> None:
    canvas = Canvas(str(path))
    canvas.drawString(40, 400, text)
    canvas.showPage()
    canvas.save()


@pytest.mark.slow
def test_every_document_is_measured_each_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a PDF of a page and some prose WHEN the case runs THEN ours is held against pypdfium2 within rounds."""
    own = tmp_path / "own.pdf"
    _book(own, "One page says this.")
    monkeypatch.setattr(split_documents, "OWN_PDF", own)
    monkeypatch.setattr(splitter, "texts", lambda folder, _count: texts(folder, 20))
    found = splitter.measure(Effort(full=False), tmp_path, lambda _line: None)
    assert {len(figure.values) for figure in found.figures} == {3}
    assert {figure.setting for figure in found.figures} == {"1 pages", "plain text", "Markdown", "EPUB"}
    ratios = {ratio.quantity: ratio for ratio in found.ratios}
    assert set(ratios) == {splitter.PAGES, splitter.PAGES_WHOLE}
    assert all(value > 0 for value in ratios[splitter.PAGES].values)
    assert found.versions[0][0] == "pypdfium2"
    assert not (tmp_path / "pages.bin").exists()


@pytest.mark.slow
def test_a_pdf_without_text_is_no_figure(tmp_path: Path) -> None:
    """GIVEN a PDF without text WHEN it is to be measured THEN the error names it."""
    path = tmp_path / "empty.pdf"
    _book(path, "")
    with pytest.raises(BenchmarkError, match=r"empty\.pdf.*finds no text"):
        splitter._probed("pypdfium2", Source("1 pages", path), tmp_path)
