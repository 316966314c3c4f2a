"""The live routes: speech and word times made on request, on the wire of the real application."""

import asyncio
import logging
import math
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from reference_server.aligner_programs import AlignerError
from reference_server.body_limits import SMALL_BODY_BYTES, TIMING_BODY_BYTES
from reference_server.error_answers import error_response
from reference_server.etags import has_it
from reference_server.fields import read_object
from reference_server.live_aligner import AlignerBusy
from reference_server.live_parameters import TimingRequest, callers_base, callers_key, speech_request_of
from reference_server.metrics import Metrics
from reference_server.speech import SpeechError
from reference_server.words import alignment_json

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_CLIENT_CLOSED_REQUEST = 499
_VARY = "x-openai-key, x-openai-base-url, x-tts-provider"


class _ClientLeftError(Exception):
    """Nobody is there any more to be answered."""


def live_routes() -> list[BaseRoute]:
    """Return the routes; they use the app state's `settings`, `speech`, `speech_cache` and `live_aligner`."""
    return [
        Route("/api/tts", speak, methods=["POST"]),
        Route("/api/tts/voices", list_voices, methods=["GET"]),
        Route("/api/whisper", time_words, methods=["POST"]),
    ]


async def speak(request: Request) -> Response:
    """Answer with a text's speech as a whole MP3, from memory when it is there."""
    wanted = speech_request_of(await read_object(request, SMALL_BODY_BYTES), request)
    api_key = callers_key(request)
    cache, speech = request.app.state.speech_cache, request.app.state.speech
    etag = f'W/"{wanted.key}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=1800", "Vary": _VARY}
    metrics: Metrics = request.app.state.metrics
    if wanted.key in cache and has_it(request, etag):
        metrics.count_live("HIT")
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={**headers, "X-Cache": "HIT"})
    try:
        audio, source = await _unless_client_leaves(
            request, cache.fetch(wanted.key, lambda: speech.synthesize(wanted, api_key), api_key or "")
        )
    except _ClientLeftError:
        return Response(status_code=_CLIENT_CLOSED_REQUEST)
    except SpeechError as error:
        return _speech_failed(error)
    metrics.count_live(source)
    return Response(audio, media_type="audio/mpeg", headers={**headers, "X-Cache": source})


async def list_voices(request: Request) -> Response:
    """Answer with the voices that the upstream speaks."""
    speech, key, base = request.app.state.speech, callers_key(request), callers_base(request)
    try:
        return JSONResponse({"voices": await speech.voices(key, base)})
    except SpeechError as error:
        return _speech_failed(error)


async def time_words(request: Request) -> Response:
    """Answer with the times of a text's words in its audio, which comes as a JSON array of bytes.

    A request that waits for its aligner holds two things: `payload`, whose parsed array takes 8 bytes and a
    little for each byte of audio, and the audio made of it; the raw body is gone. The array is held on
    purpose, for the real application's request holds it until its answer: about 4.6 MB for 513 kB of MP3.
    Here 460 kB of MP3 hold 4.3 MB (`pytest -s tests/reference_server/test_held_requests.py`).
    """
    payload = await read_object(request, TIMING_BODY_BYTES)
    wanted = TimingRequest.of(payload)
    state = request.app.state
    timing = state.live_aligner.align(wanted.text, wanted.audio, wanted.lang)
    try:
        # As deployed, nothing stops when a client leaves; under a bound its place is for those who wait.
        words = await (_unless_client_leaves(request, timing) if state.settings.aligners else timing)
    except _ClientLeftError:
        return Response(status_code=_CLIENT_CLOSED_REQUEST)
    except AlignerBusy as error:
        retry = {"Retry-After": str(error.retry_after_s)}
        return error_response(HTTPStatus.SERVICE_UNAVAILABLE, "ALIGNER_BUSY", str(error), headers=retry)
    except AlignerError as error:
        _log.warning("no word times: %s", error)
        name = "WHISPER_ALIGNMENT_FAILED"
        return JSONResponse({"error": name, "code": name, "message": str(error)}, status_code=500)
    return JSONResponse(alignment_json(wanted.text, words))


def _speech_failed(error: SpeechError) -> Response:
    _log.warning("no speech: %s", error.message)
    retry = {} if error.retry_after_s is None else {"Retry-After": str(math.ceil(error.retry_after_s))}
    return error_response(error.status, error.code, error.message, headers=retry)


async def _unless_client_leaves(request: Request, work: Coroutine[Any, Any, _T]) -> _T:
    """Return what the work returns; when the client leaves first, cancel it and raise `_ClientLeftError`."""
    working = asyncio.create_task(work)
    # The body is read, so the next message can only be http.disconnect.
    leaving = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise _ClientLeftError
        return await working
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)
