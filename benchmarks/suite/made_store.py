"""A docstore of chunks with given sizes, made in seconds: a stand-in for one that was pre-generated.

The document is a real one, uploaded through the real server, and each chunk has the sidecar that the server itself
would write, by its own code. Only the sound is made up: an MP3 here is random bytes of a size that an MP3 has, which
costs the same to serve, and its words are spread over it by their length. Nothing that listens or decodes may use it.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from benchmarks.document import text_of
from benchmarks.errors import BenchmarkError
from benchmarks.servers import reference_server
from benchmarks.store import BYTES_PER_S
from reference_server.chunk import Chunk, Voicing, audio_name
from reference_server.document import Document
from reference_server.outline import Block, Outline
from reference_server.words import alignment_json, map_words

DOCUMENT_ID = "made"
VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
"""What the server asks for when it is told nothing else."""

STAND_IN = "Chunks are random bytes of the size of an MP3, with real sidecars: a stand-in that costs the same to serve."
"""What a case that uses such a store says of it."""

_SEED = 1
_MADE_AT_S = 1_767_225_600


@dataclass(frozen=True)
class MadeBlock:
    """A block and its chunk; `page` counts from 1, `index` from 0."""

    page: int
    index: int
    text_hash: str
    size_bytes: int

    @property
    def path(self) -> str:
        """What a reader asks for: path and query of its chunk."""
        query = {
            "documentId": DOCUMENT_ID,
            "page": self.page,
            "blockIndex": self.index,
            "voice": VOICING.voice,
            "speed": f"{VOICING.speed:g}",
            "model": VOICING.model,
            "textHash": self.text_hash,
        }
        return f"/api/tts/chunk?{urlencode(query)}"


@dataclass(frozen=True)
class MadeStore:
    """A docstore with one document, `DOCUMENT_ID`, all of whose blocks have a chunk.

    Attributes:
        docstore: the reference server's folder.
        files: the same MP3s for a plain file server, as hard links: `chunk/PAGE-BLOCK`.
        blocks: in document order.
    """

    docstore: Path
    files: Path
    blocks: tuple[MadeBlock, ...]


def make_store(root: Path, blocks: int, smallest_bytes: int, largest_bytes: int) -> MadeStore:
    """Return a store of so many chunks, of sizes drawn evenly between these; the same for the same arguments.

    It is made in `root`, an empty folder, and is on the disk when this returns: nothing is left to be written while
    somebody measures.

    Raises:
        BenchmarkError: the server does not start, or does not take the document.
        OSError: the disk is full.
    """
    docstore, files = root / "docstore", root / "files"
    _upload(docstore, text_of(blocks).encode(), root / "made-store.log")
    chunks = docstore / "tts_cache_v1" / DOCUMENT_ID / "chunks"
    for folder in (chunks, files / "chunk"):
        folder.mkdir(parents=True)
    draw = random.Random(_SEED)
    made = []
    for block in _blocks_of(docstore):
        path = chunks / audio_name(block)
        audio = draw.randbytes(draw.randint(smallest_bytes, largest_bytes))
        path.write_bytes(audio)
        chunk = _chunk(path, block, audio)
        path.with_suffix(".json").write_text(
            json.dumps(chunk.to_json(), ensure_ascii=False), encoding="utf-8"
        )
        (files / "chunk" / f"{block.page}-{block.index}").hardlink_to(path)
        made.append(MadeBlock(block.page, block.index, block.text_hash, len(audio)))
    if len(made) != blocks:
        raise BenchmarkError(
            f"{docstore}: the document has {len(made)} blocks, and not the {blocks} it was made of"
        )
    os.sync()
    return MadeStore(docstore, files, tuple(made))


def _upload(docstore: Path, text: bytes, log: Path) -> None:
    with reference_server(docstore, log, settings={"ALIGNER": "none"}) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        try:
            headers = {"Content-Type": "text/plain"}
            connection.request("PUT", f"/api/documents/{DOCUMENT_ID}", text, headers)
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status not in {http.client.OK, http.client.CREATED}:
            raise BenchmarkError(
                f"the document was refused: {answer.status}: {said[:200].decode(errors='replace')}"
            )


def _blocks_of(docstore: Path) -> Iterator[Block]:
    folder = docstore / "documents" / DOCUMENT_ID
    document = Document.from_file((folder / "document.json").read_bytes())
    outline = Outline.open(folder / document.version / "pages.bin", document.id)
    try:
        yield from outline.blocks
    finally:
        outline.close()


def _chunk(path: Path, block: Block, audio: bytes) -> Chunk:
    duration_s = len(audio) / BYTES_PER_S
    return Chunk(
        path=path,
        ordinal=block.ordinal,
        page=block.page,
        block_index=block.index,
        text=block.text,
        text_hash=block.text_hash,
        voicing=VOICING,
        duration_s=duration_s,
        size_bytes=len(audio),
        sha256=hashlib.sha256(audio).hexdigest(),
        created_at=_MADE_AT_S,
        timings=alignment_json(block.text, map_words(block.text, _spoken_evenly(block.text, duration_s))),
    )


def _spoken_evenly(text: str, duration_s: float) -> list[tuple[str, float, float]]:
    """Return each word with its start and end, as if every character took as long."""
    s_per_character = duration_s / len(text)
    return [
        (found[0], found.start() * s_per_character, found.end() * s_per_character)
        for found in re.finditer(r"\S+", text)
    ]
