"""The reference server with a known regression around it: `python -m benchmarks.injected --hold-mb 8`.

How the gate is tried: the server itself stays as it is, and what it is given to hold is known to the byte, whole pages
of their own. It starts as `python -m reference_server` does, with the application in a wrapper.
"""

import argparse
import asyncio
import mmap
import sys
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import uvicorn

KIB = 1024
MIB = 1024 * KIB
ANONYMOUS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
CHUNK_PATH = "/api/tts/chunk"
BURST_AT_CHUNK = 240
"""When the burst comes: in the middle of the gate's load, of five to six hundred chunks."""
BURST_S = 0.5
"""Five samples long: a peak that the recorder sees and a steady figure does not."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Injected:
    """An application that holds more than the one inside it.

    Args:
        app: the one inside.
        hold_bytes: held from the start.
        leak_bytes: never given back, of each chunk that is asked for, in whole pages as they add up.
        burst_bytes: held once, for half a second.
    """

    def __init__(self, app: App, *, hold_bytes: int, leak_bytes: float, burst_bytes: int) -> None:
        self._app = app
        self._leak_bytes = leak_bytes
        self._burst_bytes = burst_bytes
        self._held = [_pages(hold_bytes)] if hold_bytes else []
        self._owed_bytes = 0.0
        self._chunks = 0
        self._bursts: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Hold what is to be held, and let the application answer."""
        if scope["type"] == "http" and scope["path"] == CHUNK_PATH:
            self._chunks += 1
            self._leak()
            if self._burst_bytes and self._chunks == BURST_AT_CHUNK:
                self._bursts.add(asyncio.create_task(self._burst()))
        await self._app(scope, receive, send)

    def _leak(self) -> None:
        self._owed_bytes += self._leak_bytes
        whole = int(self._owed_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        if whole:
            self._owed_bytes -= whole
            self._held.append(_pages(whole))

    async def _burst(self) -> None:
        with _pages(self._burst_bytes):
            await asyncio.sleep(BURST_S)


def _pages(size: int) -> mmap.mmap:
    """Return so many bytes, each page touched."""
    pages = mmap.mmap(-1, size, flags=ANONYMOUS)
    for place in range(0, size, mmap.PAGESIZE):
        pages[place] = 1
    return pages


def main(argv: Sequence[str] | None = None) -> int:
    """Serve as the reference server does, with more in memory; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.injected", description=__doc__)
    parser.add_argument("--hold-mb", type=float, default=0.0, help="MB held from the start")
    parser.add_argument("--leak-kib-per-chunk", type=float, default=0.0, help="KiB never given back, a chunk")
    parser.add_argument("--burst-mb", type=float, default=0.0, help="MB held once for half a second")
    chosen = parser.parse_args(argv)
    plain = uvicorn.Config

    def config(app: App, **options: Any) -> uvicorn.Config:
        wrapped = Injected(
            app,
            hold_bytes=int(chosen.hold_mb * MIB),
            leak_bytes=chosen.leak_kib_per_chunk * KIB,
            burst_bytes=int(chosen.burst_mb * MIB),
        )
        return plain(wrapped, **options)

    uvicorn.Config = config  # type: ignore[assignment,misc]  # the one place where the server takes its application
    from reference_server.__main__ import main as serve  # noqa: PLC0415 - after the wrapper is in place

    return serve()


if __name__ == "__main__":
    sys.exit(main())
