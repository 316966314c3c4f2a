"""Real speech to read: a store that the reference server made, and its answers as files for a plain file server.

Kept from one benchmark to the next, for a thousand chunks take minutes. What was made before an interruption
stays: the server takes up its job where it was.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

from benchmarks.document import text_of
from benchmarks.errors import BenchmarkError
from benchmarks.servers import Server, reference_server, speech_upstream, within
from loadtests.chapters import Chapters, ChaptersError
from profiles import processes

DOCUMENT_ID = "bench-readers"
SPEED = 0.85
"""Speech a little slower than the engine's own: its blocks of 446 characters are then 450 to 570 kB, and not
385 to 470, as those of paid voices are."""

BYTES_PER_S = 16_000
"""Of an MP3 of 128 kb/s, which the stand-in makes: how long a block plays follows from its size."""

_MAKE_WITHIN_S = 2 * 3600.0
_DIRECT = build_opener(ProxyHandler({}))


@dataclass(frozen=True)
class Store:
    """What readers read.

    Attributes:
        chapters: the chapters file: one chapter of all blocks.
        docstore: the reference server's folder.
        files: each answer as a file: `chunk/PAGE-BLOCK` and `timings/PAGE-BLOCK`.
        chunk_bytes: the chunks' sizes, smallest first.
        aligner: what made their timings.
    """

    chapters: Path
    docstore: Path
    files: Path
    chunk_bytes: tuple[int, ...]
    aligner: str

    @property
    def mean_block_s(self) -> float:
        """How long a block plays on average."""
        return sum(self.chunk_bytes) / len(self.chunk_bytes) / BYTES_PER_S


def make_store(root: Path, blocks: int, aligner: str, tell: Callable[[str], None]) -> Store:
    """Returns the store of so many blocks in `root`, made now where it is not there yet.

    Raises:
        BenchmarkError: a server did not start or did not do its part.
        OSError: the disk is full.
    """
    text = text_of(blocks).encode()
    folder = root / f"{blocks}-{aligner}-{hashlib.sha256(text).hexdigest()[:8]}"
    chapters, files, docstore = folder / "chapters.json", folder / "files", folder / "docstore"
    try:
        whole = bool(Chapters.load(chapters)) and files.is_dir()
    except ChaptersError:
        whole = False
    if not whole:
        tell(f"{folder}: {blocks} chunks are made by the reference server (aligner: {aligner}); done once")
        folder.mkdir(parents=True, exist_ok=True)
        document, log = folder / "document.txt", folder / "log.txt"
        document.write_bytes(text)
        with speech_upstream(log) as upstream:
            settings = {"API_BASE": f"{upstream.url}/v1", "ALIGNER": aligner}
            with reference_server(docstore, log, settings=settings) as server:
                _pregenerate(server, document, chapters, blocks, log)
                _write_answers(server, Chapters.load(chapters), files)
    sizes = sorted(path.stat().st_size for path in (files / "chunk").iterdir())
    return Store(chapters, docstore, files, tuple(sizes), aligner)


def _pregenerate(server: Server, document: Path, chapters: Path, blocks: int, log: Path) -> None:
    command = processes.python_module(
        "loadtests.prepare", "--host", server.url, "--document", document, "--document-id", DOCUMENT_ID,
        "--chapters", 1, "--blocks", blocks, "--speed", SPEED, "--out", chapters, "--pregenerate",
    )  # fmt: skip
    process = processes.start(command, log)
    try:
        within(_MAKE_WITHIN_S, f"the {blocks} chunks are not made", lambda: process.poll() is not None)
    finally:
        status = processes.stop(process)
    if status != 0:
        raise BenchmarkError(f"{log}: the chunks could not be made: {processes.last_line(log)}")


def _write_answers(server: Server, chapters: Chapters, files: Path) -> None:
    """Write what the server answers for each block; the folder gets its name when all of it is there."""
    aside = files.with_name("files.part")
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(aside)
    for kind in ("chunk", "timings"):
        (aside / kind).mkdir(parents=True)
        for page, block, path in _places(chapters):
            query = urlencode({"documentId": chapters.document_id, "page": page, "blockIndex": block})
            with _DIRECT.open(f"{server.url}/api/tts/{kind}?{query}", timeout=60) as answer:
                (aside / kind / path).write_bytes(answer.read())
    aside.rename(files)


def _places(chapters: Chapters) -> Iterator[tuple[int, int, str]]:
    for block in (block for chapter in chapters.chapters for block in chapter):
        yield block.page, block.block_index, f"{block.page}-{block.block_index}"
