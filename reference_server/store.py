"""The chunk store: each block's MP3 on disk beside a sidecar that says what it is.

Layout, below one folder a document:

    tts.meta.json                              what the chunks are, rebuilt from the sidecars
    chunks/0001__page-001__block-000.mp3       the leading number is the block's place in the document, from 1
    chunks/0001__page-001__block-000.json      the sidecar: text, hashes, settings, duration, word timings

A chunk is there when its sidecar is: the sidecar is written last and removed first, so a kill at any moment
leaves whole chunks and, at worst, an MP3 that nobody is shown and a hidden file; opening the store, or `prune`,
removes both.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tinytag import TinyTag, TinyTagException

from reference_server.chunk import Chunk, Voicing, audio_name, read_chunk
from reference_server.durable import is_leftover, put_in_place, sync
from reference_server.errors import ServerError
from reference_server.outline import Block, Outline
from reference_server.store_metadata import METADATA, RebuildPace, is_current, sidecars_of, write_metadata
from reference_server.store_repair import repair
from reference_server.store_scan import entries_of, is_chunk_file
from reference_server.store_space import StoreFullError, StoreSpace
from reference_server.store_usage import StoreStats

__all__ = ["AudioError", "ChunkStore", "Staged", "StoreFullError", "StoreStats"]

_log = logging.getLogger(__name__)


class AudioError(ServerError):
    """What the speech service sent is not an MP3 with sound in it."""


@dataclass(frozen=True)
class Staged:
    """An MP3 on disk under a hidden name, not yet a chunk; `duration_s` is that of its sound."""

    document_id: str
    path: Path
    size_bytes: int
    sha256: str
    duration_s: float


class ChunkStore:
    """The chunks of all documents below one folder. Its methods wait for the disk: call them in a thread."""

    def __init__(
        self,
        root: Path,
        *,
        max_bytes: int = sys.maxsize,
        is_open: Callable[[str], bool] = lambda _document_id: False,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[..., None] = lambda _document_id, *_names: None,
    ) -> None:
        """Open the store, repaired.

        The sizes of all files below `root` are kept at `max_bytes` at most; documents that are open by
        `is_open` are never removed for that. What is being made must be open from before `prune` to the
        end. `clock` is in seconds, for the pace of `rebuild_metadata_if_due`. `on_change` is told a document and
        the names of its files that were written or removed just now, none where it is all of them.
        """
        self._root = root
        self._pace = RebuildPace(clock)
        self._rebuilding = threading.Lock()
        root.mkdir(parents=True, exist_ok=True)
        opened = repair(root)
        self._space = StoreSpace(root, opened.usage, max_bytes, is_open, on_change)
        rebuilt = sum(self._list_again(*unlisted) for unlisted in opened.unlisted.items())
        self.report = replace(
            opened.report, metadata_rebuilt=rebuilt, size_bytes=self._space.stats().size_bytes
        )
        if self.report.repaired:
            _log.warning("the store was repaired: %s", self.report)

    def stage(self, document_id: str, audio: bytes) -> Staged:
        """Put an MP3 on disk under a hidden name, for `commit` or `discard`.

        Raises:
            AudioError: `audio` is empty or no MP3.
            StoreFullError: there is no room for it.
        """
        duration_s = _duration_s(audio)
        with self._space.aside(document_id, self._chunks(document_id)) as aside:
            aside.write(audio)
            aside.sync()
        return Staged(document_id, aside.path, len(audio), hashlib.sha256(audio).hexdigest(), duration_s)

    def discard(self, staged: Staged) -> None:
        """Remove a staged MP3 that did not become a chunk; one that did is left alone."""
        self._space.remove(staged.document_id, staged.path)

    def commit(
        self, document_id: str, block: Block, voicing: Voicing, staged: Staged, timings: Mapping[str, object]
    ) -> None:
        """Make a staged MP3 the chunk of a block, in the place of one that was there before.

        Raises:
            StoreFullError: there is no room for the sidecar; what was there before stays.
        """
        audio = self._audio_path(document_id, block)
        sidecar = audio.with_suffix(".json")
        chunk = Chunk(
            path=audio,
            ordinal=block.ordinal,
            page=block.page,
            block_index=block.index,
            text=block.text,
            text_hash=block.text_hash,
            voicing=voicing,
            duration_s=staged.duration_s,
            size_bytes=staged.size_bytes,
            sha256=staged.sha256,
            created_at=int(time.time()),
            timings=timings,
        )
        with self._space.aside(document_id, audio.parent) as aside:
            aside.write(json.dumps(chunk.to_json(), ensure_ascii=False).encode())
            aside.sync()
            with self._space.changing(document_id, staged.path, audio, aside.path, sidecar):
                if sidecar.exists():
                    sidecar.unlink()
                    sync(audio.parent)
                put_in_place(staged.path, audio)
                put_in_place(aside.path, sidecar)
        self._space.date(document_id, chunk.created_at, keep=True)

    def find(self, document_id: str, block: Block) -> Chunk | None:
        """Return the whole chunk stored for a block's place, whatever its text and settings, or None."""
        chunk = read_chunk(self._audio_path(document_id, block).with_suffix(".json"))
        if chunk is None or (chunk.page, chunk.block_index) != (block.page, block.index):
            return None
        return chunk

    def has(self, document_id: str, block: Block, voicing: Voicing) -> bool:
        """Return whether a block's chunk is stored with this text and these settings."""
        chunk = self.find(document_id, block)
        return chunk is not None and chunk.voicing == voicing and chunk.text_hash == block.text_hash

    def prune(self, document_id: str, outline: Outline) -> None:
        """Remove what a kill left behind and chunks of blocks that the document no longer has.

        Only for a document that is open and of which nothing is being generated. When this returns, what is
        stored of it stays: it waits for an eviction that began before the document was open.
        """
        folder = self._chunks(document_id)
        kept = {self._audio_path(document_id, block).stem for block in outline.blocks}
        with self._space.lock:
            paths = [Path(entry.path) for entry in entries_of(folder)]
            gone = [
                path
                for path in paths
                if is_leftover(path.name) or (is_chunk_file(path.name) and path.stem not in kept)
            ]
            for path in sorted(gone, key=lambda path: path.suffix):  # .json, the sidecars, before .mp3
                self._space.remove(document_id, path)

    def rebuild_metadata(self, document_id: str, voicing: Voicing) -> None:
        """Write tts.meta.json, the plan's list of the chunks with these settings, from their sidecars.

        A document without any chunk has none. The file's time is that of the folder before it was listed.

        Raises:
            StoreFullError: there is no room for it; the one that was there before stays.
        """
        path, chunks = self._root / document_id / METADATA, self._chunks(document_id)
        with self._rebuilding, self._pace.timed(document_id):
            # Before the listing: a chunk that comes meanwhile makes the folder newer than its list.
            listed_at = chunks.stat().st_mtime_ns if chunks.is_dir() else 0
            names = sidecars_of(chunks)
            if not names:
                self._space.remove(document_id, path)
                return
            with self._space.aside(document_id, path.parent) as aside:
                created_at = write_metadata(aside, document_id, voicing, (chunks / name for name in names))
                aside.sync()
                os.utime(aside.path, ns=(listed_at, listed_at))
                with self._space.changing(document_id, aside.path, path):
                    put_in_place(aside.path, path)
            self._space.date(document_id, created_at)

    def rebuild_metadata_if_due(self, document_id: str, voicing: Voicing) -> bool:
        """Rebuild the metadata while chunks are made, at a pace at which it costs little; tell if it was due.

        Raises:
            StoreFullError: as `rebuild_metadata`.
        """
        due = self._pace.claim(document_id)
        if due:
            self.rebuild_metadata(document_id, voicing)
        return due

    def is_listed(self, document_id: str) -> bool:
        """Return whether tts.meta.json is there and no chunk came or went since it was written."""
        return is_current(self._root / document_id / METADATA, self._chunks(document_id))

    def delete(self, document_id: str) -> bool:
        """Remove all chunks of a document; return whether there were any."""
        return self._space.remove_document(document_id)

    def documents(self) -> list[str]:
        """Return the ids of all documents that have chunks, from memory."""
        return self._space.documents()

    def stats(self) -> StoreStats:
        """Return what the whole store holds, from memory: it waits for no disk."""
        return self._space.stats()

    def size_of(self, document_id: str) -> int:
        """Return the bytes of all files of a document, from memory."""
        return self._space.size_of(document_id)

    @property
    def evictions(self) -> int:
        """How many documents' chunks were removed to keep the limit, since the store was opened."""
        return self._space.evictions

    def sweep(self) -> None:
        """Measure the store anew, and remove the oldest documents that are not open while it is over its limit."""
        self._space.sweep()

    def _list_again(self, document_id: str, voicing: Voicing) -> bool:
        try:
            self.rebuild_metadata(document_id, voicing)
        except (StoreFullError, OSError) as error:  # a full disk or store can still be read, and emptied
            _log.warning("%s: its metadata is not rebuilt. %s", document_id, error)
            return False
        return True

    def _chunks(self, document_id: str) -> Path:
        return self._root / document_id / "chunks"

    def _audio_path(self, document_id: str, block: Block) -> Path:
        return self._chunks(document_id) / audio_name(block)


def _duration_s(audio: bytes) -> float:
    try:
        duration_s = TinyTag.get(filename="chunk.mp3", file_obj=io.BytesIO(audio)).duration
    except TinyTagException:
        duration_s = None
    if not duration_s:
        raise AudioError("The speech service sent no playable MP3.")
    return float(duration_s)
