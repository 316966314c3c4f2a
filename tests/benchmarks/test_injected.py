"""The known regression is known: what the wrapper holds is exact, and what the server answers is untouched."""

import asyncio
import mmap
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from benchmarks import injected
from benchmarks.injected import BURST_AT_CHUNK, CHUNK_PATH, KIB, MIB, Injected, Message, main
from reference_server import __main__ as server

CHUNK: Message = {"type": "http", "path": CHUNK_PATH}
OTHERS: list[Message] = [
    {"type": "http", "path": "/api/health"},
    {"type": "lifespan"},
    {"type": "websocket", "path": CHUNK_PATH},
]


async def nobody(scope: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
    """An application that does nothing."""


async def receive() -> Message:
    """Nothing comes."""
    return {}


async def send(_message: Message) -> None:
    """Nothing goes."""


def asked(application: Injected, *scopes: Message) -> None:
    """Ask the application for each of these."""

    async def ask() -> None:
        for scope in scopes:
            await application(scope, receive, send)

    asyncio.run(ask())


def held_bytes(application: Injected) -> int:
    """What the application holds for good."""
    return sum(len(pages) for pages in application._held)


def anonymous_kb() -> int:
    """Anonymous memory of this process that is really there."""
    found = re.search(
        r"^Anonymous: +(\d+) kB", Path("/proc/self/smaps_rollup").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found is not None
    return int(found[1])


def test_what_is_held_is_there_from_the_start() -> None:
    """GIVEN 32 MiB to hold THEN just so many bytes are held before any request, and the kernel has given the pages."""
    before_kb = anonymous_kb()
    application = Injected(nobody, hold_bytes=32 * MIB, leak_bytes=0, burst_bytes=0)
    rise_kb = anonymous_kb() - before_kb
    assert held_bytes(application) == 32 * MIB
    assert 32 * KIB <= rise_kb < 33 * KIB


def test_nothing_is_held_where_nothing_is_injected() -> None:
    """GIVEN nothing to inject THEN nothing is held, whatever is asked for."""
    application = Injected(nobody, hold_bytes=0, leak_bytes=0, burst_bytes=0)
    asked(application, *[CHUNK] * 20)
    assert held_bytes(application) == 0


@pytest.mark.parametrize(
    ("leak_bytes", "chunks"), [(4096.0, 7), (1000.0, 100), (64 * KIB / 4.85, 485), (10_000.0, 3)]
)
def test_a_leak_adds_up_to_the_byte_in_whole_pages(leak_bytes: float, chunks: int) -> None:
    """GIVEN a leak a chunk THEN after any number of chunks the whole pages that are owed are held, and no other."""
    application = Injected(nobody, hold_bytes=0, leak_bytes=leak_bytes, burst_bytes=0)
    asked(application, *[CHUNK] * chunks)
    owed = leak_bytes * chunks
    assert 0 <= owed - held_bytes(application) < mmap.PAGESIZE
    assert held_bytes(application) % mmap.PAGESIZE == 0


def test_only_chunks_leak() -> None:
    """GIVEN requests for something else THEN nothing is leaked."""
    application = Injected(nobody, hold_bytes=0, leak_bytes=float(MIB), burst_bytes=0)
    asked(application, *OTHERS)
    assert held_bytes(application) == 0


def test_a_burst_comes_once_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN a burst THEN it comes with the one chunk, is held for its time, and is given back whole."""
    made: list[mmap.mmap] = []
    slept_s: list[float] = []
    pages = injected._pages

    def remembered(size: int) -> mmap.mmap:
        made.append(pages(size))
        return made[-1]

    async def sleep(seconds: float) -> None:
        assert [len(burst) for burst in made] == [8 * MIB]
        slept_s.append(seconds)

    monkeypatch.setattr(injected, "_pages", remembered)
    monkeypatch.setattr("benchmarks.injected.asyncio.sleep", sleep)
    application = Injected(nobody, hold_bytes=0, leak_bytes=0, burst_bytes=8 * MIB)

    async def ask() -> None:
        for _ in range(BURST_AT_CHUNK - 1):
            await application(CHUNK, receive, send)
        assert application._bursts == set()
        for _ in range(BURST_AT_CHUNK + 1):
            await application(CHUNK, receive, send)
        await asyncio.gather(*application._bursts)

    asyncio.run(ask())
    assert slept_s == [injected.BURST_S]
    assert [burst.closed for burst in made] == [True]
    assert held_bytes(application) == 0


@pytest.mark.parametrize(
    "scope", [CHUNK, *OTHERS], ids=lambda scope: f"{scope['type']} {scope.get('path', '')}"
)
def test_a_request_passes_through_unchanged(scope: Message) -> None:
    """GIVEN any request THEN the application inside gets the very objects, and nothing is sent but by it."""
    seen: list[object] = []

    async def inner(scope: Message, receive: object, send: object) -> None:
        seen.extend([scope, receive, send])

    before = dict(scope)
    asked(Injected(inner, hold_bytes=0, leak_bytes=5000.0, burst_bytes=0), scope)
    assert len(seen) == 3
    assert seen[0] is scope
    assert (seen[1], seen[2]) == (receive, send)
    assert scope == before


def test_an_error_inside_is_the_servers_own() -> None:
    """GIVEN an application that fails THEN its error comes out as it is."""

    async def broken(scope: Message, receive: object, send: object) -> None:
        raise LookupError("inside")

    with pytest.raises(LookupError, match="inside"):
        asked(Injected(broken, hold_bytes=0, leak_bytes=0, burst_bytes=0), CHUNK)


def test_the_server_starts_as_always_with_the_application_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN sizes THEN the server's own start gets a wrapped application, its options, and gives its exit code."""
    made: list[tuple[Any, dict[str, Any]]] = []

    class Config:
        """Remembers what it was made with."""

        def __init__(self, application: object, **options: Any) -> None:
            made.append((application, options))

    def serve() -> int:
        uvicorn.Config(nobody, loop="asyncio")
        return 7

    monkeypatch.setattr(uvicorn, "Config", Config)
    monkeypatch.setattr(server, "main", serve)
    assert main(["--hold-mb", "1.5", "--leak-kib-per-chunk", "13.2", "--burst-mb", "8"]) == 7
    ((application, options),) = made
    assert isinstance(application, Injected)
    assert options == {"loop": "asyncio"}
    assert application._app is nobody
    assert held_bytes(application) == 1.5 * MIB
    assert application._leak_bytes == 13.2 * KIB
    assert application._burst_bytes == 8 * MIB
