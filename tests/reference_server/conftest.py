"""Documents and audio as small as they can be while real, and a maker of chunks without upstream."""

from __future__ import annotations

import asyncio
import io
import math
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import lameenc
import pytest
from reportlab.lib.pagesizes import A5
from reportlab.pdfgen.canvas import Canvas
from starlette.testclient import TestClient

from reference_server.aligner_programs import Programs
from reference_server.app import create_app
from reference_server.chunk import Voicing
from reference_server.live_aligner import LiveAligner
from reference_server.outline import Block
from reference_server.settings import Settings
from reference_server.speech_turns import SpeechTurns
from reference_server.store import ChunkStore
from reference_server.workshop import GenerationError, MakeChunk

MakePdf = Callable[..., bytes]
Mp3Of = Callable[[float], bytes]
MakeEpub = Callable[..., bytes]


def _pdf(*pages: list[str]) -> bytes:
    """Return a PDF with one page for each list of lines."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A5, invariant=1)
    for lines in pages:
        for at, line in enumerate(lines):
            canvas.drawString(40, 550 - 14 * at, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _epub(*bodies: str, changed: Mapping[str, str | bytes | None] | None = None) -> bytes:
    """Return an EPUB with one spine item for each body, and some of its files changed, or left out."""
    places = [f"text/{at}.xhtml" for at in range(len(bodies))]
    items = "".join(
        f'<item id="i{at}" href="{place}" media-type="application/xhtml+xml"/>'
        for at, place in enumerate(places)
    )
    spine = "".join(f'<itemref idref="i{at}"/>' for at in range(len(places)))
    rootfile = '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>'
    container = f"<rootfiles>{rootfile}</rootfiles>"
    names = 'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"'
    files: dict[str, str | bytes | None] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f"<container {names}>{container}</container>",
        "OEBPS/book.opf": f'<package xmlns="http://www.idpf.org/2007/opf"><manifest>{items}</manifest>'
        f"<spine>{spine}</spine></package>",
    }
    for place, body in zip(places, bodies, strict=True):
        head = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>Title</title></head>'
        files[f"OEBPS/{place}"] = f"{head}<body>{body}</body></html>"
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in {**files, **(changed or {})}.items():
            if content is not None:
                archive.writestr(name, content, ZIP_STORED if name == "mimetype" else ZIP_DEFLATED)
    return out.getvalue()


def _mp3(seconds: float) -> bytes:
    """Return a tone of this length as MP3 at 128 kb/s."""
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(128)
    encoder.set_in_sample_rate(24_000)
    encoder.set_channels(1)
    encoder.silence()
    samples = [int(8000 * math.sin(n / 10)) for n in range(int(24_000 * seconds))]
    return bytes(encoder.encode(struct.pack(f"<{len(samples)}h", *samples)) + encoder.flush())


@pytest.fixture(scope="session")
def pdf() -> MakePdf:
    """Make a PDF, one page for each list of lines."""
    return _pdf


@pytest.fixture(scope="session")
def epub() -> MakeEpub:
    """Make an EPUB, one spine item for each body; `changed` replaces its files, None leaves one out."""
    return _epub


@pytest.fixture(scope="session")
def three_pages() -> bytes:
    """A PDF of three pages, which have 2, 1 and 2 blocks: the third page is one long line of words."""
    sentence = "Here is a sentence of some sixty characters, more or less so."
    return _pdf([sentence] * 9, ["Short page."], [sentence] * 8)


@pytest.fixture(scope="session")
def mp3() -> bytes:
    """Half a second of sound."""
    return _mp3(0.5)


@pytest.fixture(scope="session")
def mp3_of() -> Mp3Of:
    """Make an MP3 of some seconds."""
    return _mp3


@dataclass
class FakeMaker:
    """Stores a tone for every block; fails, waits or breaks where a test says so."""

    audio: bytes
    store: ChunkStore | None = None
    made: list[Block] = field(default_factory=list)
    failing: set[int] = field(default_factory=set)
    disk_error: OSError | None = None
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once `enough` blocks are being made at the same time."""
    enough: int = 1
    opened: int = 0
    closed: int = 0
    active: int = 0
    most_active: int = 0

    @asynccontextmanager
    async def __call__(self, turns: SpeechTurns) -> AsyncIterator[MakeChunk]:
        """Count how often the expensive side of a job comes and goes."""
        self.opened += 1
        try:
            yield partial(self._take_turn, turns)
        finally:
            self.closed += 1

    async def _take_turn(self, turns: SpeechTurns, document_id: str, block: Block, voicing: Voicing) -> int:
        async with turns.turn():
            return await self._make(document_id, block, voicing)

    async def _make(self, document_id: str, block: Block, voicing: Voicing) -> int:
        self.active += 1
        self.most_active = max(self.most_active, self.active)
        if self.active >= self.enough:
            self.entered.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.disk_error is not None:
                raise self.disk_error
            if block.ordinal in self.failing:
                raise GenerationError("The speech service said no.")
            assert self.store is not None
            staged = self.store.stage(document_id, self.audio)
            word = {
                "text": block.text.split()[0],
                "startSec": 0.0,
                "endSec": 0.2,
                "charStart": 0,
                "charEnd": 1,
            }
            timings = {"alignments": [{"sentence": block.text, "sentenceIndex": 0, "words": [word]}]}
            self.store.commit(document_id, block, voicing, staged, timings)
            self.made.append(block)
            return len(self.audio)
        finally:
            self.active -= 1


@pytest.fixture
def maker(mp3: bytes) -> FakeMaker:
    """Stand in for upstream and aligner."""
    return FakeMaker(mp3)


@pytest.fixture(scope="session")
def new_maker(mp3: bytes) -> Callable[[], FakeMaker]:
    """Make such stand-ins for what outlives a test."""
    return lambda: FakeMaker(mp3)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults, with the store in a folder of the test's own."""
    return Settings(docstore_dir=tmp_path / "docstore", max_document_bytes=200_000)


@pytest.fixture
def client(settings: Settings, maker: FakeMaker) -> Iterator[TestClient]:
    """A client of a started application whose chunks come from `maker`."""
    aligner = LiveAligner(settings, Programs(decoder=("false",), aligner=("false",)))
    app = create_app(settings, open_maker=maker, live_aligner=aligner)
    with TestClient(app, raise_server_exceptions=False) as test_client:
        maker.store = app.state.store
        yield test_client
