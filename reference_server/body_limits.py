"""How large a request's body may be, and how slowly it may come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from starlette.types import Message, Receive

from reference_server.errors import ApiError
from reference_server.fields import too_large
from reference_server.settings import Settings

SMALL_BODY_BYTES = 1024 * 1024
"""What a route may be sent that reads little or nothing."""

TIMING_BODY_BYTES = 64 * 1024 * 1024
"""An array of bytes is at most four characters an item: 16 MB of audio, which is a quarter of an hour."""

SLOWEST_BYTES_PER_S = 10_000
"""The pace that is asked of a body once its time of grace is over: 80 kb/s."""

_MOST_DIGITS = 18


def largest_body(method: str, path: str, settings: Settings) -> int:
    """Return how many bytes a request may carry."""
    if method in {"PUT", "POST"} and (path == "/api/documents" or path.startswith("/api/documents/")):
        return settings.max_document_bytes
    return TIMING_BODY_BYTES if path == "/api/whisper" else SMALL_BODY_BYTES


def declares_more(headers: Mapping[bytes, bytes], max_bytes: int) -> bool:
    """Return whether Content-Length alone says that a body is too large; what comes is counted all the same."""
    declared = headers.get(b"content-length", b"")
    return declared.isdigit() and (len(declared) > _MOST_DIGITS or int(declared) > max_bytes)


class MeteredBody:
    """A request's `receive`, which ends a body that is too large or too slow.

    Only the time spent waiting for the client counts: neither a slow disk here nor a route that waits for
    the client's leaving after the body is the client's slowness. Once the answer `has_begun` nothing can be
    refused any more: what a route then receives it throws away while it waits for that leaving.
    """

    __slots__ = ("_complete", "_grace_s", "_has_begun", "_max_bytes", "_receive", "_size_bytes", "_waited_s")

    def __init__(
        self, receive: Receive, max_bytes: int, grace_s: float, has_begun: Callable[[], bool]
    ) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._grace_s = grace_s
        self._has_begun = has_begun
        self._size_bytes = 0
        self._waited_s = 0.0
        self._complete = False

    async def __call__(self) -> Message:
        """Return the next message.

        Raises:
            ApiError: 408 `TOO_SLOW`, after which the connection closes; 413 `TOO_LARGE`.
        """
        if self._complete or self._has_begun():
            return await self._receive()
        message = await self._receive_in_time()
        self._size_bytes += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._size_bytes > self._max_bytes and not self._has_begun():
            raise too_large(self._max_bytes)
        return message

    async def _receive_in_time(self) -> Message:
        allowed_s = self._grace_s + self._size_bytes / SLOWEST_BYTES_PER_S
        began_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(allowed_s - self._waited_s):
                return await self._receive()
        except TimeoutError:
            if self._has_begun():
                return await self._receive()
            raise ApiError(
                408,
                "TOO_SLOW",
                f"After {allowed_s:.0f} s {self._size_bytes} bytes of the body had come. Send it faster.",
                headers={"Connection": "close"},
            ) from None
        finally:
            self._waited_s += asyncio.get_running_loop().time() - began_s
