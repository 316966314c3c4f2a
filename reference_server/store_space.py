"""The store's room: how much of its limit is used, what must go for more, and that nothing passes it.

Every byte is counted under the lock under which it is written, and is written only when the total with it
stays within the limit: MP3s, sidecars and metadata alike, the hidden files that they are first written to
included. A file that takes another's place so needs room for both while both are there. Writers that come at
the same time cannot pass the limit together, and the total is never less than what the disk holds.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from reference_server.durable import aside_in, remove_folder, remove_leftovers, sync
from reference_server.errors import ServerError
from reference_server.store_scan import documents_in, measure, other_bytes, size_of
from reference_server.store_usage import Occupied, StoreStats, Usage

_log = logging.getLogger(__name__)


class StoreFullError(ServerError):
    """The store has reached its limit, and what may go for more is not enough."""


class Aside:
    """A hidden file of a document, written as far as there is room."""

    def __init__(self, file: FileIO, path: Path, write: Callable[[bytes], None]) -> None:
        self._file = file
        self.path = path
        self.write = write

    def overwrite(self, at: int, data: bytes) -> None:
        """Put `data` over as many bytes from offset `at` on."""
        os.pwrite(self._file.fileno(), data, at)

    def sync(self) -> None:
        """Return once all of it is on disk."""
        os.fsync(self._file.fileno())


class StoreSpace:
    """What the store's documents occupy below `root`, at most `max_bytes`. For any number of threads."""

    def __init__(
        self,
        root: Path,
        usage: Usage,
        max_bytes: int,
        is_open: Callable[[str], bool],
        on_change: Callable[..., None] = lambda _document_id, *_names: None,
    ) -> None:
        """Tell `on_change` the document and the names of the files that have changed, none where it is all of them."""
        self._on_change = on_change
        self._root = root
        self._usage = usage
        self._max_bytes = max_bytes
        self._is_open = is_open
        self.lock = threading.RLock()
        """Held for every change below `root`; not while a new file's bytes go to the disk."""
        self.evictions = 0
        """How many documents' chunks were removed to keep the limit."""

    def stats(self) -> StoreStats:
        """Return the totals, from memory, without waiting for whoever writes or removes at this moment."""
        return self._usage.stats()

    def size_of(self, document_id: str) -> int:
        """Return what a document occupies, in bytes, as `stats` does the totals."""
        return self._usage.get(document_id).size_bytes

    def documents(self) -> list[str]:
        """Return the documents that have chunks, the oldest first; from memory."""
        return [document_id for document_id, _ in self._usage.oldest_first()]

    def date(self, document_id: str, created_at: int, *, keep: bool = False) -> None:
        """Take over a document's age in Unix seconds; with `keep` only where it has none yet."""
        with self.lock:
            if not keep or self._usage.get(document_id).created_at is None:
                self._usage.date(document_id, created_at)

    @contextmanager
    def aside(self, document_id: str, folder: Path) -> Iterator[Aside]:
        """Give a new hidden file in a document's folder, which is removed where the block fails.

        Its `write` raises StoreFullError where there is no room, OSError where the disk takes no more.
        """
        path = aside_in(folder)
        with self.lock:
            _make_folder(folder, self._root)
            file = FileIO(path, "xb")

        def write(data: bytes) -> None:
            with self.changing(document_id, path):
                self._make_room(document_id, len(data))
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]

        try:
            with file:
                yield Aside(file, path, write)
        except BaseException:
            self.remove(document_id, path)
            raise

    @contextmanager
    def changing(self, document_id: str, *paths: Path) -> Iterator[None]:
        """Count what these files of a document have gained or lost when the block ends, however it ends."""
        with self.lock:
            before = sum(map(size_of, paths))
            try:
                yield
            finally:
                self._usage.add(document_id, sum(map(size_of, paths)) - before)
                self._on_change(document_id, *(path.name for path in paths))

    def remove(self, document_id: str, path: Path) -> None:
        """Remove a file of a document if it is there, and the folders that are empty without it."""
        with self.changing(document_id, path):
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # not empty
                path.parent.rmdir()
                (self._root / document_id).rmdir()

    def remove_document(self, document_id: str) -> bool:
        """Remove all of a document; return whether there was anything."""
        with self.lock:
            try:
                removed = remove_folder(self._root / document_id)
            finally:
                self._on_change(document_id)
            self._usage.put(document_id, Occupied(0, None))
            if removed:  # what could not be removed still takes its room
                self._usage.other_bytes = other_bytes(self._root)
            return removed

    def sweep(self) -> None:
        """Measure all folders anew and remove the oldest documents that are not open until the limit is kept.

        The limit is passed where it was lowered, or where somebody put files there by hand. The lock is held
        for one document at a time.
        """
        for document_id in {*documents_in(self._root), *self._usage.ids}:
            with self.lock:
                self._usage.put(document_id, measure(self._root / document_id))
        with self.lock:
            remove_leftovers(self._root)
            self._usage.other_bytes = other_bytes(self._root)
            oldest_first = self._usage.oldest_first()
        for document_id, _ in oldest_first:
            with self.lock:
                if self._missing(0) <= 0:
                    return
                self._evict(document_id)
        if self._missing(0) > 0:
            _log.warning("%s", self._full(0))

    def _make_room(self, document_id: str, size_bytes: int) -> None:
        """Evict as much as `size_bytes` more need, or nothing at all where that is not enough."""
        missing, victims = self._missing(size_bytes), []
        for other, occupied in self._usage.oldest_first() if missing > 0 else ():
            if missing <= 0:
                break
            if other != document_id and not self._is_open(other):
                victims.append(other)
                missing -= occupied.size_bytes
        if missing <= 0:
            for other in victims:
                self._evict(other)
            missing = self._missing(size_bytes)
        if missing > 0:
            raise self._full(size_bytes)

    def _evict(self, document_id: str) -> None:
        if self._is_open(document_id):  # perhaps only since it was chosen
            return
        gone = self._usage.get(document_id)
        self.remove_document(document_id)
        self.evictions += 1
        _log.warning(
            "the store is full: removed the chunks of %s, %d bytes, createdAt %s",
            document_id,
            gone.size_bytes,
            gone.created_at,
        )

    def _missing(self, size_bytes: int) -> int:
        return self._usage.total_bytes + size_bytes - self._max_bytes

    def _full(self, size_bytes: int) -> StoreFullError:
        return StoreFullError(
            f"The chunk store holds {self._usage.total_bytes} of {self._max_bytes} bytes, and {size_bytes} more"
            " do not fit beside the documents in use. Delete a document's chunks, or raise STORE_MAX_BYTES."
        )


def _make_folder(folder: Path, root: Path) -> None:
    """Make a document's folder with its name on disk: what is put into it later is not lost with it."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync(folder.parent)
        sync(root)
