"""A PDF's text page by page, or one line that says why not."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reference_server.blocks import split_blocks
from reference_server.extract import extract_pages


def _run(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reference_server.extract", str(source), str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_pages_come_in_order_with_empty_ones(tmp_path: Path, pdf: Callable[..., bytes]) -> None:
    """Every page is there, also one without text, and the lines of a page are kept apart."""
    source = tmp_path / "source.pdf"
    source.write_bytes(pdf(["First line", "second line"], [], ["Third page"]))
    assert [page.split() for page in extract_pages(source)] == [
        ["First", "line", "second", "line"],
        [],
        ["Third", "page"],
    ]


def test_a_word_broken_at_the_line_end_is_read_whole(tmp_path: Path, pdf: Callable[..., bytes]) -> None:
    """The mark that pdfium puts for such a hyphen reaches the splitter as a hyphen and a line end."""
    source = tmp_path / "source.pdf"
    source.write_bytes(pdf(["This word is hyphen-", "ated in two lines."]))
    assert split_blocks(extract_pages(source)[0]) == ["This word is hyphenated in two lines."]


def test_the_process_writes_the_pages_and_their_number(tmp_path: Path, three_pages: bytes) -> None:
    """Standard output is the number of pages, the file a JSON list of their texts."""
    source, out = tmp_path / "source.pdf", tmp_path / "pages.json"
    source.write_bytes(three_pages)
    result = _run(source, out)
    assert (result.returncode, result.stdout, result.stderr) == (0, "3\n", "")
    assert "Short page." in json.loads(out.read_text("utf-8"))[1]


@pytest.mark.parametrize("content", [b"", b"plain text", b"%PDF-1.7\n" + bytes(2000)])
def test_what_is_no_pdf_is_one_line(tmp_path: Path, content: bytes) -> None:
    """Empty, other and damaged files end with code 1 and one line that begins with the error's code."""
    source, out = tmp_path / "source.pdf", tmp_path / "pages.json"
    source.write_bytes(content)
    result = _run(source, out)
    assert result.returncode == 1
    assert result.stderr.startswith("NOT_A_PDF ")
    assert result.stderr.count("\n") == 1
    assert not out.exists()


def test_a_pdf_without_text_is_one_line(tmp_path: Path, pdf: Callable[..., bytes]) -> None:
    """A scan, which has pages but no text layer, is told apart from what is no PDF."""
    source, out = tmp_path / "source.pdf", tmp_path / "pages.json"
    source.write_bytes(pdf([], []))
    result = _run(source, out)
    assert result.returncode == 1
    assert result.stderr.startswith("NO_TEXT None of 2 pages")
    assert not out.exists()
