"""Work in a thread is never left half done."""

import asyncio
import threading

import pytest

from reference_server.threads import run_to_end


def test_the_result_comes_back() -> None:
    """Arguments go in, the result comes out."""
    assert asyncio.run(run_to_end(divmod, 7, 2)) == (3, 1)


def test_an_error_comes_back() -> None:
    """What the function raises is raised."""
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_to_end(divmod, 7, 0))


def test_a_cancelled_caller_returns_only_when_the_work_is_done() -> None:
    """A cancellation is felt once the work under way has ended."""
    began, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        began.set()
        go_on.wait()
        done.set()

    async def scenario() -> None:
        task = asyncio.create_task(run_to_end(work))
        await asyncio.to_thread(began.wait)
        task.cancel()
        _, pending = await asyncio.wait([task], timeout=0)
        assert pending
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done.is_set()

    asyncio.run(scenario())
