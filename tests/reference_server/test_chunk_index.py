"""What is known of chunks is what is on disk, or nothing: whoever changes it, and however little time passes."""

import gc
import json
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reference_server import chunk_index
from reference_server.chunk import Chunk, Voicing, audio_name
from reference_server.chunk_index import ENTRY_BYTES, MAX_BYTES, ChunkIndex, Known
from reference_server.outline import Block, Outline
from reference_server.store import ChunkStore

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
OUTLINE = Outline.of(["One.\n\nTwo."])
ONE, TWO = OUTLINE.blocks
TIMINGS = {"alignments": [{"sentence": 'One "timings": é.', "sentenceIndex": 0, "words": []}]}


class Shelf:
    """A store, its index, and the documents whose chunks they are of."""

    def __init__(self, root: Path, audio: bytes, max_bytes: int = MAX_BYTES) -> None:
        self.audio = audio
        self.documents = root / "documents"
        self.index = ChunkIndex(self.documents, max_bytes)
        self.store = ChunkStore(root / "store", on_change=self.index.forget)
        for name in ("doc", "other"):
            (self.documents / name).mkdir(parents=True)
            (self.documents / name / "document.json").write_text("{}")

    def put(self, block: Block, audio: bytes | None = None, document_id: str = "doc") -> None:
        """Store a chunk."""
        staged = self.store.stage(document_id, audio or self.audio)
        self.store.commit(document_id, block, VOICING, staged, TIMINGS)

    def learn(self, block: Block, document_id: str = "doc") -> Known:
        """Find a chunk on disk, and return what is known of it from then on."""
        state = self.index.state_of(document_id)
        self.index.open(document_id, self.on_disk(block, document_id), state).close()
        known = self.find(block, document_id)
        assert known is not None
        return known

    def on_disk(self, block: Block, document_id: str = "doc") -> Chunk:
        """Return a chunk as the disk has it."""
        chunk = self.store.find(document_id, block)
        assert chunk is not None
        return chunk

    def find(self, block: Block, document_id: str = "doc") -> Known | None:
        """Return what is known of a chunk."""
        return self.index.find(document_id, block.page, block.index)


@pytest.fixture
def shelf(tmp_path: Path, mp3: bytes) -> Shelf:
    """A store with two chunks, one of them known."""
    shelf = Shelf(tmp_path, mp3)
    shelf.put(ONE)
    shelf.put(TWO)
    shelf.learn(ONE)
    return shelf


def test_what_is_known_is_what_is_stored(shelf: Shelf, mp3: bytes) -> None:
    """GIVEN a chunk that was opened once WHEN it is looked for THEN sound, times and settings are the disk's."""
    known, chunk = shelf.learn(ONE), shelf.on_disk(ONE)
    file = known.open_audio()
    assert file is not None
    with file:
        assert file.read() == mp3
    assert known.is_whole()
    assert (known.etag, known.size_bytes) == (f'"{chunk.sha256}"', len(mp3))
    assert (known.voicing, known.text_hash) == (VOICING, ONE.text_hash)
    assert json.loads(known.read_timings() or b"") == TIMINGS
    assert shelf.find(TWO) is None
    assert shelf.find(ONE, "other") is None


def test_a_sidecar_of_another_make_has_no_known_times(shelf: Shelf) -> None:
    """GIVEN a sidecar whose times are not at its end WHEN it is read THEN they are not guessed."""
    path = shelf.on_disk(TWO).path.with_suffix(".json")
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "more": 1}))
    assert shelf.learn(TWO).read_timings() is None


def _other_sound(audio: bytes) -> bytes:
    return audio[:-1] + bytes([audio[-1] ^ 1])


def _replace(shelf: Shelf) -> None:
    shelf.put(ONE, _other_sound(shelf.audio))


def _delete(shelf: Shelf) -> None:
    shelf.store.delete("doc")


def _delete_and_put(shelf: Shelf) -> None:
    shelf.store.delete("doc")
    shelf.put(ONE, _other_sound(shelf.audio))


def _prune(shelf: Shelf) -> None:
    shelf.store.prune("doc", Outline.of([""]))


def _evict(shelf: Shelf) -> None:
    shelf.store._space._max_bytes = 1
    shelf.store.sweep()


OWN = [_replace, _delete, _delete_and_put, _prune, _evict]


@pytest.mark.parametrize("change", OWN)
def test_what_the_store_does_is_known_without_a_look_at_the_disk(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, change: Callable[[Shelf], None]
) -> None:
    """GIVEN a disk on which every file looks as before WHEN the store changes a chunk THEN it is not known any more.

    An inode is used again at once, and a file system's clock may stand for some milliseconds.
    """
    monkeypatch.setattr(chunk_index, "_is_still", lambda _path, _mark: True)
    assert shelf.find(ONE) is not None
    change(shelf)
    assert shelf.find(ONE) is None


def _touch_document(shelf: Shelf) -> None:
    other = shelf.documents / "other.json"
    other.write_text("{}")
    other.replace(shelf.documents / "doc" / "document.json")


def _remove_document(shelf: Shelf) -> None:
    (shelf.documents / "doc" / "document.json").unlink()


def _damage_sidecar(shelf: Shelf) -> None:
    shelf.on_disk(ONE).path.with_suffix(".json").write_text("{")


def _remove_sidecar(shelf: Shelf) -> None:
    shelf.on_disk(ONE).path.with_suffix(".json").unlink()


@pytest.mark.parametrize(
    "change", [*OWN, _touch_document, _remove_document, _damage_sidecar, _remove_sidecar]
)
def test_what_other_hands_do_is_seen_on_the_disk(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, change: Callable[[Shelf], None]
) -> None:
    """GIVEN an index that is told nothing WHEN document or sidecar change THEN the chunk is not known any more."""
    monkeypatch.setattr(shelf.store._space, "_on_change", lambda *_args: None)
    change(shelf)
    assert shelf.find(ONE) is None


@pytest.mark.parametrize("how", ["cut", "remove", "replace"])
def test_a_damaged_mp3_is_seen_before_it_is_sent(shelf: Shelf, how: str) -> None:
    """GIVEN an MP3 that another hand changed WHEN it is to be sent THEN it is not opened, and not called whole."""
    known = shelf.learn(ONE)
    path = Path(known.audio)
    if how == "cut":
        os.truncate(path, 10)
    elif how == "remove":
        path.unlink()
    else:
        path.with_name("x").write_bytes(_other_sound(shelf.audio))
        path.with_name("x").replace(path)
    assert known.open_audio() is None
    assert not known.is_whole()


def test_what_was_read_before_a_change_is_not_remembered_after_it(shelf: Shelf) -> None:
    """GIVEN a chunk that is being read WHEN any chunk changes before it is remembered THEN it is only opened."""
    state, chunk = shelf.index.state_of("doc"), shelf.on_disk(TWO)
    shelf.put(ONE)
    shelf.index.open("doc", chunk, state).close()
    assert shelf.find(TWO) is None


def test_a_chunk_that_went_since_it_was_found_is_not_opened(shelf: Shelf) -> None:
    """GIVEN a chunk that was found WHEN it is removed before it is opened THEN that is told, and nothing known."""
    state, chunk = shelf.index.state_of("doc"), shelf.on_disk(TWO)
    shelf.store.delete("doc")
    with pytest.raises(FileNotFoundError):
        shelf.index.open("doc", chunk, state)
    assert len(shelf.index) == 0


def test_a_new_document_begins_with_nothing(shelf: Shelf) -> None:
    """GIVEN known chunks WHEN the document is replaced and one is read anew THEN only that one is known."""
    shelf.learn(TWO)
    _touch_document(shelf)
    shelf.learn(TWO)
    assert len(shelf.index) == 1
    assert shelf.find(ONE) is None


def test_files_that_are_no_chunk_s_change_nothing(shelf: Shelf) -> None:
    """GIVEN known chunks WHEN another is staged and the metadata written THEN they stay known."""
    shelf.store.discard(shelf.store.stage("doc", shelf.audio))
    shelf.store.rebuild_metadata("doc", VOICING)
    assert shelf.find(ONE) is not None


def test_the_documents_that_nobody_asks_for_go_first(tmp_path: Path, mp3: bytes) -> None:
    """GIVEN room for two chunks WHEN a third is read THEN the document goes that was asked for longest ago."""
    shelf = Shelf(tmp_path, mp3, 2 * ENTRY_BYTES)
    for block, document_id in ((ONE, "doc"), (ONE, "other"), (TWO, "doc")):
        shelf.put(block, None, document_id)
    shelf.learn(ONE)
    shelf.learn(ONE, "other")
    assert shelf.find(ONE) is not None
    shelf.learn(TWO)
    assert shelf.find(ONE, "other") is None
    assert (shelf.find(ONE) is not None, len(shelf.index)) == (True, 2)


def test_a_document_that_is_too_large_keeps_its_latest(tmp_path: Path, mp3: bytes) -> None:
    """GIVEN room for one chunk WHEN a second of the same document is read THEN the first goes."""
    shelf = Shelf(tmp_path, mp3, ENTRY_BYTES)
    shelf.put(ONE)
    shelf.put(TWO)
    shelf.learn(ONE)
    shelf.learn(TWO)
    assert (shelf.find(ONE), len(shelf.index)) == (None, 1)


def test_a_chunk_costs_no_more_than_it_counts(tmp_path: Path, mp3: bytes) -> None:
    """GIVEN a thousand known chunks of a document WHEN their memory is measured THEN it is within what is counted."""
    shelf = Shelf(tmp_path, mp3)
    shelf.put(ONE)
    first = shelf.on_disk(ONE)
    blocks = [Block(at // 10 + 1, at % 10, at + 1, f"Text {at}.") for at in range(1000)]
    folder = first.path.parent
    for block in blocks:
        path = folder / audio_name(block)
        path.write_bytes(b"x" * first.size_bytes)
        chunk = replace(first, path=path, ordinal=block.ordinal, page=block.page, block_index=block.index)
        chunk = replace(chunk, text=block.text, text_hash=block.text_hash)
        path.with_suffix(".json").write_text(json.dumps(chunk.to_json()))
    shelf.learn(blocks[0])
    gc.collect()
    tracemalloc.start()
    for block in blocks:
        state = shelf.index.state_of("doc")
        shelf.index.open("doc", shelf.on_disk(block), state).close()
    gc.collect()
    size_bytes = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(shelf.index) == 1000
    assert ENTRY_BYTES // 4 < size_bytes / 1000 < ENTRY_BYTES
