"""The route that shows, second by second, what the server's memory does and how far a document's job is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import anyio
from sse_starlette import EventSourceResponse
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from reference_server.document import checked_id
from reference_server.errors import ApiError
from reference_server.live_aligner import LiveAligner
from reference_server.memory_watch import EVERY_S, MemoryWatch
from reference_server.preprocess import Jobs
from reference_server.store import ChunkStore

MOST_WATCHERS = 256

_RETRY_AFTER_S = 10
_FAREWELL_S = 1
"""How long a stream has to end by itself when the server ends; it takes a moment."""


def event_routes() -> list[BaseRoute]:
    """Return the route; it uses the app state's `memory_watch`, `jobs`, `store`, `live_aligner` and more."""
    return [Route("/api/events", get_events)]


async def get_events(request: Request) -> Response:
    """Answer with what is now, once, or as an event a second for as long as the client stays."""
    state = request.app.state
    document_id = request.query_params.get("documentId")
    if document_id is not None:
        checked_id(document_id)
    if "text/event-stream" not in request.headers.get("accept", ""):
        return JSONResponse(await _event(state, document_id), headers={"Cache-Control": "no-store"})
    watch: MemoryWatch = state.memory_watch
    # Half of all requests at most: those who watch must leave room for those who read.
    if watch.watchers >= min(MOST_WATCHERS, state.settings.max_requests // 2):
        message = (
            f"{watch.watchers} clients watch already. Ask again, or ask without Accept: text/event-stream."
        )
        raise ApiError(503, "OVERLOADED", message, headers={"Retry-After": str(_RETRY_AFTER_S)})
    return _EventStream(state, document_id)


class _EventStream(EventSourceResponse):
    """Events until the client leaves or the server ends; then the answer is completed, not broken off."""

    def __init__(self, state: State, document_id: str | None) -> None:
        self._watch: MemoryWatch = state.memory_watch
        ends = anyio.Event()
        super().__init__(
            _events(state, document_id, ends),
            ping=0,  # an event a second keeps it open
            shutdown_event=ends,
            shutdown_grace_period=_FAREWELL_S,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, counted among those who watch."""
        with self._watch.watching():
            await super().__call__(scope, receive, send)


async def _events(state: State, document_id: str | None, ends: anyio.Event) -> AsyncIterator[dict[str, str]]:
    while not ends.is_set():
        yield {"data": json.dumps(await _event(state, document_id))}
        with anyio.move_on_after(EVERY_S):
            await ends.wait()


async def _event(state: State, document_id: str | None) -> dict[str, object]:
    watch: MemoryWatch = state.memory_watch
    aligner: LiveAligner = state.live_aligner
    memory = await watch.latest()
    aligners = {"alignersInFlight": aligner.in_flight, "alignersWaiting": aligner.waiting}
    return {"memory": {**memory.to_json(), **aligners}, **_of_document(state, document_id)}


def _of_document(state: State, document_id: str | None) -> dict[str, object]:
    if document_id is None:
        return {"job": None, "storedBytes": None}
    store: ChunkStore = state.store
    jobs: Jobs = state.jobs
    stored_bytes = store.size_of(document_id)
    if stored_bytes:  # only then is there anything to keep, and names that are made up are not remembered
        state.open_documents.touch(document_id)
    progress = jobs.progress(document_id)
    return {"job": progress.to_summary() if progress else None, "storedBytes": stored_bytes}
