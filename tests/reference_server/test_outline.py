"""A block's place in the document does not depend on which pages are made."""

import gc
import os
from pathlib import Path

import pytest

from reference_server.blocks import split_blocks, text_hash
from reference_server.errors import ApiError
from reference_server.outline import Outline
from reference_server.pages_file import PageSize, PagesWriter

PAGES = ["One.\n\nTwo.", "", "Three."]


@pytest.fixture
def on_disk(tmp_path: Path) -> Path:
    """The pages file of the same document."""
    path = tmp_path / "pages.bin"
    with path.open("wb") as file:
        writer = PagesWriter(file)
        for page in PAGES:
            writer.add(split_blocks(page))
        writer.finish()
    return path


def test_ordinals_follow_the_document(on_disk: Path) -> None:
    """Ordinals count from 1 through all pages; indices start again on each; empty pages have no block."""
    for outline in (Outline.of(PAGES), Outline.open(on_disk, "doc")):
        places = [(block.ordinal, block.page, block.index, block.text) for block in outline.blocks]
        assert places == [(1, 1, 0, "One."), (2, 1, 1, "Two."), (3, 3, 0, "Three.")]
        assert [len(page) for page in outline.pages()] == [2, 0, 1]
        assert (outline.page_count, outline.block_count, outline.characters) == (3, 3, 14)
        assert outline.sizes() == [PageSize(1, 2, 8), PageSize(2, 0, 0), PageSize(3, 1, 6)]


def test_blocks_are_those_of_the_splitter() -> None:
    """An outline adds places to the splitter's blocks, and nothing else."""
    page = Outline.of(PAGES).page(1)
    assert [block.text for block in page] == split_blocks(PAGES[0])
    assert [block.text_hash for block in page] == [text_hash("One."), text_hash("Two.")]


def test_an_epub_is_cut_as_one() -> None:
    """Every newline ends a paragraph."""
    assert [block.text for block in Outline.of(["One.\nTwo."], epub=True).blocks] == ["One.", "Two."]
    assert [block.text for block in Outline.of(["One.\nTwo."]).blocks] == ["One. Two."]


@pytest.mark.parametrize("number", [0, -1, 4])
def test_a_page_that_is_not_there_names_those_that_are(number: int) -> None:
    """Pages count from 1, and the refusal says up to where."""
    with pytest.raises(ApiError, match="1 to 3") as caught:
        Outline.of(PAGES).page(number)
    assert (caught.value.status, caught.value.code) == (404, "NO_PAGE")


def test_a_block_is_the_one_its_page_shows() -> None:
    """One block alone has the same place and text as among its page's."""
    outline = Outline.of(PAGES)
    assert [outline.block(block.page, block.index) for block in outline.blocks] == list(outline.blocks)


@pytest.mark.parametrize(("page", "index"), [(0, 0), (4, 0), (1, 2), (1, -1), (2, 0)])
def test_a_block_that_is_not_there_is_none(page: int, index: int) -> None:
    """Neither end of the range wraps around."""
    assert Outline.of(PAGES).block(page, index) is None


def test_an_outline_outlives_its_file(on_disk: Path) -> None:
    """GIVEN an open outline WHEN the document is removed THEN it is still read."""
    outline = Outline.open(on_disk, "doc")
    on_disk.unlink()
    assert outline.page(3)[0].text == "Three."


def test_an_outline_closes_its_file(on_disk: Path) -> None:
    """GIVEN outlines that nobody holds any more WHEN descriptors are counted THEN none is left open."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a Path would list nothing else
    for _ in range(10):
        Outline.open(on_disk, "doc").page(1)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_damage_is_told_with_the_way_out(on_disk: Path) -> None:
    """GIVEN a changed byte in a page WHEN it is read THEN that is refused, and the other pages are not."""
    data = bytearray(on_disk.read_bytes())
    data[data.index(b"Two")] ^= 1
    on_disk.write_bytes(data)
    outline = Outline.open(on_disk, "doc")
    assert outline.page(3)[0].text == "Three."
    with pytest.raises(ApiError, match=r"'doc' .*upload it again") as caught:
        outline.page(1)
    assert (caught.value.status, caught.value.code) == (500, "DOCUMENT_DAMAGED")


def test_a_failing_disk_is_told(on_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a disk that cannot read WHEN a page is asked for THEN it is an answer and no signal."""
    outline = Outline.open(on_disk, "doc")

    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    with pytest.raises(ApiError, match="Input/output error"):
        outline.page(1)


def test_a_server_without_descriptors_blames_no_document(
    on_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN too many open files WHEN an outline is opened THEN nobody is told to delete the document."""

    def fail(*_: object) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(OSError, match="Too many"):
        Outline.open(on_disk, "doc")


def test_a_missing_file_stays_missing(tmp_path: Path) -> None:
    """A file that is not there is for the caller to look for again."""
    with pytest.raises(FileNotFoundError):
        Outline.open(tmp_path / "nothing", "doc")
