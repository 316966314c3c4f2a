import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.chapters import Block, Chapters, ChaptersError, Voice, choose_chapters, place_of_reader


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


VOICES = (Voice("alloy", 1.0), Voice("nova", 1.25))
DIALOGUE = Chapters("doc-dialogue", "cd" * 32, 3, VOICES, "tts-1", (tuple(page_of(2, 3)),))
CHAPTERS = Chapters(
    "doc", "ab" * 32, 7, VOICES, "tts-1", (tuple(page_of(2, 1)), tuple(page_of(1, 5))), DIALOGUE
)


def test_a_saved_file_is_the_wire_format_and_loads_again(tmp_path: Path) -> None:
    """chapters.json has the agreed names, and loading gives back what was saved."""
    path = tmp_path / "chapters.json"
    CHAPTERS.save(path)
    value = json.loads(path.read_text())
    names = ["documentId", "documentSha256", "pages", "voices", "model", "chapters"]
    assert list(value) == [*names, "dialogue"]
    assert list(value["dialogue"]) == names
    assert value["voices"] == [{"voice": "alloy", "speed": 1.0}, {"voice": "nova", "speed": 1.25}]
    assert value["chapters"][1] == [{"page": 5, "blockIndex": 0, "text": "5.0", "textHash": "hash 5.0"}]
    assert Chapters.load(path) == CHAPTERS


def test_chapters_travel_as_one_line_of_text() -> None:
    """What a master sends is one line, and a worker has the same chapters from it, with dialogue or without."""
    for chapters in (CHAPTERS, DIALOGUE):
        assert "\n" not in chapters.text()
        assert Chapters.parse(chapters.text()) == chapters


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"chapters": [[{"page": "x"}]]}', '{"chapters": 3}', "\x00"]
)
def test_another_file_is_one_clear_line(tmp_path: Path, text: str) -> None:
    """A file that is no chapters file is named in one line with the way out."""
    path = tmp_path / "chapters.json"
    path.write_text(text)
    with pytest.raises(ChaptersError, match=r"is no chapters file.*python -m loadtests\.prepare") as raised:
        Chapters.load(path)
    assert "\n" not in str(raised.value)


def test_an_absent_file_and_one_without_blocks_say_so(tmp_path: Path) -> None:
    """An absent file and one without a block are told apart."""
    path = tmp_path / "chapters.json"
    with pytest.raises(ChaptersError, match="No such file"):
        Chapters.load(path)
    Chapters("doc", "", 1, VOICES, "tts-1", ((),)).save(path)
    with pytest.raises(ChaptersError, match="no chapter with a block"):
        Chapters.load(path)
    Chapters("doc", "", 1, (), "tts-1", CHAPTERS.chapters).save(path)
    with pytest.raises(ChaptersError, match="has no voice"):
        Chapters.load(path)


def test_readers_share_chapters_evenly_and_start_apart() -> None:
    """32 readers of 8 chapters: four each, who start at the quarters of their chapter."""
    chapters = [tuple(page_of(20, page)) for page in range(1, 9)]
    places = [place_of_reader(number, chapters) for number in range(32)]
    for chapter in chapters:
        assert sorted(first for read, first in places if read is chapter) == [0, 5, 10, 15]


@given(st.integers(0, 10_000_000), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_every_reader_has_a_place(number: int, lengths: list[int]) -> None:
    """Whatever the number: a chapter, and a block within it."""
    chapters = [tuple(page_of(length, page)) for page, length in enumerate(lengths, 1)]
    chapter, first = place_of_reader(number, chapters)
    assert 0 <= first < len(chapter)
