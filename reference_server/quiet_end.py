"""The end of the server, for requests that are still unanswered then: a short refusal, and one line of log."""

import asyncio
import contextlib
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_server.error_answers import error_response

_log = logging.getLogger(__name__)

_FAILED = ("lifespan.startup.failed", "lifespan.shutdown.failed")
"""What Starlette says, traceback and all, when its lifespan is cancelled by one who does not want to wait."""


class QuietEnd:
    """An application around the application, which ends what the server breaks off without a traceback.

    uvicorn cancels a request only when the server ends and the time for answers is over; a client that
    leaves cancels nothing. Each of hundreds of waiting requests would log the whole chain of its calls.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as the application does; broken off, answer 503 where nothing was answered yet."""
        begun = False

        async def note(message: Message) -> None:
            nonlocal begun
            begun = True
            if not (message["type"] in _FAILED and _is_cancelled()):
                await send(message)

        try:
            await self._app(scope, receive, note)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                return
            if not self._told:
                self._told = True
                _log.warning("the server ends: requests that are still unanswered are broken off")
            if not begun:
                refusal = error_response(503, "SERVER_ENDS", "The server ends. Ask again when it is back.")
                with contextlib.suppress(asyncio.CancelledError):
                    await refusal(scope, receive, send)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
