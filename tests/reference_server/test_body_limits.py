"""A body's size and pace, at their exact limits, with a clock that the test moves."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message

from reference_server.body_limits import (
    SLOWEST_BYTES_PER_S,
    SMALL_BODY_BYTES,
    TIMING_BODY_BYTES,
    MeteredBody,
    declares_more,
    largest_body,
)
from reference_server.errors import ApiError
from reference_server.settings import Settings

GRACE_S = 5.0


def _part(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class ClockedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer as soon as nothing else is to be done."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        select = self._selector.select  # type: ignore[attr-defined]

        def jump(timeout: float | None) -> object:
            if timeout:
                self.now_s += timeout
            return select(0)

        self._selector.select = jump  # type: ignore[attr-defined]

    def time(self) -> float:
        """Return the clock."""
        return self.now_s


def _run(work: Callable[[], Awaitable[object]]) -> object:
    with asyncio.Runner(loop_factory=ClockedLoop) as runner:

        async def main() -> object:
            return await work()

        return runner.run(main())


def _body(
    *parts: tuple[float, Message], max_bytes: int = 100_000, has_begun: Callable[[], bool] = lambda: False
) -> MeteredBody:
    """Return a body whose parts each come after some seconds; after the last nothing comes any more."""
    coming = iter(parts)

    async def receive() -> Message:
        wait_s, message = next(coming, (float("inf"), _part(b"")))
        if wait_s:
            await asyncio.sleep(min(wait_s, 1e9))
        return message

    return MeteredBody(receive, max_bytes, GRACE_S, has_begun)


async def _read(body: MeteredBody) -> int:
    size = 0
    while True:
        message = await body()
        size += len(message["body"])
        if not message["more_body"]:
            return size


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("PUT", "/api/documents/a", 7),
        ("POST", "/api/documents", 7),
        ("GET", "/api/documents/a", SMALL_BODY_BYTES),
        ("DELETE", "/api/documents/a", SMALL_BODY_BYTES),
        ("POST", "/api/documentsx", SMALL_BODY_BYTES),
        ("POST", "/api/whisper", TIMING_BODY_BYTES),
        ("POST", "/api/tts", SMALL_BODY_BYTES),
        ("GET", "/api/health", SMALL_BODY_BYTES),
        ("POST", "/nowhere", SMALL_BODY_BYTES),
    ],
)
def test_two_routes_take_much_and_all_others_little(method: str, path: str, limit: int) -> None:
    """Documents take what the setting says, live timings 64 MiB, everything else 1 MiB."""
    assert largest_body(method, path, Settings(max_document_bytes=7)) == limit


@pytest.mark.parametrize(
    ("declared", "more"),
    [(b"10", False), (b"11", True), (b"9" * 5000, True), (b"", False), (b"-1", False), (b"x", False)],
)
def test_a_declared_length_is_believed_only_where_it_is_too_much(declared: bytes, *, more: bool) -> None:
    """GIVEN a limit of 10 WHEN a length is declared THEN only a larger number is refused by it."""
    assert declares_more({b"content-length": declared}, 10) is more


def test_no_declared_length_is_no_refusal() -> None:
    """A chunked body declares none."""
    assert not declares_more({}, 10)


def test_a_body_of_exactly_the_limit_passes() -> None:
    """Not one byte fewer is allowed than is told."""
    assert (
        _run(lambda: _read(_body((0, _part(b"x" * 6)), (0, _part(b"x" * 4, more=False)), max_bytes=10))) == 10
    )


def test_a_byte_more_is_refused() -> None:
    """GIVEN a body that declared nothing WHEN it passes the limit THEN it is 413, whatever came before."""
    body = _body((0, _part(b"x" * 6)), (0, _part(b"x" * 5)), max_bytes=10)
    with pytest.raises(ApiError) as caught:
        _run(lambda: _read(body))
    assert (caught.value.status, caught.value.code) == (413, "TOO_LARGE")


def test_a_body_that_stops_ends_after_its_grace() -> None:
    """GIVEN a client that sends nothing WHEN the grace is over THEN it is 408 and the connection closes."""
    loop_s: list[float] = []

    async def work() -> None:
        try:
            await _body()()
        finally:
            loop_s.append(asyncio.get_running_loop().time())

    with pytest.raises(ApiError) as caught:
        _run(work)
    assert (caught.value.status, caught.value.code) == (408, "TOO_SLOW")
    assert caught.value.headers == {"Connection": "close"}
    assert loop_s == [GRACE_S]


def test_what_has_come_buys_time() -> None:
    """GIVEN 20,000 bytes WHEN two seconds more than the grace pass THEN it is still in time, and not after."""
    bought_s = 20_000 / SLOWEST_BYTES_PER_S
    in_time = ((0, _part(b"x" * 20_000)), (GRACE_S + bought_s - 0.1, _part(b"", more=False)))
    late = ((0, _part(b"x" * 20_000)), (GRACE_S + bought_s + 0.1, _part(b"", more=False)))
    assert _run(lambda: _read(_body(*in_time))) == 20_000
    with pytest.raises(ApiError):
        _run(lambda: _read(_body(*late)))


def test_a_drip_does_not_renew_the_grace() -> None:
    """GIVEN a byte a second WHEN the grace is used up THEN it ends, however steadily they come."""
    with pytest.raises(ApiError):
        _run(lambda: _read(_body(*[(1, _part(b"x"))] * 100)))


def test_a_steady_client_at_the_slowest_pace_is_served() -> None:
    """GIVEN the pace that is asked for WHEN a body comes at it for long THEN it is taken whole."""
    parts = [(1, _part(b"x" * SLOWEST_BYTES_PER_S))] * 60 + [(1, _part(b"", more=False))]
    assert _run(lambda: _read(_body(*parts, max_bytes=10**7))) == 60 * SLOWEST_BYTES_PER_S


def test_our_own_slowness_is_not_the_clients() -> None:
    """GIVEN a disk that takes longer than the grace WHEN the next part is there at once THEN it is taken."""

    async def work() -> None:
        body = _body((0, _part(b"x")), (0, _part(b"x", more=False)))
        await body()
        await asyncio.sleep(10 * GRACE_S)
        await body()

    _run(work)


def test_waiting_for_the_clients_leaving_has_no_end() -> None:
    """GIVEN a complete body WHEN a route waits for http.disconnect THEN it may wait for hours."""
    disconnect: Message = {"type": "http.disconnect"}

    async def work() -> Message:
        body = _body((0, _part(b"x", more=False)), (36_000, disconnect))
        await body()
        return await body()

    assert _run(work) == disconnect


def test_an_answer_that_has_begun_is_not_disturbed() -> None:
    """GIVEN an answer on its way WHEN the body is too large, or too slow THEN it is thrown away."""

    async def work() -> int:
        return await _read(
            _body(
                (0, _part(b"x" * 11)), (36_000, _part(b"", more=False)), max_bytes=10, has_begun=lambda: True
            )
        )

    assert _run(work) == 11


def test_an_answer_may_begin_while_its_body_is_waited_for() -> None:
    """GIVEN a route that waits for its client to leave WHEN the answer begins meanwhile THEN it goes on waiting."""
    disconnect: Message = {"type": "http.disconnect"}

    async def work() -> Message:
        begun = asyncio.Event()
        first = [begun.wait, asyncio.Event().wait]

        async def receive() -> Message:
            if first:
                await first.pop()()
            return disconnect

        body = MeteredBody(receive, 10, GRACE_S, begun.is_set)
        receiving = asyncio.ensure_future(body())
        await asyncio.sleep(GRACE_S / 2)
        begun.set()
        return await receiving

    assert _run(work) == disconnect
