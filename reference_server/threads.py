"""Work that blocks, done in a thread and never left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def run_to_end(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Return `function(...)` from a thread; cancelled, however often, wait for it first.

    `asyncio.to_thread` returns at once when cancelled, and its thread goes on writing to a folder that the
    canceller believes to be at rest.
    """
    # A future of the executor is no task: the end of the event loop, which cancels all tasks, spares it.
    work = asyncio.get_running_loop().run_in_executor(None, partial(function, *args, **kwargs))
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        work.exception()  # looked at, so that asyncio does not log it: nobody waits for the result any more
        raise asyncio.CancelledError
    return work.result()
