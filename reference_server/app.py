"""The application: every route, and what lives as long as the server does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reference_server.documents import Documents
from reference_server.errors import (
    ApiError,
    handle_api_error,
    handle_disconnect,
    handle_disk_error,
    handle_http_exception,
    handle_unexpected,
)
from reference_server.generate import open_chunk_maker
from reference_server.job import OpenMaker
from reference_server.live_aligner import LiveAligner
from reference_server.preprocess import Jobs
from reference_server.routes_cached import cached_routes
from reference_server.routes_documents import document_routes
from reference_server.routes_live import live_routes
from reference_server.settings import Settings
from reference_server.speech import Speech
from reference_server.speech_cache import SpeechCache
from reference_server.store import ChunkStore


def create_app(settings: Settings, *, open_maker: OpenMaker | None = None) -> Starlette:
    """Return the application; `open_maker` takes the place of upstream and aligner for chunks made ahead."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        state = app.state
        state.settings = settings
        state.documents = Documents(settings.docstore_dir / "documents", settings.max_document_bytes)
        state.store = ChunkStore(settings.docstore_dir / "tts_cache_v1")
        state.speech = Speech(settings)
        state.speech_cache = SpeechCache(settings)
        state.live_aligner = LiveAligner(settings)
        maker = open_maker or partial(open_chunk_maker, settings, state.speech, state.store)
        state.jobs = Jobs(state.store, maker, settings.preprocess_concurrency)
        try:
            yield
        finally:
            await state.jobs.aclose()
            await state.speech.aclose()

    return Starlette(
        routes=[Route("/api/health", get_health), *document_routes(), *cached_routes(), *live_routes()],
        exception_handlers={
            ApiError: handle_api_error,
            HTTPException: handle_http_exception,
            ClientDisconnect: handle_disconnect,
            OSError: handle_disk_error,
            Exception: handle_unexpected,
        },
        lifespan=lifespan,
    )


async def get_health(_request: Request) -> Response:
    """Answer that the server is alive."""
    return JSONResponse({"ok": True, "status": "healthy"})
