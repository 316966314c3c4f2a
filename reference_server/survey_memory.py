"""What a look at a document's pages found, so that the next look reads no sidecar whose files are as they were.

A page is told again without reading it while the document's pages file and the page's chunk files are, by `Mark`, those
that were read, and the store has changed none of them since. Any other page is read anew.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from reference_server.chunk import place_of, stem_of
from reference_server.file_mark import Mark, mark_of
from reference_server.outline import Outline
from reference_server.store import ChunkStore
from reference_server.survey import PageFound, found_of

MAX_BYTES = 16 * 1024 * 1024
"""Of memory for all that is remembered."""

ENTRY_BYTES = 512
"""What one page costs, rounded up; a test measures it."""

_STATE_BYTES = 16


class SurveyMemory:
    """The pages that were looked at, by document; of documents that nobody asks for the oldest go first.

    Every method may be called from any thread.
    """

    def __init__(self, store: Path, max_bytes: int = MAX_BYTES) -> None:
        """Remember at most `max_bytes`; `store` is the folder of the chunk store."""
        self._folder = store
        self._most = max_bytes // ENTRY_BYTES
        self._lock = threading.Lock()
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()
        self._count = 0
        self._changes = 0

    def __len__(self) -> int:
        return self._count

    def look(self, store: ChunkStore, document_id: str, outline: Outline, page: int) -> PageFound:
        """Return what is stored of a page; waits for the disk, and reads it where anything is not as it was."""
        kept, changes = self._kept(document_id, outline, page)
        chunks = f"{self._folder}/{document_id}/chunks"
        if kept and kept.state == _state_of(chunks, page, kept.before, kept.found.total):
            return kept.found
        blocks = outline.page(page)
        before = blocks[0].ordinal - 1 if blocks else 0
        state = _state_of(
            chunks, page, before, len(blocks)
        )  # first: what changes while it is read shows next time
        found = found_of(store, document_id, blocks)
        if outline.mark is not None and _is_plain(found):
            self._add(document_id, outline.mark, page, _Page(state, before, _one_of_equals(found)), changes)
        return found

    def forget(self, document_id: str, *names: str) -> None:
        """Let go of the pages that have chunks with these files, or of all of a document's: they have changed."""
        pages = {place[0] for name in names if (place := place_of(name))}
        if names and not pages:
            return
        with self._lock:
            self._changes += 1
            shelf = self._shelves.get(document_id)
            if shelf is not None and pages:
                self._count -= sum(shelf.pages.pop(page, None) is not None for page in pages)
            else:
                self._drop(document_id)

    def _kept(self, document_id: str, outline: Outline, page: int) -> tuple[_Page | None, int]:
        """Return what is remembered of a page, and the changes so far."""
        with self._lock:
            shelf = self._shelves.get(document_id)
            if shelf is None or shelf.outline != outline.mark:
                return None, self._changes
            self._shelves.move_to_end(document_id)
            return shelf.pages.get(page), self._changes

    def _add(self, document_id: str, outline: Mark, number: int, page: _Page, changes: int) -> None:
        with self._lock:
            if changes != self._changes:
                return
            shelf = self._shelves.get(document_id)
            if shelf is None or shelf.outline != outline:
                self._drop(document_id)
                shelf = self._shelves[document_id] = _Shelf(outline, {})
            self._count += number not in shelf.pages
            shelf.pages[number] = page
            self._shelves.move_to_end(document_id)
            self._keep_to_limit()

    def _drop(self, document_id: str) -> None:
        shelf = self._shelves.pop(document_id, None)
        self._count -= len(shelf.pages) if shelf else 0

    def _keep_to_limit(self) -> None:
        while self._count > self._most:
            oldest = next(iter(self._shelves))
            if len(self._shelves) > 1:
                self._drop(oldest)
            else:
                pages = self._shelves[oldest].pages
                del pages[next(iter(pages))]
                self._count -= 1


@dataclass(frozen=True, slots=True)
class _Page:
    """What was found, and in which state the files were; `before` counts the blocks of the pages before."""

    state: bytes
    before: int
    found: PageFound


@dataclass(slots=True)
class _Shelf:
    """The remembered pages of one document, cut as the pages file with this mark says."""

    outline: Mark
    pages: dict[int, _Page]


def _is_plain(found: PageFound) -> bool:
    """Return whether a page is stored in one way, or not at all; another is long to remember, and rare."""
    return len(found.kinds) <= 1 and not found.other_texts


@lru_cache(maxsize=256)
def _one_of_equals(found: PageFound) -> PageFound:
    """Return the same object for equal pages: most of a book's have as many blocks, and all of them stored."""
    return found


def _state_of(chunks: str, page: int, before: int, total: int) -> bytes:
    """Return the digest of the marks of a page's MP3s and sidecars, be they there or not."""
    marks = list(_marks_of(chunks, page, before, total))
    return blake2b(repr(marks).encode(), digest_size=_STATE_BYTES).digest()


def _marks_of(chunks: str, page: int, before: int, total: int) -> Iterator[Mark | None]:
    for index in range(total):
        path = f"{chunks}/{stem_of(before + index + 1, page, index)}"
        for suffix in (".mp3", ".json"):
            try:
                yield mark_of(os.stat(path + suffix))  # noqa: PTH116 - a Path would cost as much again
            except (FileNotFoundError, NotADirectoryError):
                yield None
