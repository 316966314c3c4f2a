"""The application: every route, and what lives as long as the server does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from reference_server.aligner_slots import AlignerSlots
from reference_server.chunk_index import ChunkIndex
from reference_server.documents import Documents
from reference_server.error_answers import (
    handle_api_error,
    handle_disconnect,
    handle_disk_error,
    handle_http_exception,
    handle_unexpected,
)
from reference_server.errors import ApiError
from reference_server.generate import open_chunk_maker
from reference_server.guard import Guard
from reference_server.health import Health, health_routes
from reference_server.live_aligner import LiveAligner
from reference_server.memory_watch import MemoryWatch
from reference_server.metrics import Metrics, metrics_routes
from reference_server.open_documents import OpenDocuments
from reference_server.openapi import openapi_routes
from reference_server.page_files import PageFiles
from reference_server.preprocess import Jobs
from reference_server.quick_answers import QuickAnswers, routes_by_path
from reference_server.quiet_end import QuietEnd
from reference_server.routes_cached import cached_routes
from reference_server.routes_documents import document_routes
from reference_server.routes_events import event_routes
from reference_server.routes_live import live_routes
from reference_server.routes_page import page_routes
from reference_server.routes_store import store_routes
from reference_server.settings import Settings
from reference_server.speech import Speech
from reference_server.speech_cache import SpeechCache
from reference_server.store import ChunkStore
from reference_server.survey_memory import SurveyMemory
from reference_server.sweeping import sweeping
from reference_server.workshop import OpenMaker


class _Application(Starlette):
    """The application inside its guard, so that every answer passes it: also those to a failure."""

    def build_middleware_stack(self) -> ASGIApp:
        quick = QuickAnswers(super().build_middleware_stack(), self.state, routes_by_path(self.routes))
        return Guard(QuietEnd(quick), self.state.settings, self.state.metrics)


def create_app(
    settings: Settings, *, open_maker: OpenMaker | None = None, live_aligner: LiveAligner | None = None
) -> Starlette:
    """Return the application, its store opened and repaired.

    `open_maker` and `live_aligner` take the place of what makes chunks ahead and of what aligns live.

    Raises:
        ServerError: the aligner's model is missing or not the one expected.
        OSError: the store cannot be opened.
    """
    app = _Application(
        routes=[
            *page_routes(),
            *health_routes(),
            *metrics_routes(),
            *openapi_routes(),
            *event_routes(),
            *document_routes(),
            *cached_routes(),
            *store_routes(),
            *live_routes(),
        ],
        exception_handlers={
            ApiError: handle_api_error,
            HTTPException: handle_http_exception,
            ClientDisconnect: handle_disconnect,
            OSError: handle_disk_error,
            Exception: handle_unexpected,
        },
        lifespan=_closing,
    )
    app.router.redirect_slashes = False  # a path is spelt in one way: the guard and the routes mean the same
    state = app.state
    state.settings = settings
    state.metrics = Metrics()
    state.page_files = PageFiles()
    state.memory_watch = MemoryWatch()
    state.health = Health(settings.docstore_dir)
    state.documents = Documents(settings.docstore_dir / "documents", settings)
    state.open_documents = OpenDocuments(settings.document_open_s)
    state.chunk_index = ChunkIndex(settings.docstore_dir / "documents")
    chunks = settings.docstore_dir / "tts_cache_v1"
    state.survey_memory = SurveyMemory(chunks)

    def forget(document_id: str, *names: str) -> None:
        state.chunk_index.forget(document_id, *names)
        state.survey_memory.forget(document_id, *names)

    state.store = ChunkStore(
        chunks,
        max_bytes=settings.store_max_bytes,
        is_open=state.open_documents.is_open,
        on_change=forget,
    )
    state.speech = Speech(settings)
    state.speech_cache = SpeechCache(settings)
    slots = AlignerSlots(settings.aligners)
    state.live_aligner = live_aligner or LiveAligner(settings, slots=slots)
    maker = open_maker or partial(open_chunk_maker, settings, state.speech, state.store, slots)
    state.jobs = Jobs(state.store, state.open_documents, maker, settings.preprocess_concurrency)
    return app


@contextlib.asynccontextmanager
async def _closing(app: Starlette) -> AsyncIterator[None]:
    await app.state.health.begin()
    try:
        async with sweeping(app.state.store, app.state.settings.store_sweep_s):
            yield
    finally:
        app.state.health.end()
        await app.state.jobs.aclose()
        await app.state.speech.aclose()
