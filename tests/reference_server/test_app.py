"""The application as a whole: its health, its routes, what it leaves behind."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from reference_server.app import create_app
from reference_server.errors import ServerError
from reference_server.settings import Settings
from reference_server.speech_turns import SpeechTurns
from reference_server.workshop import MakeChunk

ROUTES = {
    "/",
    "/page/{file}",
    "/api/config",
    "/api/health",
    "/api/health/ready",
    "/api/openapi.json",
    "/api/events",
    "/metrics",
    "/api/documents",
    "/api/documents/{id}",
    "/api/documents/{id}/pages",
    "/api/documents/{id}/pages/{page}/blocks",
    "/api/tts",
    "/api/tts/voices",
    "/api/whisper",
    "/api/tts/preprocess",
    "/api/tts/preprocess/cancel",
    "/api/tts/preprocess/estimate",
    "/api/tts/preprocess/status",
    "/api/tts/preprocess/stats",
    "/api/tts/preprocess/clear",
    "/api/tts/chunk",
    "/api/tts/timings",
}


def test_health(client: TestClient) -> None:
    """The answer is the real application's, to the letter."""
    answer = client.get("/api/health")
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "status": "healthy", "ready": True})


def test_every_route_of_the_contract_is_there(settings: Settings) -> None:
    """Those that are there are the contract's, and no test hook among them."""
    routes = create_app(settings).routes
    assert {route.path for route in routes if isinstance(route, Route)} == ROUTES


def test_an_unknown_path_is_json(client: TestClient) -> None:
    """Also what no route answers has the shape of all errors, and names the way out."""
    answer = client.get("/nowhere")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert "/api/openapi.json" in answer.json()["message"]


def test_a_store_that_cannot_be_opened_is_told_at_the_start(settings: Settings) -> None:
    """Nothing is served from a store that is not there."""
    settings.docstore_dir.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="docstore"):
        create_app(settings)


def test_a_model_that_is_missing_is_told_at_the_start(tmp_path: Path) -> None:
    """Not at the first block that somebody wants to read."""
    with pytest.raises(ServerError, match="ALIGNER_MODEL"):
        create_app(Settings(docstore_dir=tmp_path / "docstore", aligner_model=tmp_path))


class Maker(Protocol):
    """What these tests use of the fake maker of conftest."""

    gate: asyncio.Event | None
    entered: asyncio.Event
    closed: int

    def __call__(self, turns: SpeechTurns) -> AbstractAsyncContextManager[MakeChunk]:
        """Open it for one job."""


def test_the_end_breaks_off_jobs(settings: Settings, maker: Maker, three_pages: bytes) -> None:
    """A job that waits for its upstream when the server ends is broken off, and its aligner closed."""
    maker.gate = asyncio.Event()
    app = create_app(settings, open_maker=maker)
    with TestClient(app) as client:
        client.put("/api/documents/doc", content=three_pages)
        client.post("/api/tts/preprocess", json={"documentId": "doc"})
        job = app.state.jobs.running("doc")
        assert client.portal is not None
        client.portal.call(maker.entered.wait)
    assert job.progress.state == "failed"
    assert maker.closed == 1
