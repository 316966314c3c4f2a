"""Routes of cached mode: a block's chunk from disk, and the timings that were made with it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from reference_server.chunk import Chunk
from reference_server.chunk_index import ChunkIndex
from reference_server.document import checked_id
from reference_server.documents import Documents
from reference_server.errors import ApiError
from reference_server.etags import has_it
from reference_server.metrics import CachedOutcome, Metrics
from reference_server.open_documents import OpenDocuments
from reference_server.open_file import OpenFileResponse
from reference_server.parameters import ChunkQuery
from reference_server.quick_answers import REVALIDATE
from reference_server.routes_preprocess import preprocess_routes
from reference_server.store import ChunkStore

_OUTCOMES: dict[str, CachedOutcome] = {"NO_CHUNK": "missing", "STALE_CHUNK": "stale"}


def cached_routes() -> list[BaseRoute]:
    """Return the plan's routes below /api/tts."""
    return [
        *preprocess_routes(),
        Route("/api/tts/chunk", get_chunk),
        Route("/api/tts/timings", get_timings),
    ]


class HoldingResponse(OpenFileResponse):
    """Streams an open file, and holds its document open meanwhile: the store may not take its chunks."""

    def __init__(self, file: BinaryIO, hold: AbstractContextManager[None], headers: dict[str, str]) -> None:
        self._hold = hold
        super().__init__(file, media_type="audio/mpeg", headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and let go of the document whatever happens."""
        with self._hold:
            await super().__call__(scope, receive, send)


def get_chunk(request: Request) -> Response:
    """Stream a chunk's MP3 from disk."""
    metrics: Metrics = request.app.state.metrics
    try:
        answer = _audio_of(*_find(request), request)
    except ApiError as error:
        if outcome := _OUTCOMES.get(error.code):
            metrics.count_cached(outcome)
        raise
    metrics.count_cached("hit")
    return answer


def _audio_of(chunk: Chunk, file: BinaryIO, request: Request) -> Response:
    etag = f'"{chunk.sha256}"'
    headers = {"ETag": etag, **REVALIDATE}
    if has_it(request, etag):
        file.close()
        return Response(status_code=304, headers=headers)
    open_documents: OpenDocuments = request.app.state.open_documents
    return HoldingResponse(file, open_documents.hold(request.query_params["documentId"]), headers)


def get_timings(request: Request) -> Response:
    """Answer with the word times that were made with a chunk, in the shape of /api/whisper's answer."""
    chunk, file = _find(request)
    file.close()
    return JSONResponse(chunk.timings, headers=REVALIDATE)


def _find(request: Request) -> tuple[Chunk, BinaryIO]:
    """Return the chunk on disk that is asked for, and its open MP3; it is known from then on."""
    query = ChunkQuery.of(request.query_params)
    documents: Documents = request.app.state.documents
    store: ChunkStore = request.app.state.store
    index: ChunkIndex = request.app.state.chunk_index
    state = index.state_of(checked_id(query.document_id))
    document = documents.get(query.document_id)
    request.app.state.open_documents.touch(document.id)
    block = documents.outline(document).block(query.page, query.block_index)
    chunk = store.find(document.id, block) if block else None
    if chunk is None:
        raise _no_chunk()
    assert block is not None
    if not query.wanted.fits(chunk) or chunk.text_hash != block.text_hash:
        raise ApiError(404, "STALE_CHUNK", "This block's chunk has other text or settings. Read it live.")
    try:
        return chunk, index.open(document.id, chunk, state)
    except FileNotFoundError:
        raise _no_chunk() from None


def _no_chunk() -> ApiError:
    return ApiError(404, "NO_CHUNK", "This block has no chunk. Read it live, or preprocess its page.")
