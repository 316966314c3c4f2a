"""A store is put right when it is opened, whatever a kill or a hand left in it, and says what it did."""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reference_server.chunk import Voicing
from reference_server.outline import Block
from reference_server.store import ChunkStore
from reference_server.store_metadata import sidecars_of

VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
OTHER = replace(VOICING, voice="nova")
ONE, TWO, THREE = (Block(1, at, at + 1, f"Block {at}.") for at in range(3))
STEM = "0001__page-001__block-000"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the store is."""
    return tmp_path / "tts_cache_v1"


@pytest.fixture
def put(root: Path, mp3: bytes) -> Callable[..., ChunkStore]:
    """Store blocks of a document, the metadata rebuilt after them, and return the store."""

    def store_blocks(*blocks: Block, document_id: str = "doc", voicing: Voicing = VOICING) -> ChunkStore:
        store = ChunkStore(root)
        for block in blocks:
            store.commit(document_id, block, voicing, store.stage(document_id, mp3), {"alignments": []})
        store.rebuild_metadata(document_id, voicing)
        return store

    return store_blocks


Put = Callable[..., ChunkStore]


def _files(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): path.stat().st_size for path in root.rglob("*") if path.is_file()}


def _listed(root: Path) -> list[int]:
    metadata = json.loads((root / "doc" / "tts.meta.json").read_bytes())
    return [entry["index"] for entry in metadata["chunks"]]


def test_a_sound_store_is_left_as_it_is(
    put: Put, root: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is removed, rebuilt or logged, no sidecar is read, and the totals are those of the files."""
    put(ONE, TWO)
    put(ONE, document_id="other", voicing=OTHER)
    before = _files(root)

    def read(sidecar: Path) -> None:
        pytest.fail(f"{sidecar} was read")

    monkeypatch.setattr("reference_server.store_repair.read_chunk", read)
    monkeypatch.setattr("reference_server.store_metadata.read_chunk", read)
    report = ChunkStore(root).report
    assert _files(root) == before
    assert (report.documents, report.chunks, report.size_bytes) == (2, 3, sum(before.values()))
    assert not report.repaired
    assert not report.foreign_files
    assert not caplog.records


def test_an_empty_store_is_sound(root: Path) -> None:
    """The first start has nothing to repair."""
    report = ChunkStore(root).report
    assert (report.documents, report.chunks, report.size_bytes, report.repaired) == (0, 0, 0, False)


def test_what_a_kill_left_is_removed_and_told_in_one_line(
    put: Put, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Hidden files and half-removed folders go, at every level."""
    put(ONE)
    (root / ".doomed-1" / "chunks").mkdir(parents=True)
    (root / ".doomed-1" / "chunks" / "x.mp3").write_bytes(b"x")
    (root / "doc" / ".aside-1").write_bytes(b"x")
    (root / "doc" / "chunks" / ".aside-2").write_bytes(b"x")
    report = ChunkStore(root).report
    assert report.leftovers_removed == 3
    assert sorted(_files(root)) == [
        f"doc/chunks/{STEM}.json",
        f"doc/chunks/{STEM}.mp3",
        "doc/tts.meta.json",
    ]
    (record,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert "removed 3 leftovers" in record.getMessage()
    assert "\n" not in record.getMessage()
    assert not ChunkStore(root).report.repaired


@pytest.mark.parametrize(
    "damage",
    [
        lambda chunks: (chunks / f"{STEM}.json").unlink(),
        lambda chunks: (chunks / f"{STEM}.mp3").unlink(),
        lambda chunks: (chunks / f"{STEM}.mp3").write_bytes(b""),
        lambda chunks: (chunks / f"{STEM}.json").write_bytes(b""),
    ],
)
def test_halves_are_removed_and_the_list_follows(
    put: Put, root: Path, damage: Callable[[Path], object]
) -> None:
    """An MP3 without its sidecar, a sidecar without its MP3, and either of them empty."""
    put(ONE, TWO)
    damage(root / "doc" / "chunks")
    store = ChunkStore(root)
    assert store.report.chunks_removed == 1
    assert [store.find("doc", block) is not None for block in (ONE, TWO)] == [False, True]
    assert len(list((root / "doc" / "chunks").iterdir())) == 2
    assert _listed(root) == [1]
    assert store.stats().size_bytes == sum(_files(root).values())
    assert not ChunkStore(root).report.repaired


@pytest.mark.parametrize("text", [None, "", "{half", '{"documentId": "doc", "createdAt": 17', "{}"])
def test_metadata_that_is_gone_or_damaged_is_rebuilt(put: Put, root: Path, text: str | None) -> None:
    """The sidecars know all that it said."""
    put(ONE, TWO)
    path = root / "doc" / "tts.meta.json"
    whole = path.read_bytes()
    if text is None:
        path.unlink()
    else:
        path.write_text(text, "utf-8")
    store = ChunkStore(root)
    assert store.report.metadata_rebuilt == 1
    assert path.read_bytes() == whole
    assert store.report.size_bytes == store.stats().size_bytes == sum(_files(root).values())
    assert not ChunkStore(root).report.repaired


def test_metadata_older_than_its_chunks_is_rebuilt(put: Put, root: Path, mp3: bytes) -> None:
    """GIVEN a job that was killed before it listed its last chunk WHEN the store is opened THEN it is listed."""
    store = put(ONE)
    store.commit("doc", TWO, VOICING, store.stage("doc", mp3), {})
    assert _listed(root) == [0]
    assert ChunkStore(root).report.metadata_rebuilt == 1
    assert _listed(root) == [0, 1]
    assert not ChunkStore(root).report.repaired


def test_a_chunk_that_comes_while_the_others_are_listed_is_listed_at_the_next_start(
    put: Put, root: Path, mp3: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a chunk that the listing just missed, and a kill WHEN the store is opened THEN it is listed."""
    store = put(ONE)
    os.utime(root / "doc" / "chunks", (1000, 1000))

    def too_early(chunks: Path) -> list[str]:
        names = sidecars_of(chunks)
        store.commit("doc", TWO, VOICING, store.stage("doc", mp3), {})
        return names

    monkeypatch.setattr("reference_server.store.sidecars_of", too_early)
    store.rebuild_metadata("doc", VOICING)
    assert _listed(root) == [0]
    monkeypatch.undo()
    assert ChunkStore(root).report.metadata_rebuilt == 1
    assert _listed(root) == [0, 1]


def test_the_newest_chunks_settings_win(put: Put, root: Path, mp3: bytes) -> None:
    """GIVEN chunks of two voices and no metadata THEN the list is that of the voice made last."""
    store = put(ONE, TWO, voicing=OTHER)
    store.commit("doc", THREE, VOICING, store.stage("doc", mp3), {})
    chunks = root / "doc" / "chunks"
    for at, sidecar in enumerate(sorted(chunks.glob("*.json"))):  # the voice made last has the oldest files
        fields = json.loads(sidecar.read_bytes())
        sidecar.write_text(json.dumps({**fields, "createdAt": 1700000000 + at}), "utf-8")
        os.utime(sidecar, (2000 - at, 2000 - at))
    (root / "doc" / "tts.meta.json").unlink()
    store = ChunkStore(root)
    metadata = json.loads((root / "doc" / "tts.meta.json").read_bytes())
    assert (metadata["voice"], metadata["createdAt"]) == ("alloy", 1700000002)
    assert _listed(root) == [2]
    assert store.report.chunks == 3


def test_sidecars_that_are_read_for_the_list_are_checked(put: Put, root: Path) -> None:
    """A damaged sidecar and an MP3 of another size go when they are met."""
    put(ONE, TWO, THREE)
    chunks = root / "doc" / "chunks"
    (chunks / f"{STEM}.json").write_text("{half", "utf-8")
    (chunks / "0002__page-001__block-001.mp3").write_bytes(b"cut off")
    (root / "doc" / "tts.meta.json").unlink()
    report = ChunkStore(root).report
    assert (report.chunks_removed, report.chunks, report.metadata_rebuilt) == (2, 1, 1)
    assert len(list(chunks.iterdir())) == 2


def test_an_mp3_of_another_size_is_a_missing_chunk_and_no_error(put: Put, root: Path) -> None:
    """Beside sound metadata it is not looked for at the start, and not served later."""
    put(ONE, TWO)
    (root / "doc" / "chunks" / f"{STEM}.mp3").write_bytes(b"cut off")
    store = ChunkStore(root)
    assert not store.report.repaired
    assert store.find("doc", ONE) is None
    assert not store.has("doc", ONE, VOICING)


@pytest.mark.parametrize("keep", [".json", ".mp3"])
def test_a_document_without_a_whole_chunk_is_no_document(put: Put, root: Path, keep: str) -> None:
    """When its last half has gone its metadata and its folders go too."""
    put(ONE)
    (root / "doc" / "chunks" / f"{STEM}{'.mp3' if keep == '.json' else '.json'}").unlink()
    report = ChunkStore(root).report
    assert (report.documents, report.size_bytes) == (0, 0)
    assert list(root.iterdir()) == []


def test_foreign_files_stay_and_count(put: Put, root: Path) -> None:
    """What is none of the store's is nobody's to remove, and takes its room."""
    put(ONE)
    foreign = [
        root / "README",
        root / "lost+found" / "#1",
        root / "doc" / "notes.txt",
        root / "doc" / "chunks" / "cover.jpg",
        root / "doc" / "chunks" / "deep" / "file",
    ]
    for path in foreign:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(11))
    store = ChunkStore(root)
    assert all(path.exists() for path in foreign)
    assert store.report.foreign_files == len(foreign)
    assert store.stats().size_bytes == sum(_files(root).values())
    assert store.stats().documents == 1


def test_a_store_without_room_for_a_list_opens_all_the_same(
    put: Put, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """GIVEN a store at its limit and a list to rebuild THEN the chunks are there, and the log says why it is not."""
    put(ONE)
    (root / "doc" / "tts.meta.json").unlink()
    store = ChunkStore(root, max_bytes=sum(_files(root).values()) + 10)
    assert store.find("doc", ONE) is not None
    assert store.report.metadata_rebuilt == 0
    assert "its metadata is not rebuilt" in caplog.text
    assert not list((root / "doc").glob(".*"))
