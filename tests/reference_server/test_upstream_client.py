"""What the speech upstream sends, byte for byte, and what of it may become audio."""

import asyncio
import contextlib
import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from reference_server import speech as speech_module
from reference_server import upstream_client
from reference_server.settings import Settings
from reference_server.speech import Speech, SpeechError, SpeechRequest

REQUEST = SpeechRequest("Hello.", "alloy", 1.0)
KEY = "sk-<secret>&'\"\\"


class RawUpstream:
    """Sends the same bytes to everyone who asks, part by part, and remembers the heads it was sent."""

    def __init__(self, parts: Callable[[], Iterator[bytes]]) -> None:
        self.parts = parts
        self.heads: list[str] = []
        self.base = ""
        self.hangs = False
        self.left = asyncio.Event()
        self.visits: list[asyncio.Event] = []

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, then close or hang."""
        gone = asyncio.Event()
        self.visits.append(gone)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head.lower())
            for part in self.parts():
                writer.write(part)
                await writer.drain()
            if self.hangs:
                await reader.read(100_000)
                await reader.read(1)
        self.left.set()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        gone.set()


@contextlib.asynccontextmanager
async def _upstream(*parts: bytes) -> AsyncIterator[RawUpstream]:
    upstream = RawUpstream(lambda: iter(parts))
    async with await asyncio.start_server(upstream.meet, "127.0.0.1", 0) as server:
        upstream.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            yield upstream
        finally:
            await asyncio.gather(*(gone.wait() for gone in upstream.visits))


def _head(status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "Connection: close", "", ""]).encode()


async def _ask(
    base: str, request: SpeechRequest = REQUEST, key: str | None = None, retries: int = 0
) -> bytes:
    speech = Speech(Settings(api_base=base, api_key=KEY, tts_max_retries=retries))
    try:
        return await speech.synthesize(request, key)
    finally:
        await speech.aclose()


def _refused(*parts: bytes) -> SpeechError:
    async def scenario() -> None:
        async with _upstream(*parts) as upstream:
            await _ask(upstream.base)

    with pytest.raises(SpeechError) as caught:
        asyncio.run(asyncio.wait_for(scenario(), 20))
    assert caught.value.__suppress_context__
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300
    return caught.value


@pytest.mark.parametrize("kind", ["audio/mpeg", "Audio/MP3; rate=24000", "application/octet-stream"])
def test_a_whole_body_is_the_audio(kind: str) -> None:
    """Audio and plain bytes are taken as they are, whatever their number of parts."""

    async def scenario() -> bytes:
        async with _upstream(_head(Content_Type=kind, Content_Length="6"), b"abc", b"def") as upstream:
            return await _ask(upstream.base)

    assert asyncio.run(scenario()) == b"abcdef"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((_head(Content_Type="audio/mpeg", Content_Length="10"), b"abc"), "broke its answer off"),
        ((_head(Content_Type="audio/mpeg", Transfer_Encoding="chunked"), b"5\r\nab"), "broke its answer off"),
        ((_head(Content_Type="audio/mpeg", Transfer_Encoding="chunked"), b"xyz\r\n"), "broke its answer off"),
        ((_head(Content_Type="audio/mpeg", Content_Length="0"),), "no audio"),
        ((_head(Content_Type="text/html; charset=utf-8"), b"<html>"), "'text/html' instead of audio"),
        ((_head(Content_Type="application/json"), b"{}"), "'application/json' instead of audio"),
        ((_head("206 Partial Content", Content_Type="audio/mpeg"), b"mp3"), "answered 206"),
        ((b"nonsense\r\n\r\n",), "broke its answer off"),
        ((), "broke its answer off"),
    ],
)
def test_what_is_no_whole_audio_is_502(parts: tuple[bytes, ...], message: str) -> None:
    """Truncated, empty, a page or a message with status 200: nothing of it is stored as a chunk."""
    error = _refused(*parts)
    assert error.status == 502
    assert message in error.message
    # What is broken off by a restart is whole a moment later; what is no audio stays none.
    assert error.retry_after_s == (2 if "broke" in message else None)


def test_a_compressed_answer_is_not_unpacked() -> None:
    """A few bytes that unpack to many are refused by their head."""
    packed = gzip.compress(bytes(10_000_000))
    head = _head(Content_Type="audio/mpeg", Content_Encoding="gzip", Content_Length=str(len(packed)))
    error = _refused(head, packed)
    assert (error.status, error.message) == (
        502,
        "The speech upstream answered compressed, without being asked to.",
    )


@pytest.mark.parametrize(("size", "fits"), [(1000, True), (1001, False)])
def test_an_answer_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch, size: int, fits: bool) -> None:  # noqa: FBT001
    """Exactly the limit is taken, one byte more is 502; what is declared does not count."""
    monkeypatch.setattr(upstream_client, "MOST_ANSWER_BYTES", 1000)
    head = _head(Content_Type="audio/mpeg")

    async def scenario() -> bytes:
        async with _upstream(head, b"x" * (size - 1), b"y") as upstream:
            return await _ask(upstream.base)

    if fits:
        assert len(asyncio.run(scenario())) == size
    else:
        with pytest.raises(SpeechError, match="larger than") as caught:
            asyncio.run(scenario())
        assert caught.value.status == 502


def test_an_endless_refusal_is_read_in_part() -> None:
    """A refusal whose body never ends keeps its status, and is not read for ever."""

    def parts() -> Iterator[bytes]:
        yield _head("503 Unavailable", Content_Type="text/plain")
        while True:
            yield b"x" * 65536

    async def scenario() -> None:
        async with _upstream() as upstream:
            upstream.parts = parts
            with pytest.raises(SpeechError, match=r"answered 503\.") as caught:
                await _ask(upstream.base)
            assert caught.value.status == 502
            await upstream.left.wait()

    asyncio.run(asyncio.wait_for(scenario(), 20))


@pytest.mark.parametrize("drips", [b"", b"x"])
def test_the_whole_call_has_one_limit(monkeypatch: pytest.MonkeyPatch, drips: bytes) -> None:
    """GIVEN an upstream that is silent, or drips WHEN the time is over THEN it is 504, and the line is closed."""
    monkeypatch.setattr(speech_module, "_TIMEOUT_S", 0.3)

    async def scenario() -> Speech:
        async with _upstream(_head(Content_Type="audio/mpeg"), drips) as upstream:
            upstream.hangs = True
            speech = Speech(Settings(api_base=upstream.base))
            with pytest.raises(SpeechError, match=r"in 0\.3 s") as caught:
                await speech.synthesize(REQUEST)
            assert caught.value.status == 504
            await upstream.left.wait()
            await speech.aclose()
            return speech

    assert asyncio.run(asyncio.wait_for(scenario(), 20)).outcomes == {"too_late": 1}


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(status: str) -> None:
    """An upstream cannot send the server, or its key, to another place; lists of voices neither."""

    async def scenario() -> list[SpeechError]:
        async with _upstream() as secret:
            head = _head(status, Location=secret.base, Content_Length="0")
            async with _upstream(head) as upstream:
                speech = Speech(Settings(api_base=upstream.base, api_key=KEY))
                errors = []
                for call in (speech.synthesize(REQUEST), speech.voices()):
                    with pytest.raises(SpeechError, match="redirects are not followed") as caught:
                        await call
                    errors.append(caught.value)
                await speech.aclose()
            assert secret.heads == []
        return errors

    assert [error.status for error in asyncio.run(scenario())] == [502, 502]


def test_our_key_is_for_our_upstream_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """At another base a caller has its own key or none; nothing of the server's environment goes there."""
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "CUSTOM_HEADERS"):
        monkeypatch.setenv(f"OPENAI_{name}", "x-more: environment")

    async def scenario() -> None:
        async with _upstream(_head(Content_Type="audio/mpeg"), b"mp3") as other:
            request = SpeechRequest("Hello.", "alloy", 1.0, base=other.base)
            for key, sent in ((None, "none"), ("mine", "mine")):
                assert await _ask("http://127.0.0.1:1/v1", request, key) == b"mp3"
                assert f"authorization: bearer {sent}\r\n" in other.heads[-1]
            assert [head for head in other.heads if "secret" in head or "environment" in head] == []
        async with _upstream(_head(Content_Type="audio/mpeg"), b"mp3") as ours:
            await _ask(ours.base)
            assert f"authorization: bearer {KEY}\r\n" in ours.heads[0]
            assert "accept-encoding: identity\r\n" in ours.heads[0]

    asyncio.run(scenario())


def test_no_cookie_is_kept() -> None:
    """What one caller's answer sets is not sent with another's question."""

    async def scenario() -> None:
        async with _upstream(_head(Content_Type="audio/mpeg", Set_Cookie="a=b"), b"mp3") as upstream:
            speech = Speech(Settings(api_base=upstream.base))
            for _ in range(2):
                await speech.synthesize(REQUEST)
            await speech.aclose()
            assert not any("cookie" in head for head in upstream.heads)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"error": {"message": f"Incorrect key:\n{KEY}\x1b[31m"}}),
        json.dumps({"detail": f"Incorrect key: {KEY}"}),
        json.dumps(f"Bearer {KEY}"),
        f"<p>Incorrect key: {KEY}</p>",
        "<p>Incorrect key: sk-&lt;secret&gt;&amp;&#x27;&quot;\\</p>",
        "Incorrect key: " + json.dumps(KEY),
        " " * upstream_client.MOST_ERROR_BYTES + KEY,
        " " * (upstream_client.MOST_ERROR_BYTES - 9) + KEY,
    ],
)
@pytest.mark.parametrize("status", ["401 Unauthorized", "429 Too Many", "500 Broken"])
def test_a_key_that_is_echoed_is_not_told_on(
    body: str, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    """However the upstream spells the key in its refusal, neither the client nor the log gets to see it."""
    caplog.set_level(logging.INFO)

    async def scenario() -> None:
        async with _upstream(_head(status, Content_Type="application/json"), body.encode()) as upstream:
            await _ask(upstream.base, retries=1)

    with pytest.raises(SpeechError) as caught:
        asyncio.run(asyncio.wait_for(scenario(), 20))
    assert f"answered {status[:3]}" in caught.value.message
    assert caught.value.message.isprintable()
    told = caught.value.message + "".join(record.getMessage() for record in caplog.records)
    assert "sk-" not in told
    assert "secret" not in told


def test_a_key_no_header_carries_is_not_shown() -> None:
    """A key that the client library refuses to send is not in the error either."""

    async def scenario() -> None:
        async with _upstream(_head(Content_Type="audio/mpeg"), b"mp3") as upstream:
            await _ask(upstream.base, key="two\r\nlines")

    with pytest.raises(SpeechError, match="cannot be reached") as caught:
        asyncio.run(scenario())
    assert "lines" not in caught.value.message
