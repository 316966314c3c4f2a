"""Routes of cached mode: make chunks ahead, tell how far that is, serve them from disk with their timings."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reference_server.chunk import Chunk
from reference_server.documents import Documents, checked_id
from reference_server.errors import ApiError
from reference_server.fields import read_object
from reference_server.job import Job, Progress
from reference_server.open_file import OpenFileResponse
from reference_server.parameters import (
    ChunkQuery,
    blocks_of,
    document_id_of,
    require_document_id,
    voicing_of,
    wanted_of,
)
from reference_server.preprocess import Jobs
from reference_server.store import ChunkStore, Survey
from reference_server.threads import run_to_end

HEARTBEAT_S = 15
"""Proxies may cut a silent stream after about 60 s."""

_MAX_BODY_BYTES = 1024 * 1024
_REVALIDATE = {"Cache-Control": "private, no-cache"}


def cached_routes() -> list[BaseRoute]:
    """Return the plan's routes below /api/tts."""
    return [
        Route("/api/tts/preprocess", preprocess, methods=["POST"]),
        Route("/api/tts/preprocess", delete_chunks, methods=["DELETE"]),
        Route("/api/tts/preprocess/status", get_status),
        Route("/api/tts/chunk", get_chunk),
        Route("/api/tts/timings", get_timings),
    ]


async def preprocess(request: Request) -> Response:
    """Start, widen or join the document's job; answer with its progress, as events or once."""
    state = request.app.state
    documents: Documents = state.documents
    jobs: Jobs = state.jobs
    fields = await read_object(request, _MAX_BODY_BYTES)
    voicing = voicing_of(fields, state.settings)
    document = await run_to_end(documents.get, require_document_id(fields))
    outline = await run_to_end(documents.outline, document)
    blocks = blocks_of(fields, outline)
    # On the loop, not in a thread: nothing may come between this look and the start.
    if documents.get(document.id) != document:
        raise ApiError(409, "DOCUMENT_CHANGED", "The document was replaced just now. Ask again.")
    job = jobs.start(document.id, outline, blocks, voicing)
    if "text/event-stream" in request.headers.get("accept", ""):
        return EventSourceResponse(_events(job), ping=HEARTBEAT_S)
    return JSONResponse(job.progress.to_json(), status_code=202)


async def _events(job: Job) -> AsyncIterator[dict[str, str]]:
    async for progress in job.follow():
        yield {"data": json.dumps(progress.to_json())}


async def get_status(request: Request) -> Response:
    """Answer with what is stored of a document, or with how far its job is while one runs."""
    state = request.app.state
    documents: Documents = state.documents
    document_id, wanted = document_id_of(request), wanted_of(request)
    document = await run_to_end(documents.get, document_id)
    job: Job | None = state.jobs.running(document.id)
    if job is not None:
        return JSONResponse(job.progress.to_json())
    outline = await run_to_end(documents.outline, document)
    store: ChunkStore = state.store
    survey = await run_to_end(store.survey, document.id, outline, wanted)
    return JSONResponse(_status(document.id, survey, state.jobs.ended(document.id)))


def _status(document_id: str, survey: Survey, ended: Progress | None) -> dict[str, object]:
    answer: dict[str, object] = {
        "documentId": document_id,
        "state": survey.state,
        "done": survey.fitting,
        "total": survey.total,
        "failed": ended.failed if ended else 0,
        "pages": survey.pages,
    }
    if ended is not None and ended.message:
        answer["message"] = ended.message
    if survey.voicing is not None:
        stored = survey.voicing
        answer["stored"] = {"voice": stored.voice, "speed": stored.speed, "model": stored.model}
    return answer


async def delete_chunks(request: Request) -> Response:
    """Remove a document's chunks, also while they are made or when it is gone; none to remove is no error."""
    state = request.app.state
    document_id = checked_id(document_id_of(request))
    await state.jobs.stop(document_id)
    deleted = await run_to_end(state.store.delete, document_id)
    return JSONResponse({"documentId": document_id, "deleted": deleted})


def get_chunk(request: Request) -> Response:
    """Stream a chunk's MP3 from disk."""
    chunk = _find(request)
    etag = f'"{chunk.sha256}"'
    headers = {"ETag": etag, **_REVALIDATE}
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    try:
        file = chunk.path.open("rb")
    except FileNotFoundError:
        raise _no_chunk() from None
    return OpenFileResponse(file, media_type="audio/mpeg", headers=headers)


def get_timings(request: Request) -> Response:
    """Answer with the word times that were made with a chunk, in the shape of /api/whisper's answer."""
    return JSONResponse(_find(request).timings, headers=_REVALIDATE)


def _find(request: Request) -> Chunk:
    query = ChunkQuery.of(request)
    documents: Documents = request.app.state.documents
    store: ChunkStore = request.app.state.store
    document = documents.get(query.document_id)
    block = documents.outline(document).block(query.page, query.block_index)
    chunk = store.find(document.id, block) if block else None
    if chunk is None:
        raise _no_chunk()
    assert block is not None
    if not query.wanted.fits(chunk) or chunk.text_hash != block.text_hash:
        raise ApiError(404, "STALE_CHUNK", "This block's chunk has other text or settings. Read it live.")
    return chunk


def _no_chunk() -> ApiError:
    return ApiError(404, "NO_CHUNK", "This block has no chunk. Read it live, or preprocess its page.")


def _matches(if_none_match: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in tags or "*" in tags
