"""Routes that make chunks ahead: start, cancel, remove, how far it is, what it would take."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sse_starlette import EventSourceResponse
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reference_server.body_limits import SMALL_BODY_BYTES
from reference_server.chunk import Voicing, Wanted
from reference_server.document import Document, checked_id
from reference_server.documents import Documents
from reference_server.errors import ApiError
from reference_server.estimate import estimate, need_of
from reference_server.fields import read_object
from reference_server.job import Job
from reference_server.outline import Outline
from reference_server.parameters import (
    document_id_of,
    pages_of,
    require_document_id,
    voicing_of,
    wanted_of,
)
from reference_server.preprocess import Jobs
from reference_server.progress import Failure, Progress
from reference_server.survey import Survey, survey
from reference_server.survey_memory import SurveyMemory
from reference_server.threads import run_to_end

HEARTBEAT_S = 15
"""Proxies may cut a silent stream after about 60 s."""


def preprocess_routes() -> list[BaseRoute]:
    """Return the routes below /api/tts/preprocess."""
    return [
        Route("/api/tts/preprocess", preprocess, methods=["POST"]),
        Route("/api/tts/preprocess", delete_chunks, methods=["DELETE"]),
        Route("/api/tts/preprocess/cancel", cancel, methods=["POST"]),
        Route("/api/tts/preprocess/estimate", estimate_cost, methods=["POST"]),
        Route("/api/tts/preprocess/status", get_status),
    ]


async def preprocess(request: Request) -> Response:
    """Start, widen or join the document's job; answer with its progress, as events or once."""
    state = request.app.state
    documents: Documents = state.documents
    jobs: Jobs = state.jobs
    asked = await _asked_of(request)
    document = asked.document
    # On the loop, not in a thread: nothing may come between this look and the start.
    if documents.get(document.id) != document:
        raise ApiError(409, "DOCUMENT_CHANGED", "The document was replaced just now. Ask again.")
    job = jobs.start(document.id, asked.outline, asked.pages, asked.voicing)
    if "text/event-stream" in request.headers.get("accept", ""):
        return EventSourceResponse(_events(job), ping=HEARTBEAT_S)
    return JSONResponse(job.progress.to_json(), status_code=202)


async def _events(job: Job) -> AsyncIterator[dict[str, str]]:
    async for news in job.follow():
        if isinstance(news, Failure):
            yield {"event": "failed", "data": json.dumps(news.to_json())}
        else:
            yield {"data": json.dumps(news.to_event())}


async def estimate_cost(request: Request) -> Response:
    """Answer with what the missing chunks would take in bytes and seconds; makes nothing."""
    state = request.app.state
    asked = await _asked_of(request)
    document_id = asked.document.id
    need = await run_to_end(need_of, state.store, document_id, asked.outline, asked.pages, asked.voicing)
    jobs: Jobs = state.jobs
    expected = estimate(need, jobs.rates, jobs.concurrency)
    return JSONResponse(
        {
            "documentId": document_id,
            "blocks": need.blocks,
            "missing": need.missing,
            "bytes": expected.size_bytes,
            "seconds": expected.seconds,
            "basis": expected.basis,
            "storeBytes": state.store.stats().size_bytes,
            "storeMaxBytes": state.settings.store_max_bytes,
        }
    )


async def cancel(request: Request) -> Response:
    """End a document's job and keep what it made; none to end is no error."""
    document_id = checked_id(require_document_id(await read_object(request, SMALL_BODY_BYTES)))
    cancelled = await request.app.state.jobs.cancel(document_id)
    return JSONResponse({"documentId": document_id, "cancelled": cancelled})


async def get_status(request: Request) -> Response:
    """Answer with what is stored of a document; while a job runs, with how far that is too.

    Whoever looks at all documents does not hold them open: the store may still take the oldest.
    """
    state = request.app.state
    jobs: Jobs = state.jobs
    document_id, wanted = document_id_of(request), wanted_of(request.query_params)
    found = await run_to_end(_survey, state, document_id, wanted)
    return JSONResponse({"documentId": document_id, **found.to_json(), **_of_job(jobs.progress(document_id))})


def _survey(state: State, document_id: str, wanted: Wanted) -> Survey:
    documents: Documents = state.documents
    memory: SurveyMemory = state.survey_memory
    document = documents.get(document_id)
    return survey(state.store, document.id, documents.outline(document), wanted, memory.look)


def _of_job(progress: Progress | None) -> dict[str, object]:
    """Return what a job adds to the status: all of it while it runs, only its failures once it has ended."""
    if progress is None:
        return {"failed": 0, "failures": []}
    shown = progress.to_json()
    names = shown if progress.state == "running" else ("failed", "failures", "message", "code")
    return {name: shown[name] for name in names if name in shown}


@dataclass(frozen=True)
class _Asked:
    """What a body asks to be made."""

    document: Document
    outline: Outline
    pages: dict[int, int]
    voicing: Voicing


async def _asked_of(request: Request) -> _Asked:
    state = request.app.state
    fields = await read_object(request, SMALL_BODY_BYTES)
    voicing = voicing_of(fields, state.settings)
    document = await run_to_end(state.documents.get, require_document_id(fields))
    state.open_documents.touch(document.id)
    outline = await run_to_end(state.documents.outline, document)
    return _Asked(document, outline, await run_to_end(pages_of, fields, outline), voicing)


async def delete_chunks(request: Request) -> Response:
    """Remove a document's chunks, also while they are made or when it is gone; none to remove is no error."""
    state = request.app.state
    document_id = checked_id(document_id_of(request))
    await state.jobs.stop(document_id)
    deleted = await run_to_end(state.store.delete, document_id)
    return JSONResponse({"documentId": document_id, "deleted": deleted})
