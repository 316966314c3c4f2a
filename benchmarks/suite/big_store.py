"""Docstores of 100 to 200,000 chunks, as small as they can be: made once with the server's own code, and kept.

In each the same document, of a hundred real blocks with real sidecars, is the one that is asked for. The others have
chunks and metadata alone, for nothing asks for their text. So what differs is the store around the document.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.suite.made_store import DOCUMENT_ID, VOICING, make_store
from benchmarks.suite.measured import Tell
from reference_server.chunk import Chunk, audio_name
from reference_server.document import Document
from reference_server.outline import Block, Outline
from reference_server.store import ChunkStore

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".cache" / "bench-store"
"""Where the stores are kept: 200,000 chunks are made in a minute or two, and take 1.7 GB."""

ASKED_CHUNKS = 100
"""Of the document that is asked for."""

AUDIO_BYTES = 500
"""Of an MP3 here. Real ones have a thousand times as much, which nothing that is measured here reads."""

SMALL = (
    f"The stores are stand-ins: an MP3 has {AUDIO_BYTES} bytes, for 200,000 of real size would take 100 GB; names,"
    " sidecars and metadata are the server's own."
)
"""What a case that uses such stores says of them."""

_A_DOCUMENT, _A_PAGE = 1000, 10
_BYTES_A_CHUNK = 3 * 4096
_MADE_AT_S = 1_767_225_600
_WHOLE = "whole"


@dataclass(frozen=True)
class BigStore:
    """A docstore with so many chunks in all."""

    chunks: int
    docstore: Path

    @property
    def setting(self) -> str:
        """What the report calls it."""
        return f"{self.chunks:,} chunks"

    @property
    def root(self) -> Path:
        """The folder of the chunk store."""
        return self.docstore / "tts_cache_v1"

    @property
    def document(self) -> Path:
        """The document.json of the document that is asked for."""
        return self.docstore / "documents" / DOCUMENT_ID / "document.json"

    @property
    def pages(self) -> Path:
        """Its pages file."""
        version = Document.from_file(self.document.read_bytes()).version
        return self.document.parent / version / "pages.bin"

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Its blocks."""
        outline = Outline.open(self.pages, DOCUMENT_ID)
        try:
            return tuple(outline.blocks)
        finally:
            outline.close()

    def audio(self, block: Block) -> Path:
        """Return the MP3 of one of its blocks."""
        return self.root / DOCUMENT_ID / "chunks" / audio_name(block)


def big_store(kept: Path, chunks: int, tell: Tell) -> BigStore:
    """Return a store of so many chunks, `ASKED_CHUNKS` at least; made in the folder `kept` if it is not there yet.

    Raises:
        BenchmarkError: the disk has no room for it, or the server finds in it something else than was made.
        OSError: it cannot be written.
    """
    folder = kept / f"{chunks}-{_make()}"
    store = BigStore(chunks, folder / "docstore")
    if not (folder / _WHOLE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _check_room(folder, chunks)
        tell(f"a store of {chunks:,} small chunks is made, once")
        lists = ChunkStore(store.root)  # while it is empty: later it would put right what has no list yet
        make_store(folder, ASKED_CHUNKS, AUDIO_BYTES, AUDIO_BYTES)
        shutil.rmtree(folder / "files")  # for a plain file server
        lists.rebuild_metadata(DOCUMENT_ID, VOICING)
        for name, count in _others(chunks - ASKED_CHUNKS):
            _write_document(store.root / name, count)
            lists.rebuild_metadata(name, VOICING)
        report = ChunkStore(store.root).report
        if (report.chunks, report.repaired, report.foreign_files) != (chunks, False, 0):
            raise BenchmarkError(f"{folder}: {chunks:,} chunks were made, and the server finds {report}")
        os.sync()
        (folder / _WHOLE).touch()
    return store


def _others(chunks: int) -> Iterator[tuple[str, int]]:
    """Yield the other documents, each with the number of its chunks."""
    for number, first in enumerate(range(0, chunks, _A_DOCUMENT), 1):
        yield f"other-{number:04d}", min(_A_DOCUMENT, chunks - first)


def _write_document(folder: Path, chunks: int) -> None:
    (folder / "chunks").mkdir(parents=True)
    audio = bytes(AUDIO_BYTES)
    for at in range(chunks):
        block = Block(at // _A_PAGE + 1, at % _A_PAGE, at + 1, f"This is block {at + 1}.")
        path = folder / "chunks" / audio_name(block)
        path.write_bytes(audio)
        path.with_suffix(".json").write_text(_sidecar(path, block, audio), encoding="utf-8")


def _sidecar(path: Path, block: Block, audio: bytes) -> str:
    chunk = Chunk(
        path=path,
        ordinal=block.ordinal,
        page=block.page,
        block_index=block.index,
        text=block.text,
        text_hash=block.text_hash,
        voicing=VOICING,
        duration_s=1.0,
        size_bytes=len(audio),
        sha256=hashlib.sha256(audio).hexdigest(),
        created_at=_MADE_AT_S,
        timings={"alignments": []},
    )
    return json.dumps(chunk.to_json(), ensure_ascii=False)


def _make() -> str:
    """Return a digest of how such a store is made: what is kept of another make is not used."""
    block = Block(1, 0, 1, "One.")
    name = audio_name(block)
    made = [name, _sidecar(Path(name), block, b""), ASKED_CHUNKS, AUDIO_BYTES, _A_DOCUMENT, _A_PAGE]
    return hashlib.sha256(json.dumps(made).encode()).hexdigest()[:8]


def _check_room(folder: Path, chunks: int) -> None:
    free = os.statvfs(folder)
    files, size_bytes = 2 * chunks, chunks * _BYTES_A_CHUNK
    if free.f_files and free.f_favail < files:
        raise BenchmarkError(
            f"{folder}: {files:,} files are needed, and the disk takes {free.f_favail:,} more"
        )
    if free.f_bavail * free.f_frsize < size_bytes:
        raise BenchmarkError(f"{folder}: {size_bytes / 1e9:.1f} GB are needed, and the disk has less free")
