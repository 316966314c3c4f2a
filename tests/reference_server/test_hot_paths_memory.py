"""What the server's hot paths allocate at once, by memray: a limit each, and proof that each can be broken.

A limit is a multiple of what was measured, on Python 3.11, by

    pytest --memray --most-allocations=0 tests/reference_server/test_hot_paths_memory.py

Every object is traced, also those that Python takes from a pool it has, and each path is gone once beforehand, which
imports and fills caches: so neither the tests before nor coverage change the figures. All threads of the process
count, and so does a client in it: the one here keeps nothing of what it receives.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_server.blocks import split_blocks
from reference_server.chunk import Chunk, Voicing, audio_name
from reference_server.settings import Settings
from reference_server.store_scan import files_below

if TYPE_CHECKING:  # the tests are no package
    from reference_server.outline import Block

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
CHUNK_BYTES = 64 * MIB
SMALL_BYTES = 16 * 1024
DOCUMENTS = 8
PARAGRAPHS = 300
"""Of one block each."""
WORDS_A_BLOCK = 80
BLOCK = "documentId=doc-0&page=1&blockIndex=0"
STATUS = "documentId=doc-0"
VOICING = Voicing("openai", "tts-1", "alloy", 1.0)
PARAGRAPH = " ".join(["Here is a sentence of some sixty characters, more or less so."] * 7)
TEXT = "\n\n".join([PARAGRAPH] * PARAGRAPHS)
LONG_TEXT = "\n\n".join([PARAGRAPH] * 2400)
"""A million characters."""
WASTEFUL = "HOT_PATHS_WASTEFUL"
"""With this in the environment each test runs a wasteful version of what it is about, and must fail."""


@dataclass
class Answer:
    """What came of a request: its status, how long its body was, and the body itself where it is small."""

    status: int = 0
    body_bytes: int = 0
    small_body: bytes = b""

    @property
    def json(self) -> Any:
        """What a small body says."""
        return json.loads(self.small_body)


class HotServer:
    """The application with a full store, asked without a client that would hold what it receives."""

    def __init__(self, client: TestClient, *, wasteful: bool) -> None:
        self.client = client
        self.wasteful = wasteful
        self.state: Any = client.app.state  # type: ignore[attr-defined]  # Starlette's

    def ask(self, path: str, query: str, through: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> Answer:
        """Ask for a path; where this server is to waste, `through` is put around the application."""
        answer = Answer()
        asked: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> Message:
            return asked.pop() if asked else await asyncio.Future()

        async def send(message: Message) -> None:
            body = message.get("body", b"")
            answer.status = message.get("status", answer.status)
            answer.body_bytes += len(body)
            if answer.body_bytes <= SMALL_BYTES:
                answer.small_body += body

        scope = {
            "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": path,
            "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
            "headers": [(b"host", b"testserver")], "client": ("testclient", 1), "server": ("testserver", 80),
        }  # fmt: skip
        app = through(self.client.app) if self.wasteful else self.client.app
        assert self.client.portal is not None
        self.client.portal.call(app, scope, receive, send)
        return answer


@pytest.fixture(autouse=True)
def _every_object_is_traced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count the objects in Python's own pools too, which an allocation of a new pool would only hint at."""
    monkeypatch.setattr(request.config.option, "trace_python_allocators", True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults, with room for the documents."""
    return Settings(docstore_dir=tmp_path / "docstore", max_document_bytes=MIB)


@pytest.fixture
def server(client: TestClient) -> HotServer:
    """A server that has a chunk for each block of some documents, the very first of which is large; warmed up."""
    for document in range(DOCUMENTS):
        _put_document(client, f"doc-{document}")
    server = HotServer(client, wasteful=WASTEFUL in os.environ)
    for path, query in (("chunk", BLOCK), ("timings", BLOCK), ("preprocess/status", STATUS)):
        assert server.ask(f"/api/tts/{path}", query).status == 200
    server.state.store.sweep()
    return server


def _put_document(client: TestClient, document_id: str) -> None:
    """Upload a document, and put its chunks where the store has them, which takes 2000 times as long by itself."""
    path = f"/api/documents/{document_id}"
    assert client.put(path, content=TEXT.encode(), headers={"Content-Type": "text/plain"}).status_code == 201
    state: Any = client.app.state  # type: ignore[attr-defined]  # Starlette's
    outline = state.documents.outline(state.documents.get(document_id))
    folder = state.store._chunks(document_id)
    folder.mkdir(parents=True)
    for block in outline.blocks:
        is_large = (document_id, block.ordinal) == ("doc-0", 1)
        _put_chunk(folder / audio_name(block), block, CHUNK_BYTES if is_large else 30_000)
    outline.close()


def _put_chunk(audio: Path, block: Block, size_bytes: int) -> None:
    word = {"text": "sentence", "startSec": 1.25, "endSec": 1.5, "charStart": 10, "charEnd": 18}
    timings = {"alignments": [{"sentence": block.text, "sentenceIndex": 0, "words": [word] * WORDS_A_BLOCK}]}
    with audio.open("wb") as file:
        os.truncate(file.fileno(), size_bytes)  # zeros that take no disk
    places = (block.ordinal, block.page, block.index, block.text, block.text_hash)
    chunk = Chunk(audio, *places, VOICING, 30.0, size_bytes, "ab" * 32, 1, timings)
    audio.with_suffix(".json").write_text(json.dumps(chunk.to_json()))


def _held_back(app: ASGIApp) -> ASGIApp:
    """Return the application with its answers gathered whole before they are sent."""

    async def gathered(scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def gather(message: Message) -> None:
            messages.append(message)

        await app(scope, receive, gather)
        for message in messages:
            await send(message)

    return gathered


@pytest.mark.limit_memory("1 MB")
def test_a_chunk_is_served_without_being_held(server: HotServer) -> None:
    """GIVEN a chunk of 64 MB WHEN it is served THEN it passes through. Measured: 265 KB; held whole: 64.4 MB."""
    answer = server.ask("/api/tts/chunk", BLOCK, _held_back)
    assert (answer.status, answer.body_bytes) == (200, CHUNK_BYTES)


@pytest.mark.limit_memory("512 KB")
def test_a_status_is_told_from_one_chunk_at_a_time(server: HotServer) -> None:
    """GIVEN 300 chunks with 80 timed words each WHEN their status is read THEN one is held at a time.

    Measured: 168 KB; all at once: 7.8 MB.
    """
    if server.wasteful:
        store, documents = server.state.store, server.state.documents
        outline = documents.outline(documents.get("doc-0"))
        assert len([store.find("doc-0", block) for block in outline.blocks]) == PARAGRAPHS
    server.state.survey_memory.forget("doc-0")  # what was looked at before is not read again
    answer = server.ask("/api/tts/preprocess/status", STATUS).json
    assert (answer["state"], answer["done"]) == ("complete", PARAGRAPHS)


@pytest.mark.limit_memory("512 KB")
def test_timings_are_read_without_the_sound(server: HotServer) -> None:
    """GIVEN the chunk of 64 MB WHEN its word times are asked for THEN its MP3 is not read.

    Measured: 105 KB; with the MP3: 64.0 MB.
    """
    if server.wasteful:
        documents = server.state.documents
        block = documents.outline(documents.get("doc-0")).block(1, 0)
        assert len(server.state.store.find("doc-0", block).path.read_bytes()) == CHUNK_BYTES
    answer = server.ask("/api/tts/timings", BLOCK).json
    assert len(answer["alignments"][0]["words"]) == WORDS_A_BLOCK


@pytest.mark.limit_memory("6 MB")
def test_a_long_text_is_split_in_a_few_times_its_size(server: HotServer) -> None:
    """GIVEN a million characters WHEN they are split THEN at most a few copies of them are there at once.

    Measured: 2.3 MB; with every rest of the text kept, 50,000 characters apart: 12.2 MB.
    """
    rests = [LONG_TEXT[at:] for at in range(0, len(LONG_TEXT), 50_000)] if server.wasteful else []
    assert len(split_blocks(LONG_TEXT)) == 2400
    del rests


@pytest.mark.limit_memory("400 KB")
def test_a_sweep_looks_at_one_file_at_a_time(server: HotServer) -> None:
    """GIVEN 8 documents of 600 files WHEN the store is swept THEN not even one document's files are listed.

    Measured: 78 KB; one document's files listed at a time: 581 KB, 1 KB a file; all at once: 4.1 MB.
    """
    root = server.state.settings.docstore_dir
    listed = list(files_below(root)) if server.wasteful else []
    server.state.store.sweep()
    assert server.state.store.stats().documents == DOCUMENTS
    del listed


@pytest.mark.limit_leaks("32 KB")
def test_lookups_leave_nothing_behind(server: HotServer) -> None:
    """GIVEN a server that was asked before WHEN it is asked 100 times more THEN no place in its code holds more.

    Measured: 6 KB at most, small tuples that Python keeps to use again; with each answer kept: 2.5 MB in all.
    """
    kept: list[Any] = []
    for _ in range(100):
        answer = server.ask("/api/tts/timings", BLOCK).json
        assert answer["alignments"]
        if server.wasteful:
            kept.append(answer)
    server.state.kept = kept


def test_each_limit_can_be_broken(tmp_path: Path) -> None:
    """GIVEN a version of each path that holds what it need not WHEN these tests run THEN each fails for its memory."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "not can_be_broken",
        __file__,
    ]
    environ = {**os.environ, WASTEFUL: "1", "CI": ""}
    done = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    said = re.findall(r"^Test was (?:limited to|allowed to leak) .*$", done.stdout, re.MULTILINE)
    limits = len(re.findall(r"^@pytest\.mark\.limit_", Path(__file__).read_text("utf-8"), re.MULTILINE))
    assert len(said) == limits, done.stdout
    assert f"{limits} failed" in done.stdout.splitlines()[-1]
