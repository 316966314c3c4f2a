"""Whether the server lives, and whether it can work: for whoever restarts it and whoever sends it readers."""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

_log = logging.getLogger(__name__)

LEAST_FREE_BYTES = 64 * 1024 * 1024
"""Below this the docstore's disk counts as full: room for an upload's text or some hundred chunks."""

_PROBE_EVERY_S = 10.0
_PATIENCE_S = 2.0
"""How long an answer waits for the disk; a disk that hangs makes the server not ready, and never silent."""


class Health:
    """Ready after `begin` and before `end`, while the docstore's disk takes a file and has room."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._in_service = False
        self._disk_is_fine = False
        self._probed_s = float("-inf")
        self._probe: asyncio.Future[str] | None = None

    async def begin(self) -> None:
        """Say that the server is about to listen."""
        self._in_service = True
        await self.is_ready()

    def end(self) -> None:
        """Say that the server ends."""
        self._in_service = False

    async def is_ready(self) -> bool:
        """Return whether the server can work; looks at the disk at most every ten seconds."""
        if self._probe is None and self._clock() - self._probed_s >= _PROBE_EVERY_S:
            self._probed_s = self._clock()
            self._probe = asyncio.get_running_loop().run_in_executor(None, _fault_of, self._folder)
            self._probe.add_done_callback(self._note)
        if self._probe is not None:
            done, _ = await asyncio.wait({self._probe}, timeout=_PATIENCE_S)
            if not done:
                return False
        return self._in_service and self._disk_is_fine

    def _note(self, probe: asyncio.Future[str]) -> None:
        self._probe = None
        if probe.cancelled():
            return
        fault = probe.result()
        if fault and self._disk_is_fine:
            _log.error("not ready: %s", fault)
        self._disk_is_fine = not fault


def _fault_of(folder: Path) -> str:
    """Return what is wrong with a folder's disk, or nothing; a file without a name leaves no trace."""
    try:
        disk = os.statvfs(folder)
        free_bytes = disk.f_bavail * disk.f_frsize
        if free_bytes < LEAST_FREE_BYTES:
            return f"{folder}: {free_bytes} bytes are free on its disk. Delete documents or their caches."
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(b"\0")
    except OSError as error:
        return f"{folder}: cannot be written ({error.strerror}). Look at its disk."
    return ""


def health_routes() -> list[BaseRoute]:
    """Return the routes of health; they use the app state's `health`."""
    return [Route("/api/health", get_health), Route("/api/health/ready", get_ready)]


async def get_health(request: Request) -> Response:
    """Answer that the server is alive: always 200, for a restart mends no disk."""
    return _answer(200, ready=await _is_ready(request))


async def get_ready(request: Request) -> Response:
    """Answer 200 when the server can work and 503 when it cannot."""
    ready = await _is_ready(request)
    return _answer(200 if ready else 503, ready=ready)


async def _is_ready(request: Request) -> bool:
    health: Health = request.app.state.health
    return await health.is_ready()


def _answer(status: int, *, ready: bool) -> Response:
    body = {"ok": True, "status": "healthy", "ready": ready}
    return JSONResponse(body, status_code=status, headers={"Cache-Control": "no-store"})
