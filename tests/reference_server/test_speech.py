import asyncio
import contextlib
import hashlib
import json
import socket
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest

from reference_server.settings import Settings
from reference_server.speech import Speech, SpeechError, SpeechRequest
from reference_server.upstream_answer import OPENAI_VOICES
from reference_server.upstream_failure import Outcome

REQUEST = SpeechRequest("Hello there.", "alloy", 1.0)
Answer = tuple[int, dict[str, str], bytes]
OK: Answer = (200, {"Content-Type": "audio/mpeg"}, b"mp3")


@dataclass
class Upstream:
    """What the upstream will answer, in order (the last again and again), and what it was asked."""

    base: str = ""
    answers: list[Answer] = field(default_factory=lambda: [OK])
    asked: list[tuple[str, dict[str, Any], str]] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    upstream: ClassVar[Upstream]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(body)

    def do_GET(self) -> None:
        self._answer({})

    def _answer(self, body: dict[str, Any]) -> None:
        self.upstream.asked.append((self.path, body, self.headers["Authorization"]))
        answers = self.upstream.answers
        status, headers, content = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Say nothing."""


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """A speech upstream on loopback; delays between retries are noted instead of waited for."""
    upstream = Upstream()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"upstream": upstream}))
    upstream.base = f"http://127.0.0.1:{server.server_port}/v1"

    async def note(delay_s: float) -> None:
        upstream.delays_s.append(delay_s)

    monkeypatch.setattr(asyncio, "sleep", note)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield upstream
    server.shutdown()
    thread.join()
    server.server_close()


def _synthesize(
    base: str, request: SpeechRequest = REQUEST, *, key: str | None = None, retries: int = 2
) -> bytes:
    async def scenario() -> bytes:
        speech = Speech(Settings(api_base=base, api_key="configured", tts_max_retries=retries))
        try:
            return await speech.synthesize(request, key)
        finally:
            await speech.aclose()

    return asyncio.run(scenario())


def _voices(base: str) -> list[str]:
    async def scenario() -> list[str]:
        speech = Speech(Settings(api_base=base))
        try:
            return await speech.voices()
        finally:
            await speech.aclose()

    return asyncio.run(scenario())


def test_one_call_says_what_is_wanted(upstream: Upstream) -> None:
    """The upstream is asked once, for this text, voice, speed, model and format, with the configured key."""
    assert _synthesize(upstream.base) == b"mp3"
    assert upstream.asked == [
        (
            "/v1/audio/speech",
            {
                "input": "Hello there.",
                "model": "tts-1",
                "voice": "alloy",
                "speed": 1.0,
                "response_format": "mp3",
            },
            "Bearer configured",
        )
    ]


def test_instructions_and_the_caller_s_key_are_passed_on(upstream: Upstream) -> None:
    """Instructions reach the upstream, and a key of the caller's takes the place of the configured one."""
    _synthesize(upstream.base, replace(REQUEST, instructions="Softly."), key="callers")
    _, body, authorization = upstream.asked[0]
    assert (body["instructions"], authorization) == ("Softly.", "Bearer callers")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_too_many_and_failures_are_tried_again(upstream: Upstream, status: int) -> None:
    """After 429 and 5xx the call is made again, after 250 ms and then 500 ms."""
    upstream.answers = [(status, {}, b"{}"), (status, {}, b"{}"), OK]
    assert _synthesize(upstream.base) == b"mp3"
    assert upstream.delays_s == [0.25, 0.5]


@pytest.mark.parametrize("status", [400, 401, 404, 408, 409])
def test_refusals_are_not_tried_again(upstream: Upstream, status: int) -> None:
    """Any other refusal is final, whatever the openai package would do, and is the client's 500."""
    upstream.answers = [(status, {}, b"{}")]
    with pytest.raises(SpeechError) as caught:
        _synthesize(upstream.base)
    assert (caught.value.status, len(upstream.asked)) == (500, 1)
    assert str(status) in caught.value.message


def test_delays_double_up_to_two_seconds(upstream: Upstream) -> None:
    """The delay doubles and stays at 2 s; retries number exactly what the setting says."""
    upstream.answers = [(500, {}, b"{}")]
    with pytest.raises(SpeechError):
        _synthesize(upstream.base, retries=6)
    assert upstream.delays_s == [0.25, 0.5, 1, 2, 2, 2]
    assert len(upstream.asked) == 7


@pytest.mark.parametrize(
    ("upstream_status", "status", "retry_after_s"), [(429, 429, 7), (504, 504, 7), (503, 502, 7)]
)
def test_failures_are_told_apart(
    upstream: Upstream, upstream_status: int, status: int, retry_after_s: float
) -> None:
    """Too many, too late and broken are 429, 504 and 502; Retry-After is kept."""
    upstream.answers = [(upstream_status, {"Retry-After": "7"}, b"{}")]
    with pytest.raises(SpeechError) as caught:
        _synthesize(upstream.base, retries=0)
    assert (caught.value.status, caught.value.retry_after_s) == (status, retry_after_s)
    assert caught.value.code == "TTS_GENERATION_FAILED"


def test_an_empty_answer_is_an_error(upstream: Upstream) -> None:
    """Success without audio is the upstream's failure, not an empty block."""
    upstream.answers = [(200, {"Content-Type": "audio/mpeg"}, b"")]
    with pytest.raises(SpeechError, match="no audio") as caught:
        _synthesize(upstream.base)
    assert caught.value.status == 502


def test_an_upstream_that_is_not_there_is_502() -> None:
    """A refused connection is told as 502, at once."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        with pytest.raises(SpeechError, match="cannot be reached") as caught:
            _synthesize(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
    assert (caught.value.status, caught.value.retry_after_s) == (502, 2)


def test_voices_are_the_upstream_s(upstream: Upstream) -> None:
    """The upstream's own list is passed on."""
    upstream.answers = [(200, {"Content-Type": "application/json"}, b'{"voices": ["alloy", "fr"]}')]
    assert _voices(upstream.base) == ["alloy", "fr"]
    assert upstream.asked[0][0] == "/v1/audio/voices"


def test_voices_fall_back_to_openai_s(upstream: Upstream) -> None:
    """An upstream without a list has the voices of OpenAI."""
    upstream.answers = [(404, {}, b"{}")]
    assert _voices(upstream.base) == list(OPENAI_VOICES)


@pytest.mark.parametrize(
    "answer", [b"[]", b"", b"{", b"[" * 100_000, b'{"voices": "alloy"}', b'{"voices": [1]}', b"\xff"]
)
def test_voices_that_are_none_are_502(upstream: Upstream, answer: bytes) -> None:
    """A list of another shape is the upstream's failure."""
    upstream.answers = [(200, {"Content-Type": "application/json"}, answer)]
    with pytest.raises(SpeechError) as caught:
        _voices(upstream.base)
    assert caught.value.status == 502


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Hello."},
        {"voice": "nova"},
        {"speed": 1.5},
        {"model": "tts-1-hd"},
        {"format": "wav"},
        {"instructions": "Softly."},
        {"provider": "kokoro"},
        {"base": "http://other/v1"},
    ],
)
def test_every_field_is_part_of_the_key(other: dict[str, Any]) -> None:
    """Two requests that differ in anything have different keys."""
    assert replace(REQUEST, **other).key != REQUEST.key


def test_equal_requests_have_equal_keys() -> None:
    """The key is a hex SHA-256 that depends on values alone: speed 1 is speed 1.0."""
    assert SpeechRequest("Hello there.", "alloy", 1).key == REQUEST.key
    assert len(REQUEST.key) == 64


def test_the_key_is_that_of_the_wire() -> None:
    """At the configured upstream the key is made of the wire's fields and no others, as a client may count on."""
    fields = {"text": "Hello there.", "voice": "alloy", "speed": 1.0, "model": "tts-1", "format": "mp3"}
    canonical = json.dumps(
        {**fields, "instructions": None, "provider": "openai"}, sort_keys=True, separators=(",", ":")
    )
    assert REQUEST.key == hashlib.sha256(canonical.encode()).hexdigest()


def test_a_date_to_come_back_at_is_kept(upstream: Upstream) -> None:
    """A Retry-After that is a date is told on in seconds."""
    at = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    upstream.answers = [(429, {"Retry-After": at}, b"{}")]
    with pytest.raises(SpeechError) as caught:
        _synthesize(upstream.base, retries=0)
    assert caught.value.retry_after_s is not None
    assert 3000 < caught.value.retry_after_s <= 3600


def test_every_try_is_counted_by_its_outcome(upstream: Upstream) -> None:
    """What metrics show: calls that went well, that were too many, refused, failed, or had nobody waiting."""

    async def scenario() -> Counter[Outcome]:
        speech = Speech(Settings(api_base=upstream.base, tts_max_retries=1))
        tries: tuple[list[Answer], ...] = (
            [OK],
            [(429, {}, b"{}"), OK],
            [(400, {}, b"{}")],
            [(500, {}, b"{}")],
            [(200, {"Content-Type": "text/html"}, b"<p>")],
        )
        for answers in tries:
            upstream.answers = answers
            with contextlib.suppress(SpeechError):
                await speech.synthesize(REQUEST)
        upstream.answers = [(404, {}, b"{}")]
        await speech.voices()
        call = asyncio.create_task(speech.synthesize(REQUEST))
        done, _ = await asyncio.wait([call], timeout=0)
        assert not done
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await speech.aclose()
        return speech.outcomes

    outcomes = asyncio.run(scenario())
    assert outcomes == {"ok": 3, "too_many": 1, "refused": 1, "failed": 3, "aborted": 1}


def test_another_upstream_has_voices_of_its_own(upstream: Upstream) -> None:
    """Where the caller names an allowed base, its voices are asked for there, without our key."""
    upstream.answers = [(200, {"Content-Type": "application/json"}, b'{"voices": ["b"]}')]

    async def scenario() -> list[str]:
        speech = Speech(Settings(api_base="http://127.0.0.1:1/v1", api_key="configured"))
        try:
            return await speech.voices(None, upstream.base)
        finally:
            await speech.aclose()

    assert asyncio.run(scenario()) == ["b"]
    assert upstream.asked == [("/v1/audio/voices", {}, "Bearer none")]
