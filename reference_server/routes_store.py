"""The route that tells how full the chunk store is."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reference_server.store import ChunkStore


def store_routes() -> list[BaseRoute]:
    """Return the plan's route for whoever looks after the server."""
    return [Route("/api/tts/preprocess/stats", get_stats)]


def get_stats(request: Request) -> Response:
    """Answer with the store's bytes, documents, oldest `createdAt` and limit; from memory, nothing is walked."""
    store: ChunkStore = request.app.state.store
    fields = {**store.stats().to_json(), "maxSize": request.app.state.settings.store_max_bytes}
    return JSONResponse(fields, headers={"Cache-Control": "no-store"})
