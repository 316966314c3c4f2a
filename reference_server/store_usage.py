"""How many bytes the store's documents occupy, and since when: kept in memory, so that nothing is walked."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Occupied:
    """What a document's folder holds: the sizes of all its files, in bytes, and its age.

    `created_at` is `createdAt` of its metadata in Unix seconds, or the time of its oldest chunk while there
    is no metadata; None in a folder without either, which is no document.
    """

    size_bytes: int
    created_at: int | None


@dataclass(frozen=True)
class StoreStats:
    """The store as a whole: bytes of all its files, documents that have chunks, and the oldest of these."""

    size_bytes: int
    documents: int
    oldest_created_at: int | None
    """Unix seconds; None in an empty store."""

    def to_json(self) -> dict[str, object]:
        """Return the plan's fields."""
        oldest = self.oldest_created_at
        shown = None if oldest is None else datetime.fromtimestamp(oldest, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"totalSize": self.size_bytes, "documentsCount": self.documents, "oldestDocument": shown}


class Usage:
    """The bytes of every document, and of all else below the store's folder.

    One thread at a time may change it; any may read the totals meanwhile, and waits for no disk.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._documents: dict[str, Occupied] = {}
        self._documents_bytes = 0
        self._ages: tuple[int, int | None] | None = None
        """How many documents have an age, and the oldest's, while nothing has changed."""
        self.other_bytes = 0

    @property
    def total_bytes(self) -> int:
        """The sizes of all files below the store's folder."""
        return self._documents_bytes + self.other_bytes

    @property
    def ids(self) -> list[str]:
        """The documents that occupy anything."""
        return list(self._documents)

    def get(self, document_id: str) -> Occupied:
        """Return what a document occupies; nothing where it is not known."""
        return self._documents.get(document_id, Occupied(0, None))

    def put(self, document_id: str, occupied: Occupied) -> None:
        """Take over what a document occupies; one that occupies nothing is forgotten."""
        with self._lock:
            before = self.get(document_id)
            self._documents_bytes += occupied.size_bytes - before.size_bytes
            if occupied.created_at != before.created_at or not (occupied.size_bytes and before.size_bytes):
                self._ages = None
            if occupied.size_bytes:
                self._documents[document_id] = occupied
            else:
                self._documents.pop(document_id, None)

    def add(self, document_id: str, size_bytes: int) -> None:
        """Count bytes that a document has gained, or lost where negative."""
        before = self.get(document_id)
        self.put(document_id, Occupied(before.size_bytes + size_bytes, before.created_at))

    def date(self, document_id: str, created_at: int) -> None:
        """Take over the age of a document."""
        self.put(document_id, Occupied(self.get(document_id).size_bytes, created_at))

    def oldest_first(self) -> list[tuple[str, Occupied]]:
        """Return the documents that have an age, the oldest first."""
        dated = [
            (occupied.created_at, name, occupied)
            for name, occupied in self._documents.items()
            if occupied.created_at is not None
        ]
        dated.sort(key=lambda entry: entry[:2])
        return [(name, occupied) for _, name, occupied in dated]

    def stats(self) -> StoreStats:
        """Return the totals."""
        with self._lock:
            if self._ages is None:
                ages = [
                    at for occupied in self._documents.values() if (at := occupied.created_at) is not None
                ]
                self._ages = len(ages), min(ages, default=None)
            return StoreStats(self.total_bytes, *self._ages)
