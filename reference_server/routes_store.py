"""The routes for the chunk store as a whole: how full it is, and its emptying."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reference_server.body_limits import SMALL_BODY_BYTES
from reference_server.fields import read_object
from reference_server.preprocess import Jobs
from reference_server.store import ChunkStore
from reference_server.threads import run_to_end


def store_routes() -> list[BaseRoute]:
    """Return the plan's routes for whoever looks after the server."""
    return [
        Route("/api/tts/preprocess/stats", get_stats),
        Route("/api/tts/preprocess/clear", clear, methods=["POST"]),
    ]


def get_stats(request: Request) -> Response:
    """Answer with the store's bytes, documents, oldest `createdAt` and limit; from memory, nothing is walked."""
    store: ChunkStore = request.app.state.store
    fields = {**store.stats().to_json(), "maxSize": request.app.state.settings.store_max_bytes}
    return JSONResponse(fields, headers={"Cache-Control": "no-store"})


async def clear(request: Request) -> Response:
    """End all jobs and remove all chunks; answer with the number of documents that had any."""
    state = request.app.state
    jobs: Jobs = state.jobs
    store: ChunkStore = state.store
    await read_object(request, SMALL_BODY_BYTES)
    await jobs.stop_all()
    deleted = 0
    for document_id in store.documents():
        await jobs.stop(document_id)  # one that began meanwhile would go on storing
        deleted += await run_to_end(store.delete, document_id)
    return JSONResponse({"deleted": deleted})
