"""Parts of a connection, small: thousands stand open at once, and a deque takes 0.76 kB even while it is empty."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Event(asyncio.Event):
    """An asyncio event whose place for those who wait is a list."""

    def __init__(self, *, is_set: bool = False) -> None:
        # What the base class's would make, but for the deque.
        self._waiters = cast("Any", [])
        self._value = is_set


class Pipeline(list[tuple[RequestResponseCycle, ASGI3Application]]):
    """Requests that wait for the answer before theirs, the newest first; nearly always none."""

    def appendleft(self, asked: tuple[RequestResponseCycle, ASGI3Application]) -> None:
        """Add the newest."""
        self.insert(0, asked)
