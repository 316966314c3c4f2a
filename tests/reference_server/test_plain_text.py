"""Plain text in whatever encoding, cut into pages at paragraph ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.blocks import paragraphs
from reference_server.errors import ApiError
from reference_server.plain_text import MAX_PARAGRAPH_CHARACTERS, PAGE_CHARACTERS, decode, paged, text_pages


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("café €".encode(), "café €"),
        ("café €".encode("utf-8-sig"), "café €"),
        ("café €".encode("utf-16"), "café €"),
        (b"\xfe\xff" + "café €".encode("utf-16-be"), "café €"),
        ("café €".encode("cp1252"), "café €"),
        (b"caf\xe9 \x81", "café \x81"),
        (b"a\r\nb\rc\nd", "a\nb\nc\nd"),
        (b"form\x0cfeed\ttab", "form\x0cfeed\ttab"),
        ("exam\u00adple".encode(), "example"),
        (b"x" * 200 + b"\x1a", "x" * 200),
        (b"", ""),
    ],
)
def test_bytes_are_decoded(data: bytes, text: str) -> None:
    """Each encoding that is promised gives the same text."""
    assert decode(data) == text


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a\x01\x00\x01\x00",
        b"\x00" + b"text" * 100,
        b"a" * 98 + b"\x01\x02",
        "café".encode("utf-16-le"),
        "café".encode("utf-32"),
        b"\xff\xfe" + b"\xff\xdb" * 50,
    ],
)
def test_what_is_no_text_is_refused(data: bytes) -> None:
    """NUL, many control characters and UTF-16 that is none are the marks of another kind of file."""
    with pytest.raises(ApiError, match="PDF, an EPUB, plain text or Markdown") as caught:
        decode(data)
    assert (caught.value.status, caught.value.code) == (422, "NOT_A_DOCUMENT")


def test_one_control_character_in_a_hundred_is_passed_over() -> None:
    """GIVEN exactly one in a hundred WHEN decoded THEN it is dropped; with one letter less it is refused."""
    assert decode(b"a" * 99 + b"\x01") == "a" * 99
    with pytest.raises(ApiError):
        decode(b"a" * 98 + b"\x01")


@pytest.mark.parametrize(
    "text", ["<!DOCTYPE html><p>x", "  <html lang='en'>", "<?xml version='1.0'?>", "{\\rtf1"]
)
def test_markup_is_refused(text: str) -> None:
    """Nobody wants to hear HTML, XML or RTF."""
    with pytest.raises(ApiError, match="none of what can be read aloud"):
        text_pages(text)


def test_a_page_ends_with_a_paragraph() -> None:
    """GIVEN paragraphs that just fill a page WHEN one character more comes THEN it begins the next page."""
    half = "a" * (PAGE_CHARACTERS // 2)
    assert list(paged([half, half])) == [f"{half}\n\n{half}"]
    assert list(paged([half, half + "b", "c"])) == [half, f"{half}b\n\nc"]
    assert list(paged(["a" * (PAGE_CHARACTERS + 1), "b"])) == ["a" * (PAGE_CHARACTERS + 1), "b"]
    assert list(paged([])) == []


@pytest.mark.parametrize("at", ["\n", " ", ""])
def test_an_endless_paragraph_is_cut(at: str) -> None:
    """GIVEN text without blank lines WHEN cut THEN at a line's end, else a space, else flat; nothing is lost."""
    text = ("word" + at) * (MAX_PARAGRAPH_CHARACTERS // 2)
    pages = list(text_pages(text))
    assert max(map(len, pages)) <= MAX_PARAGRAPH_CHARACTERS
    assert "".join(pages) == text
    if at:
        assert all(page.startswith(at) for page in pages[1:])


@given(st.lists(st.text(st.sampled_from("ab .\n\r\t\x0c"), max_size=1500), max_size=20))
def test_pages_hold_the_paragraphs_of_the_text(parts: list[str]) -> None:
    """GIVEN any text WHEN it is cut into pages THEN their paragraphs, joined, are the text's."""
    text = "\n\n".join(parts).replace("\r\n", "\n").replace("\r", "\n")
    assert [found for page in text_pages(text) for found in paragraphs(page)] == paragraphs(text)
