"""A PDF's text page by page, or one line that says why not."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from reportlab.pdfgen.canvas import Canvas

from reference_server.blocks import split_blocks
from reference_server.errors import ApiError
from reference_server.pdf_text import pdf_pages


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[str]]:
    """Read a PDF's pages."""

    def read(data: bytes, most_pages: int = 100) -> list[str]:
        path = tmp_path / "source"
        path.write_bytes(data)
        return list(pdf_pages(path, most_pages))

    return read


def test_pages_come_in_order_with_empty_ones(
    read: Callable[..., list[str]], pdf: Callable[..., bytes]
) -> None:
    """Every page is there, also one without text, and the lines of a page are kept apart."""
    pages = read(pdf(["First line", "second line"], [], ["Third page"]))
    assert [page.split() for page in pages] == [["First", "line", "second", "line"], [], ["Third", "page"]]


def test_a_word_broken_at_the_line_end_is_read_whole(
    read: Callable[..., list[str]], pdf: Callable[..., bytes]
) -> None:
    """The mark that pdfium puts for such a hyphen reaches the splitter as a hyphen and a line end."""
    assert split_blocks(read(pdf(["This word is hyphen-", "ated in two lines."]))[0]) == [
        "This word is hyphenated in two lines."
    ]


@pytest.mark.parametrize("content", [b"", b"plain text", b"%PDF-1.7\n" + bytes(2000)])
def test_what_pdfium_cannot_read_is_refused(read: Callable[..., list[str]], content: bytes) -> None:
    """Empty, other and damaged files are one line for the user."""
    with pytest.raises(ApiError, match=r"cannot be read as a PDF.*Send another copy of it\.$") as caught:
        read(content)
    assert (caught.value.status, caught.value.code) == (422, "NOT_A_DOCUMENT")
    assert "\n" not in caught.value.message


def test_the_limit_of_pages_is_exact(read: Callable[..., list[str]], three_pages: bytes) -> None:
    """Three pages of three pass, three of two do not."""
    assert len(read(three_pages, 3)) == 3
    with pytest.raises(ApiError, match="3 pages, at most 2") as caught:
        read(three_pages, 2)
    assert (caught.value.status, caught.value.code) == (422, "TEXT_TOO_LONG")


def test_a_locked_pdf_is_told_from_a_damaged_one(read: Callable[..., list[str]]) -> None:
    """GIVEN a PDF that asks for a password WHEN it is read THEN the way out is one without."""
    out = io.BytesIO()
    canvas = Canvas(out, encrypt="secret")
    canvas.drawString(40, 40, "Locked.")
    canvas.save()
    with pytest.raises(ApiError, match=r"assword.* Send one without a password\.$"):
        read(out.getvalue())
