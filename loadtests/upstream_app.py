"""The routes of the speech upstream: each answer comes when the latency drawn for it has passed, or meets a fault."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loadtests.attempts import Attempts
from loadtests.ending import Ending
from loadtests.espeak import SpeechEngineError
from loadtests.faults import Fault, Faults
from loadtests.faulty_answers import FaultyAnswers
from loadtests.latency import LatencyRange
from loadtests.speech import SpeechMemo
from loadtests.speech_api import MEDIA_TYPES, BadOrderError, error_body, parse_order, parse_preparation
from loadtests.voices import VOICES

LATE_AFTER_S = 0.05
"""How far past its drawn latency an answer may begin before it counts as late (seconds of wall time)."""


class Upstream:
    """What the routes answer from, and the counts that say whether the latency was the latency drawn."""

    def __init__(
        self, memo: SpeechMemo, latency: LatencyRange, faults: Faults, pace: float, seed: int
    ) -> None:
        self._memo = memo
        self._latency = latency
        self._faults = faults
        self._pace = pace
        self._attempts = Attempts(seed)
        self._ending = Ending()
        self._faulty = FaultyAnswers(memo, self._ending, pace)
        self._requests = 0
        self._faulted: Counter[Fault] = Counter()
        self._late = 0
        self._worst_late_s = 0.0

    def end(self) -> None:
        """Answer all who wait with 503, so that the process can end at once."""
        self._ending.begin()
        self._memo.close()

    async def speak(self, request: Request) -> Response:
        """Answer `POST /v1/audio/speech` when its latency has passed since all of it was here.

        A starved client sends its head and its body seconds apart: that is its own doing, not our lateness.
        A request that meets a fault has its latency drawn all the same, so faults change nobody else's.
        """
        try:
            order = parse_order(await request.body())
        except ClientDisconnect:  # such as a server that the kernel killed
            return Response(status_code=499)
        arrived = time.monotonic()
        self._requests += 1
        name = self._attempts.next_name(order)
        due = arrived + self._latency.draw_s(name) / self._pace
        fault = self._faults.of(name)
        if fault is not None:
            self._faulted[fault] += 1
            return await self._faulty.answer(fault, order, request, due)
        file = await self._ending.before(self._memo.speech(order))
        await self._ending.before(asyncio.sleep(due - time.monotonic()))
        late_s = time.monotonic() - due
        self._worst_late_s = max(self._worst_late_s, late_s)
        self._late += late_s > LATE_AFTER_S
        return Response(file.content, media_type=MEDIA_TYPES[order.format])

    async def prepare(self, request: Request) -> Response:
        """Answer `POST /prepare` when every input is in the memo.

        Their latencies and faults are drawn from the first again, and the faults' clock starts again.
        """
        orders = parse_preparation(await request.body())
        self._faults.restart()
        for order in orders:
            self._attempts.forget(order)
        size_bytes, audio_s = 0, 0.0
        makers = [asyncio.ensure_future(self._ending.before(self._memo.speech(order))) for order in orders]
        for file in await asyncio.gather(*makers):
            size_bytes += len(file.content)
            audio_s += file.audio_s
        if not all(order in self._memo for order in orders):
            raise BadOrderError(
                "inputs",
                f"The speech of {len(orders)} inputs is {size_bytes} bytes, and the memo holds at most "
                f"{self._memo.max_bytes}. Start the upstream with a larger --memo-mib.",
            )
        return JSONResponse({"prepared": len(orders), "bytes": size_bytes, "audio_s": round(audio_s, 3)})

    async def stats(self, _request: Request) -> Response:
        """Answer `GET /stats`: speech requests, those faulted and late, the worst lateness (wall s), the memo."""
        return JSONResponse(
            {
                "requests": self._requests,
                "faulted": self._faulted.total(),
                "faults": dict(self._faulted),
                "late": self._late,
                "worst_late_s": round(self._worst_late_s, 3),
                "synthesised": self._memo.synthesised,
                "memo_bytes": self._memo.bytes_held,
            }
        )


async def _voices(_request: Request) -> Response:
    return JSONResponse({"voices": list(VOICES)})


async def _health(_request: Request) -> Response:
    return JSONResponse({"ok": True, "status": "healthy"})


async def _on_bad_order(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BadOrderError)
    return JSONResponse(error_body(error.message, error.parameter), 400)


async def _on_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = "server_error" if error.status_code >= 500 else "invalid_request_error"
    return JSONResponse(error_body(error.detail, kind=kind), error.status_code, error.headers)


async def _on_engine_error(_request: Request, error: Exception) -> Response:
    return JSONResponse(error_body(str(error), kind="server_error"), 500)


def create_app(upstream: Upstream) -> Starlette:
    """Return the upstream as an application, which ends it when it shuts down."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        upstream.end()

    return Starlette(
        routes=[
            Route("/v1/audio/speech", upstream.speak, methods=["POST"]),
            Route("/v1/audio/voices", _voices),
            Route("/prepare", upstream.prepare, methods=["POST"]),
            Route("/stats", upstream.stats),
            Route("/health", _health),
        ],
        exception_handlers={
            BadOrderError: _on_bad_order,
            HTTPException: _on_http_error,
            SpeechEngineError: _on_engine_error,
        },
        lifespan=lifespan,
    )
