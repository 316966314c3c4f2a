"""The peer in Starlette: a chunk by `FileResponse`, and nothing else that our route does.

It has no password, no metrics, no documents and no settings to compare: only what page and block name is sent. Of
`FILES`, a folder with `chunk/PAGE-BLOCK`.
"""

from __future__ import annotations

import os
from pathlib import Path

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

_TYPE = "audio/mpeg"


def create_app() -> Starlette:
    """Return the application."""
    chunks = Path(os.environ["FILES"]) / "chunk"
    static = StaticFiles(directory=chunks)

    async def chunk(request: Request) -> Response:
        query = request.query_params
        path = chunks / f"{query['page']}-{query['blockIndex']}"
        if "if-none-match" not in request.headers:
            return FileResponse(path, media_type=_TYPE)
        # A FileResponse asks no condition; Starlette's own files do, in this way.
        return static.file_response(path, await anyio.to_thread.run_sync(os.stat, path), request.scope)

    async def health(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    return Starlette(routes=[Route("/api/tts/chunk", chunk), Route("/api/health", health)])
