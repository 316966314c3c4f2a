"""Stores of any size around the same document: whole by the server's own word, made once."""

import os
from pathlib import Path

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite.big_store import ASKED_CHUNKS, AUDIO_BYTES, _check_room, _others, big_store
from benchmarks.suite.made_store import DOCUMENT_ID
from reference_server.store import ChunkStore


def test_the_others_have_all_that_the_asked_document_has_not() -> None:
    """GIVEN a number of chunks THEN whole documents share them, and the last has the rest."""
    assert list(_others(0)) == []
    assert list(_others(2500)) == [("other-0001", 1000), ("other-0002", 1000), ("other-0003", 500)]


def test_a_disk_without_room_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk with few files or bytes left THEN the error names what is needed."""
    real = os.statvfs(tmp_path)
    fields = dict(zip(("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail"), real[:5], strict=True))
    for few in ({"f_favail": 399}, {"f_bavail": 1}):
        short = {**fields, "f_files": 1000, "f_ffree": 1000, "f_favail": 1000, **few}
        names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail")
        stat = os.statvfs_result((*(int(short[name]) for name in names), 0, 255))
        monkeypatch.setattr(os, "statvfs", lambda _folder, stat=stat: stat)
        with pytest.raises(BenchmarkError, match="needed"):
            _check_room(tmp_path, 200)
    _check_room(tmp_path, 0)


@pytest.mark.slow
def test_a_store_is_made_once_and_whole(tmp_path: Path) -> None:
    """GIVEN no store WHEN it is asked for twice THEN it is made once, and the server finds it whole."""
    told: list[str] = []
    store = big_store(tmp_path, ASKED_CHUNKS + 30, told.append)
    again = big_store(tmp_path, ASKED_CHUNKS + 30, told.append)
    assert len(told) == 1
    assert (again.docstore, again.setting) == (store.docstore, "130 chunks")
    assert len(store.blocks) == ASKED_CHUNKS
    assert store.audio(store.blocks[-1]).stat().st_size == AUDIO_BYTES
    opened = ChunkStore(store.root)
    assert (opened.report.chunks, opened.report.documents, opened.report.repaired) == (130, 2, False)
    assert all(opened.find(DOCUMENT_ID, block) for block in store.blocks)


@pytest.mark.slow
def test_a_store_that_was_not_finished_is_made_anew(tmp_path: Path) -> None:
    """GIVEN a store whose making was cut off WHEN it is asked for THEN nothing of it is used."""
    store = big_store(tmp_path, ASKED_CHUNKS, lambda _line: None)
    whole = store.docstore.parent / "whole"
    whole.unlink()
    lost = store.audio(store.blocks[0])
    lost.unlink()
    big_store(tmp_path, ASKED_CHUNKS, lambda _line: None)
    assert whole.exists()
    assert lost.exists()
