import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.chapter_choice import choose_chapters
from loadtests.chapters import Block, ChaptersError


def page_of(count: int, page: int) -> list[Block]:
    """A page with that many blocks."""
    return [Block(page, index, f"{page}.{index}", f"hash {page}.{index}") for index in range(count)]


def test_chapters_are_spread_evenly_and_cut() -> None:
    """Four chapters of a 100-page document start at its quarters and have exactly the blocks asked for."""
    chosen = choose_chapters(100, lambda page: page_of(3, page), chapters=4, blocks=20)
    assert [chapter[0].page for chapter in chosen] == [1, 26, 51, 76]
    assert [len(chapter) for chapter in chosen] == [20] * 4
    assert (chosen[0][-1].page, chosen[0][-1].block_index) == (7, 1)


def test_empty_pages_are_skipped() -> None:
    """A page without blocks neither ends a chapter nor makes one."""
    chosen = choose_chapters(9, lambda page: page_of(0 if page in {1, 3} else 2, page), chapters=1, blocks=4)
    assert [(block.page, block.block_index) for block in chosen[0]] == [(2, 0), (2, 1), (4, 0), (4, 1)]


def test_a_document_without_a_block_is_refused() -> None:
    """A document of blank pages is an error that says so."""
    with pytest.raises(ChaptersError, match="none of the document's 3 pages has a block"):
        choose_chapters(3, lambda _: [], chapters=2, blocks=5)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 9), st.integers(1, 12))
def test_chapters_are_consecutive_and_never_overlap(counts: list[int], chapters: int, blocks: int) -> None:
    """Whatever the pages hold: no block in two chapters, none left out inside one, each page loaded once."""
    loaded: list[int] = []

    def load(page: int) -> list[Block]:
        loaded.append(page)
        return page_of(counts[page - 1], page)

    everything = [block for page in range(1, len(counts) + 1) for block in page_of(counts[page - 1], page)]
    try:
        chosen = choose_chapters(len(counts), load, chapters, blocks)
    except ChaptersError:
        # A later page may have blocks, but every chapter's stretch reaches the document's end.
        assert not everything
        return
    taken = [block for chapter in chosen for block in chapter]
    assert len(set(taken)) == len(taken)
    assert len(loaded) == len(set(loaded))
    for chapter in chosen:
        start = everything.index(chapter[0])
        assert tuple(everything[start : start + len(chapter)]) == chapter
        assert len(chapter) <= blocks
