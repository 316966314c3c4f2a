"""What is compared reads the same text."""

import json
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from benchmarks.suite.split_probe import Split, extracted, main, read_alone, split_alone

LINES = ("The first page says this.", "And the second page says that.")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A PDF of two pages of a sentence each."""
    path = tmp_path / "book.pdf"
    canvas = Canvas(str(path))
    for line in LINES:
        canvas.drawString(40, 400, line)
        canvas.showPage()
    canvas.save()
    return path


def test_all_read_the_same_pages_and_characters(book: Path, tmp_path: Path) -> None:
    """GIVEN a PDF WHEN it is extracted, only read, and only split THEN pages and characters are the same."""
    found = [extracted(book, tmp_path / "pages", is_markdown=False), read_alone(book), split_alone(book)]
    assert [split.pages for split in found] == [2, 2, 2]
    assert [split.blocks for split in found] == [2, 0, 2]
    assert [split.characters for split in found] == [sum(map(len, LINES))] * 3
    assert all(split.cpu_s > 0 for split in found)


@pytest.mark.parametrize(("how", "blocks"), [("extract", 2), ("pypdfium2", 0), ("split_blocks", 2)])
def test_the_command_prints_what_it_measured(
    book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str, blocks: int
) -> None:
    """GIVEN a PDF WHEN the module is run THEN its one line is read back."""
    assert main([how, str(book), str(tmp_path / "pages")]) == 0
    assert Split(**json.loads(capsys.readouterr().out)).blocks == blocks
