"""The small parts do what the large ones do."""

import asyncio
import sys

import uvicorn
from uvicorn.server import ServerState

from reference_server.connection_parts import Event, Pipeline
from reference_server.http_protocol import BoundedProtocol

SHARED_KEYS = 30
"""Python keeps the names of so many attributes once for all objects of a class."""


def test_an_event_lets_all_go_who_wait_and_only_them() -> None:
    """GIVEN several who wait, one of whom gives up WHEN it is set THEN all others go on; cleared, it holds again."""

    async def main() -> list[str]:
        event, went = Event(), []

        async def wait(name: str) -> None:
            await event.wait()
            went.append(name)

        tasks = [asyncio.create_task(wait(name)) for name in ("a", "b", "c")]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.sleep(0)
        event.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        event.clear()
        late = asyncio.create_task(wait("late"))
        await asyncio.sleep(0)
        assert not late.done()
        assert not event.is_set()
        late.cancel()
        return went

    assert asyncio.run(main()) == ["a", "c"]


def test_an_event_that_is_set_from_the_start_holds_nobody() -> None:
    """GIVEN one that is set WHEN somebody waits THEN they go on at once."""

    async def main() -> bool:
        return await Event(is_set=True).wait()

    assert asyncio.run(main())


def test_the_oldest_request_comes_first() -> None:
    """GIVEN requests that came one after another WHEN they are taken as uvicorn does THEN in the order they came."""
    pipeline = Pipeline()
    for number in range(3):
        pipeline.appendleft((number, None))  # type: ignore[arg-type]
    assert [str(pipeline.pop()[0]) for _ in range(3)] == ["0", "1", "2"]


def test_a_connection_keeps_its_attributes_in_the_small_form() -> None:
    """GIVEN uvicorn's attributes and ours WHEN they are counted THEN Python keeps no names in each."""

    async def main() -> BoundedProtocol:
        async def app(_scope: object, _receive: object, _send: object) -> None:
            """Answer nothing."""

        config = uvicorn.Config(app, log_config=None)
        config.load()
        return BoundedProtocol(config, ServerState(), {})

    attributes = vars(asyncio.run(main()))
    assert len(attributes) <= SHARED_KEYS
    assert sys.getsizeof(attributes) < sys.getsizeof(dict(attributes))


def test_empty_they_are_smaller_than_what_they_replace() -> None:
    """GIVEN nobody who waits WHEN the places are measured THEN each is a tenth of a deque."""
    deque_bytes = sys.getsizeof(asyncio.Event()._waiters)
    assert sys.getsizeof(Event()._waiters) * 10 < deque_bytes
    assert sys.getsizeof(Pipeline()) * 5 < deque_bytes
