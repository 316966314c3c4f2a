"""The store never passes its limit, takes what is oldest and not open, and leaves nothing of what did not fit."""

import errno
import io
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reference_server.store_repair import repair
from reference_server.store_space import StoreFullError, StoreSpace
from reference_server.store_usage import StoreStats

NAME = "0001__page-001__block-000"


@pytest.fixture
def opened() -> set[str]:
    """The documents that are open."""
    return set()


@pytest.fixture
def space(tmp_path: Path, opened: set[str]) -> StoreSpace:
    """Room for a thousand bytes."""
    return StoreSpace(tmp_path, repair(tmp_path).usage, 1000, opened.__contains__)


def _total(root: Path) -> int:
    return sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir())


def _put(space: StoreSpace, root: Path, document_id: str, size_bytes: int, created_at: int | None) -> None:
    with space.aside(document_id, root / document_id / "chunks") as aside:
        aside.write(bytes(size_bytes))
        aside.path.rename(root / document_id / "chunks" / f"{NAME}.mp3")
    if created_at is not None:
        space.date(document_id, created_at)


def _ids(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir())


def test_the_last_byte_fits_and_the_next_does_not(space: StoreSpace, tmp_path: Path) -> None:
    """Exactly full is not over; one byte more leaves the store as it was."""
    _put(space, tmp_path, "a", 1000, 1)
    with pytest.raises(StoreFullError, match=r"1000 of 1000 bytes.* 1 more .*STORE_MAX_BYTES") as refused:
        _put(space, tmp_path, "a", 1, 1)
    assert "\n" not in str(refused.value)
    assert (space.stats(), _total(tmp_path)) == (StoreStats(1000, 1, 1), 1000)
    assert [path.name for path in (tmp_path / "a" / "chunks").iterdir()] == [f"{NAME}.mp3"]


def test_what_does_not_fit_leaves_no_folder(space: StoreSpace, tmp_path: Path) -> None:
    """A new document that is refused was never there."""
    with pytest.raises(StoreFullError):
        _put(space, tmp_path, "a", 1001, 1)
    assert _ids(tmp_path) == []
    assert space.stats() == StoreStats(0, 0, None)


def test_the_oldest_go_first_and_no_more_than_needed(
    space: StoreSpace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """By `createdAt`, not by name or order of coming; each is told with its bytes and its age."""
    for name, created_at in (("a", 30), ("b", 10), ("c", 20)):
        _put(space, tmp_path, name, 300, created_at)
    _put(space, tmp_path, "d", 400, 40)
    assert _ids(tmp_path) == ["a", "c", "d"]
    assert space.stats() == StoreStats(1000, 3, 20)
    (record,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert record.args == ("b", 300, 10)
    assert space.evictions == 1


def test_an_open_document_stays_however_old(space: StoreSpace, tmp_path: Path, opened: set[str]) -> None:
    """The next oldest goes in its place; the one that is written to never makes room for itself."""
    opened.add("old")
    for name, created_at in (("old", 1), ("new", 2), ("newer", 3)):
        _put(space, tmp_path, name, 300, created_at)
    _put(space, tmp_path, "more", 300, 4)
    assert _ids(tmp_path) == ["more", "newer", "old"]
    _put(space, tmp_path, "newer", 400, None)
    assert _ids(tmp_path) == ["newer", "old"]


def test_nothing_is_removed_where_that_would_not_be_enough(
    space: StoreSpace, tmp_path: Path, opened: set[str]
) -> None:
    """GIVEN room for 900 at most WHEN 950 are asked for THEN they are refused and all documents are still there."""
    opened.add("open")
    _put(space, tmp_path, "open", 100, 1)
    _put(space, tmp_path, "closed", 300, 2)
    with pytest.raises(StoreFullError):
        _put(space, tmp_path, "big", 950, 3)
    assert _ids(tmp_path) == ["closed", "open"]
    _put(space, tmp_path, "big", 900, 3)
    assert _ids(tmp_path) == ["big", "open"]


def test_a_document_opened_since_it_was_chosen_stays(tmp_path: Path) -> None:
    """GIVEN two that must go WHEN the second is opened while the first goes THEN it stays, and the rest is refused."""
    opened: set[str] = set()
    space = StoreSpace(tmp_path, repair(tmp_path).usage, 1000, opened.__contains__)
    _put(space, tmp_path, "a", 400, 1)
    _put(space, tmp_path, "b", 400, 2)
    removed = space.remove_document

    def remove_and_open(document_id: str) -> bool:
        opened.add("b")
        return removed(document_id)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(space, "remove_document", remove_and_open)
        with pytest.raises(StoreFullError):
            _put(space, tmp_path, "c", 900, 3)
    assert _ids(tmp_path) == ["b"]
    assert space.stats().size_bytes == _total(tmp_path) == 400


def test_writers_at_the_same_time_cannot_pass_the_limit_together(tmp_path: Path) -> None:
    """GIVEN sixteen writers of 100 bytes and room for 1000 THEN ten get theirs, and the disk never holds more."""
    space = StoreSpace(tmp_path, repair(tmp_path).usage, 1000, lambda _document_id: True)
    start, most, seen = threading.Barrier(16), 0, threading.Lock()

    def write(number: int) -> bool:
        nonlocal most
        start.wait()
        try:
            with space.aside(str(number), tmp_path / str(number)) as aside:
                for _ in range(10):
                    aside.write(bytes(10))
                    with seen, space.lock:
                        most = max(most, space.stats().size_bytes, _total(tmp_path))
                aside.sync()
        except StoreFullError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(write, range(16)))
    assert most <= 1000
    assert space.stats().size_bytes == _total(tmp_path) == 100 * sum(done)


@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_a_full_disk_leaves_nothing_behind(
    space: StoreSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """GIVEN a disk that takes half of what is written, or none of it in the end THEN neither file nor bytes stay."""

    class HalfFile(io.FileIO):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            if self.tell():
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data[: len(data) // 2])

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    _put(space, tmp_path, "a", 100, 1)
    before = space.stats()
    if failing == "write":
        monkeypatch.setattr("reference_server.store_space.FileIO", HalfFile)

    def write() -> None:
        with space.aside("b", tmp_path / "b" / "chunks") as aside:
            aside.write(bytes(100))
            monkeypatch.setattr(os, "fsync", full)
            aside.sync()

    with pytest.raises(OSError, match="No space"):
        write()
    monkeypatch.undo()
    assert space.stats() == before
    assert _ids(tmp_path) == ["a"]


def test_a_sweep_counts_what_hands_have_put_and_taken(space: StoreSpace, tmp_path: Path) -> None:
    """Files that came, grew, shrank or went without the store are in the totals after the next sweep."""
    _put(space, tmp_path, "a", 100, 5)
    _put(space, tmp_path, "b", 100, 6)
    (tmp_path / "a" / "chunks" / f"{NAME}.mp3").write_bytes(bytes(40))
    (tmp_path / "b" / "chunks" / f"{NAME}.mp3").unlink()
    (tmp_path / "new" / "chunks").mkdir(parents=True)
    (tmp_path / "new" / "chunks" / f"{NAME}.json").write_bytes(bytes(7))
    (tmp_path / "file").write_bytes(bytes(3))
    space.sweep()
    assert space.stats().size_bytes == _total(tmp_path) == 50
    assert "b" not in space._usage.ids


def test_a_sweep_removes_until_the_limit_is_kept(space: StoreSpace, tmp_path: Path, opened: set[str]) -> None:
    """GIVEN folders copied in by hand WHEN the store is swept THEN the oldest that are not open go."""
    opened.add("1")
    for created_at in (1, 2, 3, 4):
        chunks = tmp_path / str(created_at) / "chunks"
        chunks.mkdir(parents=True)
        (chunks / f"{NAME}.json").write_bytes(bytes(400))
        os.utime(chunks / f"{NAME}.json", (created_at, created_at))
    space.sweep()
    assert _ids(tmp_path) == ["1", "4"]
    assert space.stats() == StoreStats(800, 2, 1)


def test_a_sweep_that_may_remove_nothing_says_so(
    space: StoreSpace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Foreign files over the limit are not the store's to remove: the log tells the way out."""
    (tmp_path / "file").write_bytes(bytes(1001))
    space.sweep()
    assert (tmp_path / "file").exists()
    assert "1001 of 1000 bytes" in caplog.text
    assert "STORE_MAX_BYTES" in caplog.text


def test_a_sweep_at_the_limit_removes_nothing(space: StoreSpace, tmp_path: Path) -> None:
    """Exactly full is kept."""
    _put(space, tmp_path, "a", 1000, 1)
    os.utime(tmp_path / "a" / "chunks" / f"{NAME}.mp3", (1, 1))
    space.sweep()
    assert _ids(tmp_path) == ["a"]


def test_what_cannot_be_removed_still_takes_its_room(
    space: StoreSpace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a disk that removes nothing THEN a removed document's bytes count, until a sweep gets rid of them."""
    _put(space, tmp_path, "a", 600, 1)
    removed: list[Path] = []

    def leave(path: Path, **_how: object) -> None:
        removed.append(path)

    with monkeypatch.context() as patch:
        patch.setattr("shutil.rmtree", leave)
        assert space.remove_document("a")
        assert space.stats() == StoreStats(600, 0, None)
        with pytest.raises(StoreFullError):
            _put(space, tmp_path, "b", 500, 2)
    space.sweep()
    assert (space.stats(), _ids(tmp_path)) == (StoreStats(0, 0, None), [])


def test_removing_a_document_waits_for_none_and_tells_what_was_there(
    space: StoreSpace, tmp_path: Path
) -> None:
    """Its bytes are free at once; a second time there is nothing."""
    _put(space, tmp_path, "a", 600, 1)
    assert space.remove_document("a")
    assert not space.remove_document("a")
    _put(space, tmp_path, "b", 1000, 2)


def test_the_totals_do_not_wait_for_the_disk(space: StoreSpace, tmp_path: Path) -> None:
    """GIVEN a writer that holds the lock for as long as a disk takes THEN another thread has the totals at once."""
    _put(space, tmp_path, "a", 600, 1)
    with space.lock, ThreadPoolExecutor(1) as pool:
        assert pool.submit(space.stats).result(timeout=20) == StoreStats(600, 1, 1)
