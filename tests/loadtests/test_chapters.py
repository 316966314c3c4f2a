import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.chapters import Block, Chapters, ChaptersError, Voice, place_of_reader


def page_of(count: int, page: int) -> list[Block]:
    """A page with that many blocks."""
    return [Block(page, index, f"{page}.{index}", f"hash {page}.{index}") for index in range(count)]


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


def test_blocks_without_a_document_are_read_live_only() -> None:
    """Chapters that no server's document holds go with mode live; another mode is one line with the way out."""
    without = Chapters("", "ab" * 32, 7, VOICES, "tts-1", CHAPTERS.chapters)
    without.require_mode("live")
    CHAPTERS.require_mode("hybrid")
    with pytest.raises(ChaptersError, match=r"^--mode cached: .* Use --mode live\.$"):
        without.require_mode("cached")
