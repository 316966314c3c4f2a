"""What is remembered of a document's pages is what the disk would tell now, whoever changed it."""

import gc
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reference_server import survey_memory
from reference_server.blocks import split_blocks
from reference_server.chunk import Chunk, Voicing, Wanted
from reference_server.errors import ApiError
from reference_server.outline import Block, Outline
from reference_server.pages_file import PagesWriter
from reference_server.store import ChunkStore
from reference_server.survey import Survey, survey
from reference_server.survey_memory import ENTRY_BYTES, MAX_BYTES, SurveyMemory

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
PAGES = ("One.\n\nTwo.", "", "Three.")


class Shelf:
    """A store with one whole document, and the memory that it tells of changes."""

    def __init__(self, root: Path, audio: bytes, max_bytes: int = MAX_BYTES) -> None:
        self.audio = audio
        self.pages = root / "pages.bin"
        self.memory = SurveyMemory(root / "store", max_bytes)
        self.store = ChunkStore(root / "store", on_change=self.memory.forget)
        self.write(*PAGES)
        self.put_all()

    def write(self, *texts: str) -> None:
        """Put a document in the place of the one that there is."""
        other = self.pages.with_name("other")
        with other.open("wb") as file:
            writer = PagesWriter(file)
            for text in texts:
                writer.add(split_blocks(text))
            writer.finish()
        other.replace(self.pages)

    @property
    def outline(self) -> Outline:
        """The document as it is now, opened anew."""
        return Outline.open(self.pages, "doc")

    def put(self, block: Block, voicing: Voicing = VOICING, document_id: str = "doc") -> None:
        """Store a chunk."""
        staged = self.store.stage(document_id, self.audio)
        self.store.commit(document_id, block, voicing, staged, {"alignments": []})

    def put_all(self) -> None:
        """Store every chunk of the document."""
        for block in self.outline.blocks:
            self.put(block)

    def look(self, wanted: Wanted | None = None) -> Survey:
        """Return what the memory tells."""
        return survey(self.store, "doc", self.outline, wanted or Wanted(), self.memory.look)

    def on_disk(self, wanted: Wanted | None = None) -> Survey:
        """Return what is there."""
        return survey(self.store, "doc", self.outline, wanted or Wanted())

    def sidecar(self, ordinal: int) -> Path:
        """Return a chunk's sidecar."""
        block = next(block for block in self.outline.blocks if block.ordinal == ordinal)
        chunk = self.store.find("doc", block)
        assert chunk is not None
        return chunk.path.with_suffix(".json")


@pytest.fixture
def shelf(tmp_path: Path, mp3: bytes) -> Shelf:
    """A document of three pages, one of them empty, all stored and looked at once."""
    shelf = Shelf(tmp_path, mp3)
    assert shelf.look() == shelf.on_disk()
    return shelf


@pytest.fixture
def reads(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ordinals of the blocks whose sidecars were read, in order."""
    read: list[int] = []
    find = shelf.store.find

    def find_and_note(document_id: str, block: Block) -> Chunk | None:
        read.append(block.ordinal)
        return find(document_id, block)

    monkeypatch.setattr(shelf.store, "find", find_and_note)
    return read


def test_what_is_as_it_was_is_not_read_again(shelf: Shelf, reads: list[int]) -> None:
    """GIVEN pages that were looked at WHEN they are again, with whatever wishes, THEN no sidecar is read."""
    for wanted in (Wanted(), Wanted(voice="nova"), Wanted("alloy", 1.0, "tts-1")):
        told = shelf.look(wanted)
        assert reads == []
        assert told == shelf.on_disk(wanted)
        reads.clear()
    assert (shelf.look().state, shelf.look().pages, len(shelf.memory)) == ("complete", (1, 3), 3)


def test_a_page_that_changed_is_read_and_no_other(shelf: Shelf, reads: list[int]) -> None:
    """GIVEN a job under way WHEN it has stored one more chunk THEN the page of that chunk alone is read."""
    shelf.put(next(shelf.outline.blocks), replace(VOICING, voice="nova"))
    reads.clear()
    told = shelf.look()
    assert reads == [1, 2]
    assert told == shelf.on_disk()


def _replace(shelf: Shelf) -> None:
    shelf.put(next(shelf.outline.blocks), replace(VOICING, speed=1.5))


def _delete(shelf: Shelf) -> None:
    shelf.store.delete("doc")


def _delete_and_put(shelf: Shelf) -> None:
    shelf.store.delete("doc")
    shelf.put(next(shelf.outline.blocks))


def _prune(shelf: Shelf) -> None:
    shelf.store.prune("doc", Outline.of(["One."]))


def _evict(shelf: Shelf) -> None:
    shelf.store._space._max_bytes = 1
    shelf.store.sweep()


OWN = [_replace, _delete, _delete_and_put, _prune, _evict]


@pytest.mark.parametrize("change", OWN)
def test_what_the_store_does_is_told_without_a_look_at_the_disk(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, change: Callable[[Shelf], None]
) -> None:
    """GIVEN files that always look as before WHEN the store changes a chunk THEN its page is read anew.

    An inode is used again at once, and a file system's clock may stand for some milliseconds.
    """
    monkeypatch.setattr(survey_memory, "_state_of", lambda *_place: b"as before")
    wanted = Wanted(speed=1.0)
    assert shelf.look(wanted).state == "complete"
    change(shelf)
    assert shelf.look(wanted).state != "complete"
    assert shelf.look(wanted) == shelf.on_disk(wanted)


def _damage_sidecar(shelf: Shelf) -> None:
    shelf.sidecar(1).write_text("{")


def _remove_sidecar(shelf: Shelf) -> None:
    shelf.sidecar(2).unlink()


def _cut_mp3(shelf: Shelf) -> None:
    os.truncate(shelf.sidecar(3).with_suffix(".mp3"), 10)


def _remove_mp3(shelf: Shelf) -> None:
    shelf.sidecar(3).with_suffix(".mp3").unlink()


def _rename_folder(shelf: Shelf) -> None:
    folder = shelf.sidecar(1).parent
    folder.rename(folder.with_name("elsewhere"))


def _other_document(shelf: Shelf) -> None:
    shelf.write("Uno.\n\nTwo.", "More.")


def _longer_document(shelf: Shelf) -> None:
    shelf.write(*PAGES, "Four.")


@pytest.mark.parametrize(
    "change",
    [
        *OWN,
        _damage_sidecar,
        _remove_sidecar,
        _cut_mp3,
        _remove_mp3,
        _rename_folder,
        _other_document,
        _longer_document,
    ],
)
def test_what_other_hands_do_is_seen_on_the_disk(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, change: Callable[[Shelf], None]
) -> None:
    """GIVEN a memory that is told nothing WHEN document or chunks change THEN it tells what there is now."""
    monkeypatch.setattr(shelf.store._space, "_on_change", lambda *_args: None)
    wanted = Wanted(speed=1.0)
    before = shelf.look(wanted)
    change(shelf)
    told = shelf.look(wanted)
    assert told == shelf.on_disk(wanted)
    assert told != before


def test_what_was_missing_is_seen_once_it_is_there(
    shelf: Shelf, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a document without chunks, looked at WHEN another hand puts them there THEN they are told."""
    monkeypatch.setattr(shelf.store._space, "_on_change", lambda *_args: None)
    folder = shelf.sidecar(1).parent
    aside = folder.rename(folder.with_name("elsewhere"))
    assert (shelf.look().state, len(shelf.memory)) == ("missing", 3)
    reads.clear()
    assert (shelf.look().state, reads) == ("missing", [])
    aside.rename(folder)
    assert shelf.look().state == "complete"


def test_a_damaged_document_is_told(shelf: Shelf) -> None:
    """GIVEN pages that are remembered WHEN another hand changes the document's text THEN the look says so."""
    data = bytearray(shelf.pages.read_bytes())
    data[2] ^= 1
    shelf.pages.write_bytes(data)
    with pytest.raises(ApiError) as caught:
        shelf.look()
    assert caught.value.code == "DOCUMENT_DAMAGED"


def test_what_was_read_before_a_change_is_not_remembered_after_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a page that is being read WHEN the store changes any chunk meanwhile THEN the page is not kept."""
    shelf.memory.forget("doc")
    find = shelf.store.find

    def find_slowly(document_id: str, block: Block) -> Chunk | None:
        found = find(document_id, block)
        if block.ordinal == 3:
            shelf.memory.forget("other", "0001__page-001__block-000.mp3")
        return found

    monkeypatch.setattr(shelf.store, "find", find_slowly)
    shelf.look()
    assert len(shelf.memory) == 2


def test_a_page_of_several_voices_or_another_text_is_read_each_time(shelf: Shelf, reads: list[int]) -> None:
    """GIVEN chunks that differ within a page, or from the text WHEN looked at twice THEN both looks read the page."""
    shelf.put(next(shelf.outline.blocks), replace(VOICING, voice="nova"))
    shelf.write("One.\n\nTwo.", "", "Another.")
    for _ in range(2):
        reads.clear()
        told = shelf.look()
        assert reads == [1, 2, 3]
        assert told == shelf.on_disk()
    assert len(shelf.memory) == 1


def test_files_that_are_no_chunk_s_change_nothing(shelf: Shelf, reads: list[int]) -> None:
    """GIVEN remembered pages WHEN another chunk is staged and the metadata written THEN they stay so."""
    shelf.store.discard(shelf.store.stage("doc", shelf.audio))
    shelf.store.rebuild_metadata("doc", VOICING)
    reads.clear()
    shelf.look()
    assert reads == []


def test_an_outline_in_memory_is_read_each_time(shelf: Shelf) -> None:
    """GIVEN a document without a file WHEN it is looked at THEN nothing is kept: it has no mark."""
    shelf.memory.forget("doc")
    outline = Outline.of(PAGES)
    assert survey(shelf.store, "doc", outline, Wanted(), shelf.memory.look).state == "complete"
    assert len(shelf.memory) == 0


def test_the_documents_that_nobody_asks_for_go_first(tmp_path: Path, mp3: bytes) -> None:
    """GIVEN room for four pages WHEN those of a third document come THEN that goes which was asked for longest ago."""
    shelf = Shelf(tmp_path, mp3, 4 * ENTRY_BYTES)
    outline = shelf.outline
    for document_id, page in (("a", 1), ("a", 2), ("b", 1), ("b", 2), ("a", 1), ("c", 1)):
        shelf.memory.look(shelf.store, document_id, outline, page)
    assert list(shelf.memory._shelves) == ["a", "c"]
    assert len(shelf.memory) == 3


def test_a_document_that_is_too_large_keeps_its_latest(tmp_path: Path, mp3: bytes) -> None:
    """GIVEN room for one page WHEN a document of three is looked at THEN the last stays, and all is told."""
    shelf = Shelf(tmp_path, mp3, ENTRY_BYTES)
    assert shelf.look() == shelf.on_disk()
    assert len(shelf.memory) == 1


def test_a_page_costs_no_more_than_it_counts(tmp_path: Path, mp3: bytes) -> None:
    """GIVEN a thousand remembered pages WHEN their memory is measured THEN it is within what is counted."""
    shelf = Shelf(tmp_path, mp3)
    shelf.store.delete("doc")
    shelf.write(*(f"Page {number}." for number in range(1000)))
    shelf.put(next(shelf.outline.blocks))
    shelf.look()
    shelf.memory.forget("doc")
    gc.collect()
    tracemalloc.start()
    shelf.look()
    gc.collect()
    size_bytes = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(shelf.memory) == 1000
    assert ENTRY_BYTES // 4 < size_bytes / 1000 < ENTRY_BYTES
