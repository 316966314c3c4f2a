"""What is remembered of chunks that were served, so that the next time costs no reading and no thread.

Only what was found on disk, whole and of the document's own text, gets in. It is let go when the store changes
or removes one of its files; and before each use the files themselves are asked, by `Mark`, whether they are still
the ones that were read. Whatever is not here, or not as it was, is looked up on disk anew.
"""

from __future__ import annotations

import json
import os
import threading
from collections import OrderedDict
from dataclasses import dataclass
from email.utils import formatdate
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from reference_server.chunk import Chunk, Voicing, one_of_equals, open_audio, place_of
from reference_server.file_mark import Mark, mark_of

MAX_BYTES = 16 * 1024 * 1024
"""Of memory for all that is remembered."""

ENTRY_BYTES = 2048
"""What one chunk costs, rounded up; a test measures it."""

_TIMINGS = b'"timings":'


@dataclass(frozen=True, slots=True)
class Known:
    """A chunk that can be served as it is; `timings` is where in the sidecar the word times stand."""

    audio: str
    sidecar: str
    audio_mark: Mark
    sidecar_mark: Mark
    voicing: Voicing
    text_hash: str
    etag: str
    modified: bytes
    timings: tuple[int, int] | None

    @classmethod
    def of(cls, chunk: Chunk, audio: os.stat_result, sidecar: Mark) -> Known:
        """Return what is to be remembered of a chunk, whose files were in this state when they were read."""
        return cls(
            audio=str(chunk.path),
            sidecar=str(chunk.path.with_suffix(".json")),
            audio_mark=mark_of(audio),
            sidecar_mark=sidecar,
            voicing=one_of_equals(chunk.voicing),
            text_hash=chunk.text_hash,
            etag=f'"{chunk.sha256}"',
            modified=formatdate(audio.st_mtime, usegmt=True).encode(),
            timings=_timings_in(chunk),
        )

    @property
    def size_bytes(self) -> int:
        """The size of the MP3."""
        return self.audio_mark[1]

    def is_whole(self) -> bool:
        """Return whether the MP3 is as it was."""
        return _is_still(self.audio, self.audio_mark)

    def open_audio(self) -> FileIO | None:
        """Open the MP3, unless it is another now."""
        return _open(self.audio, self.audio_mark)

    def read_timings(self) -> bytes | None:
        """Return the word times as JSON, unless the sidecar is another now."""
        file = _open(self.sidecar, self.sidecar_mark) if self.timings else None
        if file is None or self.timings is None:
            return None
        with file:
            start, size = self.timings
            return os.pread(file.fileno(), size, start)


@dataclass(frozen=True, slots=True)
class State:
    """A moment before something was read: a document's mark, None where there is none, and the changes so far."""

    mark: Mark | None
    changes: int


class ChunkIndex:
    """The chunks that are known, by document and place; of documents that are not asked for the oldest go first.

    Every method may be called from any thread. `find` asks the file system for two files, which waits for a disk
    only where the system has forgotten them.
    """

    def __init__(self, documents: Path, max_bytes: int = MAX_BYTES) -> None:
        """Remember at most `max_bytes`; `documents` is the folder of the documents."""
        self._folder = documents
        self._most = max_bytes // ENTRY_BYTES
        self._lock = threading.Lock()
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()
        self._count = 0
        self._changes = 0

    def __len__(self) -> int:
        return self._count

    def state_of(self, document_id: str) -> State:
        """Return the state of a document before it is read, for `open`; the id must be one that can be."""
        try:
            mark = mark_of(os.stat(self._path_of(document_id)))  # noqa: PTH116 - a Path would cost as much again
        except OSError:
            mark = None
        return State(mark, self._changes)

    def open(self, document_id: str, chunk: Chunk, state: State) -> BinaryIO:
        """Open the MP3 of a chunk that was found on disk, and remember the chunk if nothing changed since `state`.

        Waits for the disk; what is found must be what the document says now.

        Raises:
            FileNotFoundError: the chunk was removed or replaced since it was found.
        """
        sidecar = mark_of(chunk.path.with_suffix(".json").stat())
        file = open_audio(
            chunk
        )  # which looks whether the sidecar is the chunk's: it is the one that was marked
        try:
            known = Known.of(chunk, os.fstat(file.fileno()), sidecar)
            if state.mark is not None:
                self._add(document_id, (chunk.page, chunk.block_index), known, state.mark, state.changes)
        except BaseException:
            file.close()
            raise
        return file

    def find(self, document_id: str, page: int, block_index: int) -> Known | None:
        """Return what is known of a chunk, if document and sidecar are as they were; the MP3 is not looked at."""
        with self._lock:
            shelf = self._shelves.get(document_id)
            known = shelf.chunks.get((page, block_index)) if shelf else None
            if shelf is None or known is None:
                return None
            self._shelves.move_to_end(document_id)
        if _is_still(shelf.path, shelf.mark) and _is_still(known.sidecar, known.sidecar_mark):
            return known
        return None

    def _add(
        self, document_id: str, place: tuple[int, int], known: Known, document: Mark, changes: int
    ) -> None:
        with self._lock:
            if changes != self._changes:
                return
            shelf = self._shelves.get(document_id)
            if shelf is None or shelf.mark != document:
                self._drop(document_id)
                shelf = self._shelves[document_id] = _Shelf(self._path_of(document_id), document, {})
            self._count += place not in shelf.chunks
            shelf.chunks[place] = known
            self._shelves.move_to_end(document_id)
            self._keep_to_limit()

    def forget(self, document_id: str, *names: str) -> None:
        """Let go of the chunks that these are files of, or of all of a document's: they have changed."""
        places = [place for name in names if (place := place_of(name))]
        if names and not places:
            return
        with self._lock:
            self._changes += 1
            shelf = self._shelves.get(document_id)
            if shelf is not None and places:
                self._count -= sum(shelf.chunks.pop(place, None) is not None for place in set(places))
            else:
                self._drop(document_id)

    def _drop(self, document_id: str) -> None:
        shelf = self._shelves.pop(document_id, None)
        self._count -= len(shelf.chunks) if shelf else 0

    def _keep_to_limit(self) -> None:
        while self._count > self._most:
            oldest = next(iter(self._shelves))
            if len(self._shelves) > 1:
                self._drop(oldest)
            else:
                chunks = self._shelves[oldest].chunks
                del chunks[next(iter(chunks))]
                self._count -= 1

    def _path_of(self, document_id: str) -> str:
        return f"{self._folder}/{document_id}/document.json"


@dataclass(slots=True)
class _Shelf:
    """The known chunks of one document: its document.json, in which state, and the chunks by page and block."""

    path: str
    mark: Mark
    chunks: dict[tuple[int, int], Known]


def _is_still(path: str, mark: Mark) -> bool:
    try:
        return mark_of(os.stat(path)) == mark  # noqa: PTH116 - a Path would cost as much again
    except OSError:
        return False


def _open(path: str, mark: Mark) -> FileIO | None:
    try:
        file = FileIO(path)
    except OSError:
        return None
    if mark_of(os.fstat(file.fileno())) == mark:
        return file
    file.close()
    return None


def _timings_in(chunk: Chunk) -> tuple[int, int] | None:
    """Return where the word times stand in a chunk's sidecar, and how many bytes they are; None if not at its end."""
    data = chunk.path.with_suffix(".json").read_bytes()
    start = data.find(_TIMINGS) + len(_TIMINGS)
    try:
        found = json.loads(data[start:-1])
    except (ValueError, RecursionError):
        return None
    return (start, len(data) - 1 - start) if found == chunk.timings else None
