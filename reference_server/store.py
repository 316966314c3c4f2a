"""The chunk store: each block's MP3 on disk beside a sidecar that says what it is.

Layout, below one folder a document:

    tts.meta.json                              what the chunks are, rebuilt from the sidecars
    chunks/0001__page-001__block-000.mp3       the leading number is the block's place in the document, from 1
    chunks/0001__page-001__block-000.json      the sidecar: text, hashes, settings, duration, word timings

A chunk is there when its sidecar is: the sidecar is written last and removed first, so a kill at any moment
leaves whole chunks and, at worst, an MP3 that nobody is shown and a hidden file that `prune` removes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from tinytag import TinyTag, TinyTagException

from reference_server.chunk import Chunk, Voicing, Wanted, audio_name, read_chunk
from reference_server.durable import put_in_place, remove_folder, sync, write_aside, write_whole
from reference_server.errors import ServerError
from reference_server.outline import Block, Outline


class AudioError(ServerError):
    """What the speech service sent is not an MP3 with sound in it."""


class StoreFullError(ServerError):
    """The store has reached its limit, and holds nothing that may go."""


@dataclass(frozen=True)
class Staged:
    """An MP3 on disk under a hidden name, not yet a chunk; `duration_s` is that of its sound."""

    path: Path
    size_bytes: int
    sha256: str
    duration_s: float


@dataclass(frozen=True)
class Survey:
    """How much of a document is stored: `stored` chunks, `fitting` of them as wanted, of `total` blocks."""

    stored: int
    fitting: int
    total: int
    pages: tuple[int, ...]
    """The pages of which every block is stored as wanted; a page without blocks is none of them."""
    voicing: Voicing | None
    """The settings of the first stored chunk."""

    @property
    def state(self) -> str:
        """`missing`, `partial`, `complete`, or `stale` as soon as one stored chunk is not as wanted."""
        if not self.stored:
            return "missing"
        if self.fitting < self.stored:
            return "stale"
        return "complete" if self.fitting == self.total else "partial"


class ChunkStore:
    """The chunks of all documents below one folder. Its methods wait for the disk: call them in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        for leftover in root.glob(".*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def stage(self, document_id: str, audio: bytes) -> Staged:
        """Put an MP3 on disk under a hidden name, for `commit` or `discard`.

        Raises:
            AudioError: `audio` is empty or no MP3.
        """
        folder = self._chunks(document_id)
        folder.mkdir(parents=True, exist_ok=True)
        path = write_aside(folder, audio)
        try:
            return Staged(path, len(audio), hashlib.sha256(audio).hexdigest(), _duration_s(path))
        except AudioError:
            path.unlink()
            raise

    def discard(self, staged: Staged) -> None:
        """Remove a staged MP3 that did not become a chunk; one that did is left alone."""
        staged.path.unlink(missing_ok=True)

    def commit(
        self, document_id: str, block: Block, voicing: Voicing, staged: Staged, timings: Mapping[str, object]
    ) -> None:
        """Make a staged MP3 the chunk of a block, in the place of one that was there before."""
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
        aside = write_aside(audio.parent, json.dumps(chunk.to_json(), ensure_ascii=False).encode())
        if sidecar.exists():
            sidecar.unlink()
            sync(audio.parent)
        put_in_place(staged.path, audio)
        put_in_place(aside, sidecar)

    def find(self, document_id: str, block: Block) -> Chunk | None:
        """Return the whole chunk stored for a block's place, whatever its text and settings, or None."""
        chunk = read_chunk(self._audio_path(document_id, block).with_suffix(".json"))
        if chunk is None or (chunk.page, chunk.block_index) != (block.page, block.index):
            return None
        return chunk

    def survey(self, document_id: str, outline: Outline, wanted: Wanted) -> Survey:
        """Count what is stored of a document, against what is wanted and against the document's own text."""
        stored = fitting = 0
        voicing: Voicing | None = None
        pages: list[int] = []
        for blocks in outline.pages:
            fitting_here = 0
            for block in blocks:
                chunk = self.find(document_id, block)
                if chunk is not None:
                    stored += 1
                    voicing = voicing or chunk.voicing
                    fitting_here += wanted.fits(chunk) and chunk.text_hash == block.text_hash
            fitting += fitting_here
            if blocks and fitting_here == len(blocks):
                pages.append(blocks[0].page)
        total = sum(map(len, outline.pages))
        return Survey(stored, fitting, total, tuple(pages), voicing)

    def has(self, document_id: str, block: Block, voicing: Voicing) -> bool:
        """Return whether a block's chunk is stored with this text and these settings."""
        chunk = self.find(document_id, block)
        return chunk is not None and chunk.voicing == voicing and chunk.text_hash == block.text_hash

    def prune(self, document_id: str, outline: Outline) -> None:
        """Remove what a kill left behind and chunks of blocks that the document no longer has.

        Only for a document of which nothing is being generated.
        """
        folder = self._chunks(document_id)
        if not folder.is_dir():
            return
        kept = {self._audio_path(document_id, block).stem for block in outline.blocks}
        for path in sorted(
            folder.iterdir(), key=lambda path: path.suffix
        ):  # .json, the sidecars, before .mp3
            if path.stem not in kept:
                path.unlink()

    def rebuild_metadata(self, document_id: str, voicing: Voicing) -> None:
        """Write tts.meta.json, the plan's list of the chunks with these settings, from their sidecars."""
        entries, created_at = [], int(time.time())
        for sidecar in self._chunks(document_id).glob("[!.]*.json"):
            chunk = read_chunk(sidecar)
            if chunk is not None and chunk.voicing == voicing:
                entries.append(
                    (chunk.ordinal, chunk.to_metadata())
                )  # one chunk's timings at a time in memory
                created_at = min(created_at, chunk.created_at)
        entries.sort(key=itemgetter(0))
        fields = {
            "documentId": document_id,
            "ttsProvider": voicing.provider,
            "ttsModel": voicing.model,
            "voice": voicing.voice,
            "nativeSpeed": voicing.speed,
            "createdAt": created_at,
            "settingsHash": voicing.settings_hash,
            "chunks": [entry for _, entry in entries],
        }
        folder = self._root / document_id
        folder.mkdir(exist_ok=True)
        write_whole(folder / "tts.meta.json", json.dumps(fields, ensure_ascii=False, indent=1).encode())

    def delete(self, document_id: str) -> bool:
        """Remove all chunks of a document; return whether there were any."""
        return remove_folder(self._root / document_id)

    def _chunks(self, document_id: str) -> Path:
        return self._root / document_id / "chunks"

    def _audio_path(self, document_id: str, block: Block) -> Path:
        return self._chunks(document_id) / audio_name(block)


def _duration_s(path: Path) -> float:
    with path.open("rb") as file:
        try:
            duration_s = TinyTag.get(filename="chunk.mp3", file_obj=file).duration
        except TinyTagException:
            duration_s = None
    if not duration_s:
        raise AudioError("The speech service sent no playable MP3.")
    return float(duration_s)
