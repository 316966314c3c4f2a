"""What was written is read, page by page; anything else is told, never shown."""

import io
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_server.pages_file import (
    MAX_PAGE_BLOCKS,
    MAX_PAGE_CHARACTERS,
    DamagedError,
    PageSize,
    PagesReader,
    PagesWriter,
)

PAGES = [["One.", "Two."], [], ["Drei, vier, fünf."]]


def _written(pages: Sequence[list[str]]) -> bytes:
    file = io.BytesIO()
    writer = PagesWriter(file)
    for page in pages:
        writer.add(page)
    writer.finish()
    return file.getvalue()


def _reader(data: bytes) -> PagesReader:
    return PagesReader(lambda offset, size: data[offset : offset + size], len(data))


def _everything(data: bytes) -> object:
    reader = _reader(data)
    pages = [reader.page(number) for number in range(1, reader.pages + 1)]
    return pages, list(reader.sizes()), reader.blocks, reader.characters


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))))
def test_what_was_written_is_read(pages: list[list[str]]) -> None:
    """GIVEN any pages WHEN they are written THEN each is read with the blocks before it, and all are counted."""
    reader = _reader(_written(pages))
    before = 0
    for number, page in enumerate(pages, start=1):
        assert reader.page(number) == (before, page)
        before += len(page)
    assert (reader.pages, reader.blocks) == (len(pages), before)
    assert reader.characters == sum(len(block) for page in pages for block in page)
    sizes = [PageSize(at, len(page), sum(map(len, page))) for at, page in enumerate(pages, start=1)]
    assert list(reader.sizes()) == sizes


def test_a_page_is_found_without_reading_the_others() -> None:
    """GIVEN a thousand pages WHEN one is read THEN no more bytes are read than its own and two records."""
    data = _written([[f"Page {number}, as long as it is."] for number in range(1000)])
    asked: list[int] = []

    def read(offset: int, size: int) -> bytes:
        asked.append(size)
        return data[offset : offset + size]

    reader = PagesReader(read, len(data))
    assert reader.page(500) == (499, ["Page 499, as long as it is."])
    assert sum(asked) < 150


def test_every_changed_byte_is_noticed() -> None:
    """GIVEN one flipped bit anywhere WHEN everything is read THEN the damage is told, or nothing has changed."""
    data = _written(PAGES)
    whole = _everything(data)
    told = 0
    for at in range(len(data)):
        flipped = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
        try:
            assert _everything(flipped) == whole
        except DamagedError:
            told += 1
    assert told == len(data)


@pytest.mark.parametrize("kept", range(len(_written(PAGES))))
def test_every_cut_is_noticed(kept: int) -> None:
    """GIVEN a file cut anywhere WHEN it is opened THEN the damage is told."""
    with pytest.raises(DamagedError):
        _everything(_written(PAGES)[:kept])


def test_a_page_has_at_most_so_many_characters() -> None:
    """GIVEN blocks of exactly a page's limit WHEN one character more comes THEN it begins the next page."""
    half = "a" * (MAX_PAGE_CHARACTERS // 2)
    assert _reader(_written([[half, half]])).pages == 1
    longer = _reader(_written([[half, half, "b"], ["c"]]))
    assert [longer.page(number) for number in (2, 3)] == [(2, ["b"]), (3, ["c"])]


def test_a_page_has_at_most_so_many_blocks() -> None:
    """GIVEN blocks of exactly a page's limit WHEN one more comes THEN it begins the next page."""
    assert _reader(_written([["a"] * MAX_PAGE_BLOCKS])).pages == 1
    longer = _reader(_written([["a"] * (MAX_PAGE_BLOCKS + 1)]))
    assert longer.page(2) == (MAX_PAGE_BLOCKS, ["a"])


def test_a_block_longer_than_a_page_is_a_page() -> None:
    """GIVEN a block above the limit WHEN it comes first THEN no empty page is put before it."""
    assert _reader(_written([["a" * (MAX_PAGE_CHARACTERS + 1)]])).pages == 1
