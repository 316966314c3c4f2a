"""What is happening, once and second by second: whom it serves, how it ends, and that it ends."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from jsonschema_rs import validator_for
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from reference_server.app import create_app
from reference_server.memory_watch import Memory, MemoryWatch
from reference_server.open_documents import OpenDocuments
from reference_server.openapi import openapi_document
from reference_server.outline import Block
from reference_server.process_memory import ProcessMemory
from reference_server.routes_events import MOST_WATCHERS
from reference_server.settings import Settings
from reference_server.vm_memory import VmMemory

EVENTS = "/api/events"
PREPROCESS = "/api/tts/preprocess"
MEMORY = Memory(ProcessMemory(100, 20, 2), VmMemory(300, 400, "cgroup"))
SHOWN = {**MEMORY.to_json(), "alignersInFlight": 0, "alignersWaiting": 0}
FITS = validator_for(
    {"components": openapi_document(password=False)["components"], "$ref": "#/components/schemas/Moment"}
).is_valid


class Maker(Protocol):
    """What these tests use of the fake maker of conftest."""

    made: list[Block]
    failing: set[int]
    gate: asyncio.Event | None


@pytest.fixture
def reader(client: TestClient, three_pages: bytes) -> TestClient:
    """A client of a server that has the document of three pages, and whose memory is made up."""
    client.app.state.memory_watch = MemoryWatch(lambda: MEMORY)  # type: ignore[attr-defined]
    client.put("/api/documents/doc", content=three_pages)
    return client


def _make(client: TestClient) -> None:
    client.post(PREPROCESS, json={"documentId": "doc"}, headers={"Accept": "text/event-stream"})


def test_without_asking_for_events_it_is_answered_once(reader: TestClient) -> None:
    """GIVEN no document WHEN it is asked THEN the memory is there, and nothing is told of a job."""
    answer = reader.get(EVENTS)
    assert answer.json() == {"memory": SHOWN, "job": None, "storedBytes": None}
    assert answer.headers["cache-control"] == "no-store"


def test_aligners_are_counted_when_they_are_told(reader: TestClient) -> None:
    """GIVEN blocks that are timed and wait WHEN it is asked THEN both are there, however old the reading is."""
    reader.get(EVENTS)

    class Aligner:
        in_flight, waiting = 3, 4

    reader.app.state.live_aligner = Aligner()  # type: ignore[attr-defined]
    memory = reader.get(EVENTS).json()["memory"]
    assert (memory["alignersInFlight"], memory["alignersWaiting"]) == (3, 4)


def test_a_job_is_told_while_it_runs_and_after_it(reader: TestClient, maker: Maker) -> None:
    """GIVEN a document WHEN its job waits, runs and ends THEN each time its progress is there as an event's is."""
    about = f"{EVENTS}?documentId=doc"
    assert reader.get(about).json() == {"memory": SHOWN, "job": None, "storedBytes": 0}
    maker.gate = asyncio.Event()
    reader.post(PREPROCESS, json={"documentId": "doc"})
    told = reader.get(about).json()
    assert (told["job"]["state"], told["job"]["total"]) == ("running", 5)
    assert "failures" not in told["job"]
    assert FITS(told)
    maker.failing = {2}
    assert reader.portal is not None
    reader.portal.call(maker.gate.set)
    _make(reader)
    told = reader.get(about).json()
    assert (told["job"]["state"], told["job"]["done"]) == ("failed", 4)
    assert told["job"]["failed"] == 1
    assert "failures" not in told["job"]
    assert told["storedBytes"] == reader.get(f"{PREPROCESS}/stats").json()["totalSize"] > 0
    assert FITS(told)


def test_a_job_that_closes_is_told_until_it_has_ended(reader: TestClient, maker: Maker) -> None:
    """GIVEN a job that takes no more pages but still writes its list WHEN it is asked THEN it is not gone."""
    maker.gate = asyncio.Event()
    reader.post(PREPROCESS, json={"documentId": "doc"})
    job = reader.app.state.jobs.running("doc")  # type: ignore[attr-defined]
    job._backlog.closed = True
    assert reader.get(f"{EVENTS}?documentId=doc").json()["job"]["state"] == "running"
    assert reader.get(f"{PREPROCESS}/status?documentId=doc").json()["state"] == "running"


@pytest.mark.parametrize("document_id", ["..", "", "a/b", ".a", "a" * 129])
def test_what_is_no_id_is_refused(reader: TestClient, document_id: str) -> None:
    """GIVEN an id that none can be WHEN it is watched THEN it is 400, as a stream and once."""
    for accept in ("*/*", "text/event-stream"):
        answer = reader.get(EVENTS, params={"documentId": document_id}, headers={"Accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (400, "BAD_ID")


def test_a_document_stays_open_while_it_is_watched(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a document with chunks WHEN it is watched THEN it is open; names without any are not remembered."""
    _make(reader)
    state = reader.app.state  # type: ignore[attr-defined]
    monkeypatch.setattr(state, "open_documents", OpenDocuments(60))
    reader.get(f"{EVENTS}?documentId=unknown")
    assert not state.open_documents.is_open("unknown")
    assert not state.open_documents.is_open("doc")
    reader.get(f"{EVENTS}?documentId=doc")
    assert state.open_documents.is_open("doc")


@dataclass
class Stream:
    """One client of an application: it gets events until it leaves."""

    app: Starlette
    query: str = ""
    method: str = "GET"
    messages: list[Message] = field(default_factory=list)
    events: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    leaves: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Ask, and return when the answer is over."""
        scope: Scope = {
            "type": "http",
            "method": self.method,
            "path": EVENTS,
            "query_string": self.query.encode(),
            "headers": [(b"accept", b"text/event-stream")],
            "server": ("127.0.0.1", 8003),
        }
        await self.app(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.messages.append(message)
        for line in message.get("body", b"").decode().splitlines() if self.status == 200 else ():
            name, _, value = line.partition(": ")
            assert name in {"", "data"}, "an event has no name"
            if name:
                self.events.put_nowait(json.loads(value))

    @property
    def status(self) -> int:
        """What it was answered."""
        return int(self.messages[0]["status"])


@asynccontextmanager
async def _watching(app: Starlette, query: str = "") -> AsyncIterator[Stream]:
    """Give a client that watches, and take it away."""
    stream = Stream(app, query)
    task = asyncio.create_task(stream.run())
    try:
        yield stream
    finally:
        stream.leaves.set()
        await task


def _run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30))


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Starlette:
    """An application without a second between its events."""
    monkeypatch.setattr("reference_server.routes_events.EVERY_S", 0.001)
    app = create_app(replace(settings, aligner="none"))
    app.state.memory_watch = MemoryWatch(lambda: MEMORY)
    return app


def test_events_come_until_the_client_leaves(app: Starlette) -> None:
    """GIVEN a client WHEN it watches THEN event follows event, and when it leaves the answer is over and forgotten."""

    async def scenario() -> None:
        async with _watching(app) as stream:
            for _ in range(3):
                assert await stream.events.get() == {"memory": SHOWN, "job": None, "storedBytes": None}
            assert app.state.memory_watch.watchers == 1
            head = dict(stream.messages[0]["headers"])
            assert (stream.status, head[b"cache-control"]) == (200, b"no-store")
            assert head[b"content-type"].startswith(b"text/event-stream")
        assert app.state.memory_watch.watchers == 0

    _run(scenario)


def test_the_first_event_waits_for_nothing(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an hour between events WHEN a client comes THEN it has the first, and can leave before the second."""
    monkeypatch.setattr("reference_server.routes_events.EVERY_S", 3600)

    async def scenario() -> None:
        async with _watching(app) as stream:
            assert (await stream.events.get())["memory"] == SHOWN

    _run(scenario)


def test_watchers_share_readings_and_none_outlives_them(app: Starlette) -> None:
    """GIVEN several who watch WHEN they have left THEN memory was read once for all, and no task is left."""
    readings: list[None] = []

    def read() -> Memory:
        readings.append(None)
        return MEMORY

    app.state.memory_watch = MemoryWatch(read, lambda: 0.0)

    async def scenario() -> None:
        before = asyncio.all_tasks()
        async with _watching(app) as first, _watching(app) as second:
            for stream in (first, second, first, second):
                await stream.events.get()
        # One task looks for the server's end, for all streams and as long as the loop runs.
        assert len(asyncio.all_tasks() - before) <= 1

    _run(scenario)
    assert len(readings) == 1


@pytest.mark.parametrize(("max_requests", "most"), [(4096, MOST_WATCHERS), (8, 4), (2, 1)])
def test_one_more_than_may_watch_is_sent_away(app: Starlette, max_requests: int, most: int) -> None:
    """GIVEN as many who watch as may WHEN one more comes THEN it is 503 with a time, and asking once still works."""
    app.state.settings = replace(app.state.settings, max_requests=max_requests)
    watch = app.state.memory_watch

    async def scenario() -> None:
        watch.watchers = most - 1
        async with _watching(app) as last:
            await last.events.get()
            one_more = Stream(app)
            await one_more.run()
            assert one_more.status == 503
            assert dict(one_more.messages[0]["headers"])[b"retry-after"] == b"10"
            assert json.loads(one_more.messages[1]["body"])["code"] == "OVERLOADED"
        assert watch.watchers == most - 1

    _run(scenario)


def test_head_ends(app: Starlette) -> None:
    """GIVEN HEAD WHEN a stream's head is asked for THEN it comes alone, and nobody watches."""

    async def scenario() -> None:
        stream = Stream(app, method="HEAD")
        await stream.run()
        assert (stream.status, stream.events.empty()) == (200, True)
        assert app.state.memory_watch.watchers == 0

    _run(scenario)


@pytest.mark.slow
def test_the_servers_end_completes_the_streams_and_waits_for_none(tmp_path: Path) -> None:
    """GIVEN clients that would watch for ever WHEN the server is told to end THEN each answer ends whole, at once."""
    environ = {**os.environ, "PORT": "0", "DOCSTORE_DIR": str(tmp_path / "docstore")}
    command = [sys.executable, "-m", "reference_server"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            port = next(
                int(found[1]) for line in process.stderr if (found := re.search(r"127\.0\.0\.1:(\d+)", line))
            )
            clients = [_open_stream(port) for _ in range(3)]
            process.send_signal(signal.SIGTERM)
            rests = [_rest(client) for client in clients]
            _, log = process.communicate(timeout=30)
        finally:
            process.kill()
    assert [rest[-5:] for rest in rests] == [b"0\r\n\r\n"] * 3
    assert process.returncode == 0
    # Neither waited for to the end of the grace nor broken off.
    for word in ("graceful", "Cancel", "broken off", "without completing", "Traceback"):
        assert word not in log, log


def _open_stream(port: int) -> socket.socket:
    """Return a connection on which a first event has come."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode())
    received = b""
    while b"storedBytes" not in received:
        received += client.recv(65536)
    return client


def _rest(client: socket.socket) -> bytes:
    received = bytearray()
    with client:
        while part := client.recv(65536):
            received += part
    return bytes(received)
