"""What lies in the store's folder, told by names and sizes."""

import os
import tracemalloc
from pathlib import Path

import pytest

from reference_server.store_scan import (
    documents_in,
    entries_of,
    files_below,
    is_chunk_file,
    measure,
    other_bytes,
    size_of,
)
from reference_server.store_usage import Occupied


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("0001__page-001__block-000.mp3", True),
        ("10000__page-1000__block-1000.json", True),
        ("001__page-001__block-000.mp3", False),
        ("0001__page-001__block-000.wav", False),
        (".0001__page-001__block-000.mp3", False),
        ("0001__page-001__block-000.mp3~", False),
        ("notes.json", False),
    ],
)
def test_only_the_plans_names_are_chunks(name: str, ours: bool) -> None:  # noqa: FBT001 - a parameter
    """Padded to at least the plan's width, MP3 or sidecar."""
    assert is_chunk_file(name) is ours


def test_folders_are_documents_and_the_rest_is_counted_apart(tmp_path: Path) -> None:
    """Files beside the documents, hidden folders and links to elsewhere belong to none."""
    (tmp_path / "doc" / "chunks").mkdir(parents=True)
    (tmp_path / "doc" / "chunks" / "x").write_bytes(bytes(1000))
    (tmp_path / ".hidden" / "deep").mkdir(parents=True)
    (tmp_path / ".hidden" / "deep" / "file").write_bytes(bytes(20))
    (tmp_path / "file").write_bytes(bytes(3))
    (tmp_path / "link").symlink_to(tmp_path / "doc")
    assert documents_in(tmp_path) == ["doc"]
    assert other_bytes(tmp_path) == 23 + size_of(tmp_path / "link")


def test_a_folder_is_measured_whole(tmp_path: Path) -> None:
    """All files count; the age is that of the oldest sidecar where there is no metadata."""
    chunks = tmp_path / "doc" / "chunks"
    chunks.mkdir(parents=True)
    for number, written_at in ((1, 2000), (2, 1000)):
        sidecar = chunks / f"000{number}__page-001__block-000.json"
        sidecar.write_bytes(bytes(10))
        os.utime(sidecar, (written_at, written_at))
    old = chunks / "notes.json"
    old.write_bytes(bytes(1))
    os.utime(old, (1, 1))
    assert measure(tmp_path / "doc") == Occupied(21, 1000)
    (tmp_path / "doc" / "tts.meta.json").write_text(
        '{"documentId": "doc", "createdAt": 1500, "chunks": []}', "utf-8"
    )
    assert measure(tmp_path / "doc").created_at == 1500


def test_what_is_gone_is_nothing(tmp_path: Path) -> None:
    """A folder that is not there has no entries, no bytes and no age."""
    assert entries_of(tmp_path / "gone") == []
    assert measure(tmp_path / "gone") == Occupied(0, None)
    assert size_of(tmp_path / "gone") == 0


def test_a_long_document_is_measured_in_little_memory(tmp_path: Path) -> None:
    """GIVEN two thousand files WHEN they are counted THEN few are held: in a list each has a kilobyte."""
    chunks = tmp_path / "doc" / "chunks"
    chunks.mkdir(parents=True)
    for number in range(2000):
        (chunks / f"{number:04d}__page-001__block-{number:03d}.mp3").touch()
    tracemalloc.start()
    try:
        assert sum(1 for _ in files_below(tmp_path)) == 2000
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 100_000
