"""The chunk store keeps the plan's layout, and shows whole chunks only, whatever kills its writer."""

import errno
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reference_server.chunk import Voicing
from reference_server.outline import Block, Outline
from reference_server.store import AudioError, ChunkStore, StoreFullError, StoreStats

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
OTHER = replace(VOICING, voice="nova")
OUTLINE = Outline.of(["One.\n\nTwo.", "", "Three."])
ONE, TWO, THREE = OUTLINE.blocks
TIMINGS = {"alignments": [{"sentence": "One.", "sentenceIndex": 0, "words": []}]}


class Killed(BaseException):
    """The process ends here, as by SIGKILL: nothing after it runs."""


@pytest.fixture
def store(tmp_path: Path) -> ChunkStore:
    """An empty store."""
    return ChunkStore(tmp_path / "tts_cache_v1")


def _put(store: ChunkStore, block: Block, audio: bytes, voicing: Voicing = VOICING) -> None:
    store.commit("doc", block, voicing, store.stage("doc", audio), TIMINGS)


def _files(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file()}


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_layout_is_the_plans(store: ChunkStore, tmp_path: Path, mp3: bytes) -> None:
    """A page made alone has the place that it has in the whole document, and its sidecar beside it."""
    _put(store, THREE, mp3)
    store.rebuild_metadata("doc", VOICING)
    folder = tmp_path / "tts_cache_v1" / "doc"
    assert _names(folder) == ["chunks", "tts.meta.json"]
    assert _names(folder / "chunks") == ["0003__page-003__block-000.json", "0003__page-003__block-000.mp3"]
    assert (folder / "chunks" / "0003__page-003__block-000.mp3").read_bytes() == mp3


def test_a_chunk_knows_what_it_is(store: ChunkStore, mp3: bytes) -> None:
    """Text, hashes, settings, size, duration and timings come back as they were stored."""
    _put(store, ONE, mp3)
    chunk = store.find("doc", ONE)
    assert chunk is not None
    assert (chunk.text, chunk.text_hash, chunk.voicing) == ("One.", ONE.text_hash, VOICING)
    assert (chunk.size_bytes, chunk.sha256) == (len(mp3), hashlib.sha256(mp3).hexdigest())
    assert chunk.duration_s == pytest.approx(0.5, abs=0.1)
    assert chunk.timings == TIMINGS


def test_what_is_not_stored_is_none(store: ChunkStore, mp3: bytes) -> None:
    """Neither another block nor another document has the chunk."""
    _put(store, ONE, mp3)
    assert store.find("doc", TWO) is None
    assert store.find("other", ONE) is None


@pytest.mark.parametrize("audio", [b"", b"<html>Bad gateway</html>", bytes(5000)])
def test_what_is_no_mp3_is_refused_and_leaves_nothing(
    store: ChunkStore, tmp_path: Path, audio: bytes
) -> None:
    """An empty or foreign body from upstream never becomes a chunk."""
    with pytest.raises(AudioError):
        store.stage("doc", audio)
    assert _names(tmp_path / "tts_cache_v1") == []


def test_discarding_touches_only_what_is_not_yet_a_chunk(store: ChunkStore, mp3: bytes) -> None:
    """A staged file goes; one that became a chunk stays."""
    staged = store.stage("doc", mp3)
    store.discard(staged)
    assert not staged.path.exists()
    staged = store.stage("doc", mp3)
    store.commit("doc", ONE, VOICING, staged, TIMINGS)
    store.discard(staged)
    assert store.find("doc", ONE) is not None


def test_has_asks_for_text_and_settings(store: ChunkStore, mp3: bytes) -> None:
    """Only a chunk of this text with these settings need not be made again."""
    _put(store, ONE, mp3)
    assert store.has("doc", ONE, VOICING)
    assert not store.has("doc", ONE, OTHER)
    assert not store.has("doc", replace(ONE, text="One changed."), VOICING)


def _kill_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """End the process at the step-th of the calls that change the disk."""
    left = step

    def counted(original: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return original(*args, **kwargs)

        return call

    for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync")):
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))


@pytest.mark.parametrize("step", range(8))
def test_a_kill_between_any_two_steps_shows_old_or_new_but_never_a_mixture(
    store: ChunkStore, mp3: bytes, step: int
) -> None:
    """Killed while a chunk is replaced by one of the same size, the store shows the old, the new or none."""
    _put(store, ONE, mp3)
    other = mp3[:-1] + bytes([mp3[-1] ^ 1])
    with pytest.MonkeyPatch.context() as monkeypatch:
        _kill_at(monkeypatch, step)
        with pytest.raises(Killed):
            _put(store, ONE, other, OTHER)
    chunk = store.find("doc", ONE)
    if chunk is not None:
        audio = chunk.path.read_bytes()
        assert hashlib.sha256(audio).hexdigest() == chunk.sha256
        assert audio == (mp3 if chunk.voicing == VOICING else other)
    _put(store, ONE, other, OTHER)
    assert store.has("doc", ONE, OTHER)


def test_the_kills_above_meet_every_step(store: ChunkStore, mp3: bytes) -> None:
    """A replacement has exactly as many steps as the test above kills at: with one more it gets through."""
    _put(store, ONE, mp3)
    with pytest.MonkeyPatch.context() as monkeypatch:
        _kill_at(monkeypatch, 8)
        _put(store, ONE, mp3, OTHER)
    assert store.has("doc", ONE, OTHER)


def test_pruning_removes_debris_and_blocks_that_are_gone(
    store: ChunkStore, tmp_path: Path, mp3: bytes
) -> None:
    """Files aside and chunks outside the outline go, chunks of the document stay."""
    _put(store, ONE, mp3)
    _put(store, Block(9, 9, 99, "Gone."), mp3)
    store.stage("doc", mp3)
    store.prune("doc", OUTLINE)
    store.prune("unknown", OUTLINE)
    folder = tmp_path / "tts_cache_v1" / "doc" / "chunks"
    assert _names(folder) == ["0001__page-001__block-000.json", "0001__page-001__block-000.mp3"]


def test_metadata_has_the_plans_fields(store: ChunkStore, tmp_path: Path, mp3: bytes) -> None:
    """tts.meta.json lists the chunks with the asked settings in document order, createdAt in Unix seconds."""
    _put(store, THREE, mp3)
    _put(store, ONE, mp3)
    _put(store, TWO, mp3, OTHER)
    store.rebuild_metadata("doc", VOICING)
    metadata = json.loads((tmp_path / "tts_cache_v1" / "doc" / "tts.meta.json").read_text("utf-8"))
    chunk = store.find("doc", ONE)
    assert chunk is not None
    assert {
        key: metadata[key] for key in ("documentId", "ttsProvider", "ttsModel", "voice", "nativeSpeed")
    } == {
        "documentId": "doc",
        "ttsProvider": "openai",
        "ttsModel": "tts-1",
        "voice": "alloy",
        "nativeSpeed": 1.0,
    }
    assert metadata["createdAt"] == chunk.created_at
    assert [entry["index"] for entry in metadata["chunks"]] == [0, 2]
    assert metadata["chunks"][0] == {
        "index": 0,
        "page": 1,
        "blockIndex": 0,
        "text": "One.",
        "fileName": "0001__page-001__block-000.mp3",
        "duration": chunk.duration_s,
        "textHash": ONE.text_hash,
    }


def test_damaged_metadata_loses_nothing(store: ChunkStore, tmp_path: Path, mp3: bytes) -> None:
    """Chunks are found without tts.meta.json, which is rebuilt from them."""
    _put(store, ONE, mp3)
    path = tmp_path / "tts_cache_v1" / "doc" / "tts.meta.json"
    path.write_text("{half", "utf-8")
    assert store.find("doc", ONE) is not None
    store.rebuild_metadata("doc", VOICING)
    assert len(json.loads(path.read_text("utf-8"))["chunks"]) == 1


def test_deleting_takes_all_of_one_document(store: ChunkStore, mp3: bytes) -> None:
    """The chunks go, once."""
    _put(store, ONE, mp3)
    assert store.delete("doc")
    assert store.find("doc", ONE) is None
    assert not store.delete("doc")


def _sidecar_bytes(tmp_path: Path, audio: bytes) -> int:
    """Return how long the sidecar of this MP3 as block one is."""
    root = tmp_path / "elsewhere"
    _put(ChunkStore(root), ONE, audio, OTHER)
    return (root / "doc" / "chunks" / "0001__page-001__block-000.json").stat().st_size


def test_a_sidecar_that_does_not_fit_leaves_what_was_there(
    tmp_path: Path, mp3: bytes, mp3_of: Callable[[float], bytes]
) -> None:
    """GIVEN a chunk and room for another MP3 only WHEN it is to take the place THEN the old one stays whole."""
    root = tmp_path / "tts_cache_v1"
    store = ChunkStore(root)
    _put(store, ONE, mp3)
    before, longer = _files(root), mp3_of(1.0)
    with_both = sum(before.values()) + len(longer) + _sidecar_bytes(tmp_path, longer)
    store = ChunkStore(root)
    store.rebuild_metadata("doc", VOICING)  # or opening would
    store = ChunkStore(root, max_bytes=sum(_files(root).values()) - sum(before.values()) + with_both - 1)
    staged = store.stage("doc", longer)
    with pytest.raises(StoreFullError):
        store.commit("doc", ONE, OTHER, staged, TIMINGS)
    store.discard(staged)
    assert {name: size for name, size in _files(root).items() if "chunks" in name} == before
    assert store.has("doc", ONE, VOICING)
    assert store.stats().size_bytes == sum(_files(root).values())


def test_a_replacement_needs_room_for_both_and_gives_the_olds_back(
    store: ChunkStore, tmp_path: Path, mp3: bytes, mp3_of: Callable[[float], bytes]
) -> None:
    """When it is done, only the new one is counted."""
    _put(store, ONE, mp3_of(1.0))
    _put(store, ONE, mp3, OTHER)
    assert store.stats().size_bytes == sum(_files(tmp_path / "tts_cache_v1").values())
    assert store.stats().documents == 1


def test_a_full_disk_in_a_commit_leaves_nothing_behind(
    store: ChunkStore, tmp_path: Path, mp3: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk that takes no new name WHEN a chunk is put in place THEN no hidden file stays, and totals hold."""

    def full(_path: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    staged = store.stage("doc", mp3)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            store.commit("doc", ONE, VOICING, staged, TIMINGS)
    store.discard(staged)
    assert store.find("doc", ONE) is None
    assert _names(tmp_path / "tts_cache_v1") == []
    assert store.stats().size_bytes == 0


def test_metadata_that_does_not_fit_leaves_the_old(tmp_path: Path, mp3: bytes) -> None:
    """GIVEN a full store WHEN its metadata grows THEN the old list stays whole, with nothing hidden beside it."""
    root = tmp_path / "tts_cache_v1"
    store = ChunkStore(root)
    _put(store, ONE, mp3)
    store.rebuild_metadata("doc", VOICING)
    _put(store, TWO, mp3)
    path = root / "doc" / "tts.meta.json"
    old = path.read_bytes()
    store._space._max_bytes = sum(_files(root).values()) + 500
    with pytest.raises(StoreFullError):
        store.rebuild_metadata("doc", VOICING)
    assert path.read_bytes() == old
    assert _names(root / "doc") == ["chunks", "tts.meta.json"]
    assert store.stats().size_bytes == sum(_files(root).values())


def test_a_document_without_chunks_has_no_metadata(store: ChunkStore, tmp_path: Path, mp3: bytes) -> None:
    """GIVEN chunks of blocks that are gone WHEN they are pruned and the list rebuilt THEN nothing is left."""
    _put(store, Block(9, 9, 99, "Gone."), mp3)
    store.rebuild_metadata("doc", VOICING)
    store.prune("doc", OUTLINE)
    store.rebuild_metadata("doc", VOICING)
    store.rebuild_metadata("unknown", VOICING)
    assert _names(tmp_path / "tts_cache_v1") == []
    assert store.stats() == StoreStats(0, 0, None)


def test_pruning_leaves_foreign_files(store: ChunkStore, tmp_path: Path, mp3: bytes) -> None:
    """Only names that the store gives are the store's to remove."""
    _put(store, ONE, mp3)
    foreign = tmp_path / "tts_cache_v1" / "doc" / "chunks" / "notes.txt"
    foreign.write_bytes(b"x")
    store.prune("doc", Outline.of(["Another."]))
    assert foreign.exists()


def test_the_age_is_the_metadatas(store: ChunkStore, tmp_path: Path, mp3: bytes) -> None:
    """From the first chunk on there is one; the rebuilt list, a sweep and a new start know the same."""
    _put(store, ONE, mp3)
    first = store.stats().oldest_created_at
    assert first is not None
    root = tmp_path / "tts_cache_v1"
    sidecar = root / "doc" / "chunks" / "0001__page-001__block-000.json"
    fields = json.loads(sidecar.read_bytes())
    sidecar.write_text(json.dumps({**fields, "createdAt": 1700000000}), "utf-8")
    store.rebuild_metadata("doc", VOICING)
    assert store.stats().oldest_created_at == 1700000000
    store.sweep()
    assert store.stats().oldest_created_at == 1700000000
    assert ChunkStore(root).stats().oldest_created_at == 1700000000


def test_metadata_is_rebuilt_while_chunks_are_made_but_not_after_each(tmp_path: Path, mp3: bytes) -> None:
    """GIVEN a clock WHEN chunks come one a second THEN the list is made with the first and every five seconds."""
    now_s = 0.0
    store = ChunkStore(tmp_path, clock=lambda: now_s)
    rebuilt = []
    for second in range(12):
        now_s = float(second)
        _put(store, Block(1, second, second + 1, "Text."), mp3)
        if store.rebuild_metadata_if_due("doc", VOICING):
            rebuilt.append(second)
            metadata = json.loads((tmp_path / "doc" / "tts.meta.json").read_bytes())
            assert len(metadata["chunks"]) == second + 1
    assert rebuilt == [0, 5, 10]


def test_a_rebuild_that_fails_is_due_again_later(tmp_path: Path, mp3: bytes) -> None:
    """A list that did not fit does not keep the next from being tried."""
    now_s = 0.0
    store = ChunkStore(tmp_path, clock=lambda: now_s)
    _put(store, ONE, mp3)
    store._space._max_bytes = store.stats().size_bytes
    with pytest.raises(StoreFullError):
        store.rebuild_metadata_if_due("doc", VOICING)
    store._space._max_bytes *= 2
    assert not store.rebuild_metadata_if_due("doc", VOICING)
    now_s = 5.0
    assert store.rebuild_metadata_if_due("doc", VOICING)


def test_opening_sweeps_away_a_half_done_removal(store: ChunkStore, tmp_path: Path, mp3: bytes) -> None:
    """GIVEN a removal that was killed after the rename WHEN the store is opened THEN the rest goes too."""
    _put(store, ONE, mp3)
    root = tmp_path / "tts_cache_v1"
    (root / "doc").rename(root / ".doomed-1")
    ChunkStore(root)
    assert _names(root) == []
