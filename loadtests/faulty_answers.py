"""What the upstream sends for each kind of fault."""

import asyncio
import math
import time
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from loadtests.ending import Ending
from loadtests.faults import Fault
from loadtests.speech import SpeechMemo, SpeechOrder
from loadtests.speech_api import MEDIA_TYPES, error_body

RETRY_AFTER_S = 2.0
"""When `429-retry-after` says to ask again: seconds at pace 1. What is sent is whole seconds, 1 at least."""
FIRST_BYTE_LATER_S = 20.0
"""How long after its drawn latency `slow-first-byte` answers: seconds at pace 1."""
DRIP_S = 30.0
"""How long the body of `drip` takes: seconds at pace 1."""
DRIP_PIECES = 60
"""In how many pieces it comes."""
CUT_SHARE = 0.5
"""How much of its body `cut` sends."""

_MESSAGES: dict[Fault, str] = {
    "429": "Rate limit reached.",
    "429-retry-after": "Rate limit reached.",
    "500": "The server had an error while processing your request.",
    "502": "Bad gateway.",
    "503": "The engine is currently overloaded.",
}
_AT_ONCE: frozenset[Fault] = frozenset({"429", "429-retry-after", "503"})
"""What is refused is refused at the door; what fails has been worked on, so it fails when its latency has passed."""


class FaultyAnswers:
    """Makes the faulty answers; their seconds are divided by the pace, and all end with the upstream."""

    def __init__(self, memo: SpeechMemo, ending: Ending, pace: float) -> None:
        self._memo = memo
        self._ending = ending
        self._pace = pace

    async def answer(self, fault: Fault, order: SpeechOrder, request: Request, due_t: float) -> Response:
        """Answer a request whose latency has passed at `due_t` (monotonic clock).

        Raises:
            HTTPException: 503, the upstream ended first.
        """
        if fault == "hang":
            await self._ending.before(_until_left(request))
            return Response(status_code=499)
        if fault in _MESSAGES:
            if fault not in _AT_ONCE:
                await self._until(due_t)
            return self._refusal(fault)
        media_type = MEDIA_TYPES[order.format]
        if fault == "empty":
            await self._until(due_t)
            return Response(b"", media_type=media_type)
        content = (await self._ending.before(self._memo.speech(order))).content
        if fault == "slow-first-byte":
            await self._until(due_t + FIRST_BYTE_LATER_S / self._pace)
            return Response(content, media_type=media_type)
        await self._until(due_t)
        if fault == "cut":
            return _Piecewise(
                content, media_type, [content[: int(CUT_SHARE * len(content))]], 0, self._ending
            )
        size = math.ceil(len(content) / DRIP_PIECES)
        pieces = [content[start : start + size] for start in range(0, len(content), size)]
        return _Piecewise(content, media_type, pieces, DRIP_S / self._pace / len(pieces), self._ending)

    async def _until(self, t: float) -> None:
        await self._ending.before(asyncio.sleep(t - time.monotonic()))

    def _refusal(self, fault: Fault) -> Response:
        limited = fault in {"429", "429-retry-after"}
        body = error_body(_MESSAGES[fault], kind="rate_limit_error" if limited else "server_error")
        again_s = max(1, math.ceil(RETRY_AFTER_S / self._pace))
        headers = {"Retry-After": str(again_s)} if fault == "429-retry-after" else None
        return JSONResponse(body, int(fault[:3]), headers)


async def _until_left(request: Request) -> None:
    # The body is read, so the next message can only be http.disconnect.
    await request.receive()


class _Piecewise(Response):
    """The head of a whole answer, then some of its body piece by piece, each after a pause.

    Where the pieces are not all of it, or nobody waits for them any more, uvicorn closes the connection.
    """

    def __init__(
        self, content: bytes, media_type: str, pieces: Sequence[bytes], pause_s: float, ending: Ending
    ) -> None:
        super().__init__(content, media_type=media_type)
        self._pieces = pieces
        self._pause_s = pause_s
        self._ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        left = len(self.body)
        leaving = asyncio.ensure_future(receive())
        try:
            for piece in self._pieces:
                if await self._ending.or_first(leaving, self._pause_s):
                    return
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": left > 0})
        finally:
            leaving.cancel()
