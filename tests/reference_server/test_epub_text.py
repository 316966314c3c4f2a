"""An EPUB is read in the order of its spine; a hostile or protected one is refused in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from reference_server import epub_text
from reference_server.blocks import split_blocks
from reference_server.epub_text import epub_pages, is_epub
from reference_server.errors import ApiError

MakeEpub = Callable[..., bytes]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., list[str]]:
    """Read an EPUB's pages."""

    def read(data: bytes, most_pages: int = 100) -> list[str]:
        path = tmp_path / "source"
        path.write_bytes(data)
        return list(epub_pages(path, most_pages))

    return read


Read = Callable[..., list[str]]


def _package(items: str, spine: str) -> str:
    return (
        f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest>'
        f"<spine>{spine}</spine></package>"
    )


def test_one_spine_item_is_one_page(epub: MakeEpub, read: Read) -> None:
    """Pages come in the order of the spine, an item without text too; every block element ends a line."""
    pages = read(epub("<h1>One.</h1><p>Two.</p>", "", "<p>Three.</p>"))
    assert pages == ["One.\nTwo.", "", "Three."]
    assert split_blocks(pages[0], epub=True) == ["One.", "Two."]


def test_the_spine_s_order_counts_and_its_places_are_decoded(epub: MakeEpub, read: Read) -> None:
    """GIVEN places with escapes, parents, fragments and other kinds WHEN read THEN each item is in its place."""
    xhtml = 'media-type="application/xhtml+xml"'
    items = (
        f'<item id="a" href="text/caf%C3%A9%201.xhtml#part" {xhtml}/>'
        f'<item id="b" href="../top.xhtml" {xhtml}/>'
        '<item id="c" href="image.svg" media-type="image/svg+xml"/>'
        f'<item id="d" href="missing.xhtml" {xhtml}/>'
        f'<item id="e" href="http://[bad" {xhtml}/>'
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in ("b", "a", "c", "d", "e", "unknown"))
    changed = {
        "OEBPS/book.opf": _package(items, spine),
        "OEBPS/text/café 1.xhtml": "<p>one</p>",
        "top.xhtml": "<p>top</p>",
        "OEBPS/image.svg": "<svg/>",
    }
    assert read(epub(changed=changed)) == ["top", "one", "", "", "", ""]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"META-INF/container.xml": None}, "container.xml' is missing"),
        ({"META-INF/container.xml": "none"}, "is damaged"),
        ({"META-INF/container.xml": "<container/>"}, "names no package"),
        ({"OEBPS/book.opf": None}, "book.opf' is missing"),
        ({"OEBPS/book.opf": ""}, "is damaged"),
        ({"OEBPS/book.opf": "<package/>"}, "names no item"),
    ],
)
def test_a_book_without_its_papers_is_refused(
    epub: MakeEpub, read: Read, changed: dict[str, str | None], why: str
) -> None:
    """GIVEN a lost or damaged file about the book WHEN it is read THEN the refusal names it."""
    with pytest.raises(ApiError, match=why) as caught:
        read(epub("<p>x</p>", changed=changed))
    assert (caught.value.status, caught.value.code) == (422, "NOT_A_DOCUMENT")
    assert "\n" not in caught.value.message


def _encryption(place: str) -> dict[str, str]:
    reference = f'<x:CipherReference xmlns:x="http://www.w3.org/2001/04/xmlenc#" URI="{place}"/>'
    return {"META-INF/encryption.xml": f"<encryption>{reference}</encryption>"}


def test_a_protected_book_is_refused_and_disguised_fonts_are_not(epub: MakeEpub, read: Read) -> None:
    """GIVEN an encryption file WHEN it names a text THEN the book is refused; fonts harm nobody."""
    assert read(epub("<p>x</p>", changed=_encryption("OEBPS/fonts/a.otf"))) == ["x"]
    with pytest.raises(ApiError, match="protected"):
        read(epub("<p>x</p>", changed=_encryption("OEBPS/text/0.xhtml")))


def test_a_locked_zip_is_refused(epub: MakeEpub, read: Read) -> None:
    """GIVEN an entry that needs a password WHEN it is read THEN the refusal says so."""
    data = bytearray(epub("<p>x</p>"))
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"OEBPS/text/0.xhtml"))
    data[at + 8] |= 1
    with pytest.raises(ApiError, match="password"):
        read(bytes(data))


def test_another_way_of_packing_is_refused(epub: MakeEpub, read: Read) -> None:
    """GIVEN an entry packed by LZMA, whose dictionary could be huge WHEN it is read THEN it is not unpacked."""
    data = bytearray(epub("<p>x</p>"))
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"OEBPS/text/0.xhtml"))
    data[at + 10] = 14
    with pytest.raises(ApiError, match="packed in a way"):
        read(bytes(data))


def test_damaged_bytes_are_refused(epub: MakeEpub, read: Read) -> None:
    """GIVEN changed bytes or a cut file WHEN it is read THEN it is one line, whatever zipfile raised."""
    data = epub("<p>" + "".join(chr(97 + at * at % 26) for at in range(2000)) + "</p>")
    at = data.index(b"OEBPS/text/0.xhtml") + 60
    for damaged in (data[:at] + b"\xff\x00\xff" + data[at + 3 :], data[: len(data) // 2]):
        with pytest.raises(ApiError, match="cannot be read as an EPUB") as caught:
            read(damaged)
        assert "\n" not in caught.value.message


def test_the_limits_are_exact(epub: MakeEpub, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN limits on items, one item's bytes and all bytes WHEN they are met THEN it passes, one over fails."""
    data = epub("<p>x</p>", "<p>y</p>")
    assert len(read(data, 2)) == 2
    with pytest.raises(ApiError, match="2 items, at most 1") as caught:
        read(data, 1)
    assert caught.value.code == "TEXT_TOO_LONG"
    sizes: list[int] = []
    original = epub_text._Book.read

    def noted(book: epub_text._Book, place: str) -> bytes | None:
        found = original(book, place)
        sizes.append(len(found or b""))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(epub_text._Book, "read", noted)
        read(data)
    for name, size in (("MAX_ITEM_BYTES", max(sizes)), ("MAX_UNPACKED_BYTES", sum(sizes))):
        with monkeypatch.context() as patch:
            patch.setattr(epub_text, name, size)
            assert len(read(data)) == 2
            patch.setattr(epub_text, name, size - 1)
            with pytest.raises(ApiError, match="more than is taken"):
                read(data)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"mimetype": None}, True),
        ({"META-INF/container.xml": None}, True),
        ({"mimetype": "application/epub+zip\n", "META-INF/container.xml": None}, True),
        ({"mimetype": "application/vnd.oasis.opendocument.text", "META-INF/container.xml": None}, False),
        ({"mimetype": None, "META-INF/container.xml": None}, False),
    ],
)
def test_an_epub_is_told_from_other_zips(
    tmp_path: Path,
    epub: MakeEpub,
    changed: dict[str, str | None],
    expected: bool,  # noqa: FBT001
) -> None:
    """Its kind or its container makes a ZIP an EPUB."""
    path = tmp_path / "source"
    path.write_bytes(epub("<p>x</p>", changed=changed))
    assert is_epub(path) is expected


def test_half_a_zip_is_no_epub(tmp_path: Path, epub: MakeEpub) -> None:
    """What cannot be opened is none, and nothing is raised."""
    path = tmp_path / "source"
    path.write_bytes(epub("<p>x</p>")[:200])
    assert not is_epub(path)


def test_a_long_name_does_not_push_the_way_out_away(epub: MakeEpub, read: Read) -> None:
    """GIVEN an entry of a long name that is damaged WHEN it is read THEN the refusal is short and whole."""
    place = "\U0001f600" * 1000
    item = f'<item id="a" href="{place}" media-type="text/html"/>'
    book = epub(changed={"OEBPS/book.opf": _package(item, '<itemref idref="a"/>'), f"OEBPS/{place}": "x"})
    with pytest.raises(ApiError, match=r"Send another copy of it\.$") as caught:
        read(book.replace(f"OEBPS/{place}".encode(), f"OEBPX/{place}".encode(), 1))
    assert len(caught.value.message) < 300
