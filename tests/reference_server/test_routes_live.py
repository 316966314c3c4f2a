import asyncio
import json
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from reference_server.aligner_programs import AlignerError
from reference_server.error_answers import handle_api_error
from reference_server.errors import ApiError
from reference_server.live_aligner import AlignerBusy
from reference_server.metrics import Metrics
from reference_server.routes_live import live_routes
from reference_server.settings import Settings
from reference_server.speech import SpeechError, SpeechRequest
from reference_server.speech_cache import SpeechCache
from reference_server.words import WordTime, alignment_json

BODY = {"text": "Hello.", "voice": "alloy", "speed": 1}
BASE, OTHER = "http://127.0.0.1:1/v1", "https://other.test/v1"


@dataclass
class FakeSpeech:
    """An upstream that answers at once, fails, or never ends."""

    error: SpeechError | None = None
    hangs: bool = False
    asked: list[tuple[SpeechRequest, str | None]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    aborted: asyncio.Event = field(default_factory=asyncio.Event)

    async def synthesize(self, request: SpeechRequest, api_key: str | None = None) -> bytes:
        """Note the request, then return, raise or hang."""
        self.asked.append((request, api_key))
        self.begun.set()
        if self.error is not None:
            raise self.error
        try:
            if self.hangs:
                await asyncio.Event().wait()
        finally:
            self.aborted.set()
        return b"mp3 of " + request.text.encode()

    async def voices(self, api_key: str | None = None, base: str | None = None) -> list[str]:
        """Return the caller's key, and the base it names, among the voices."""
        if self.error is not None:
            raise self.error
        return ["alloy", api_key or "none", *([base] if base else [])]


@dataclass
class FakeAligner:
    """An aligner that gives every text one word, or fails; with a gate, only when that is open."""

    error: AlignerError | None = None
    is_off: bool = False
    asked: list[tuple[str, bytes, str | None]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: bool = False

    async def align(self, text: str, audio: bytes, lang: str | None) -> list[WordTime] | None:
        """Note the request, then return or raise."""
        self.asked.append((text, audio, lang))
        self.begun.set()
        if self.error is not None:
            raise self.error
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.stopped = True
                raise
        return None if self.is_off else [WordTime(text, 0, 1, 0, len(text))]


@pytest.fixture
def speech() -> FakeSpeech:
    """The upstream."""
    return FakeSpeech()


@pytest.fixture
def aligner() -> FakeAligner:
    """The aligner."""
    return FakeAligner()


@pytest.fixture
def app(speech: FakeSpeech, aligner: FakeAligner) -> Starlette:
    """The live routes alone."""
    app = Starlette(routes=live_routes(), exception_handlers={ApiError: handle_api_error})
    app.state.settings = Settings(api_base=BASE, allowed_api_bases=(OTHER,))
    app.state.speech, app.state.live_aligner = speech, aligner
    app.state.speech_cache = SpeechCache(app.state.settings)
    app.state.metrics = Metrics()
    return app


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    """A client of the live routes."""
    with TestClient(app) as client:
        yield client


def test_speech_comes_whole_and_is_remembered(client: TestClient, speech: FakeSpeech) -> None:
    """The first answer is made, the second comes from memory; both carry what caches need."""
    first, second = (client.post("/api/tts", json=BODY) for _ in range(2))
    assert first.content == second.content == b"mp3 of Hello."
    assert [answer.headers["x-cache"] for answer in (first, second)] == ["MISS", "HIT"]
    assert len(speech.asked) == 1
    assert first.headers["etag"] == f'W/"{speech.asked[0][0].key}"'
    assert first.headers["content-type"] == "audio/mpeg"
    assert first.headers["content-length"] == "13"
    assert first.headers["cache-control"] == "private, max-age=1800"
    assert "x-openai-key" in first.headers["vary"]


def test_what_the_client_has_is_not_sent_again(client: TestClient, speech: FakeSpeech) -> None:
    """304 answers a matching If-None-Match, weakly compared, while the audio is in memory."""
    tag = client.post("/api/tts", json=BODY).headers["etag"]
    for match in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        answer = client.post("/api/tts", json=BODY, headers={"If-None-Match": match})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert client.post("/api/tts", json=BODY, headers={"If-None-Match": '"other"'}).status_code == 200
    other = client.post("/api/tts", json={**BODY, "text": "New."}, headers={"If-None-Match": "*"})
    assert other.status_code == 200
    assert len(speech.asked) == 2


def test_everything_that_is_asked_reaches_the_upstream(client: TestClient, speech: FakeSpeech) -> None:
    """Model, instructions, provider and the caller's key are used; the configured base may be named."""
    headers = {"x-openai-key": "mine", "x-tts-provider": "kokoro", "x-openai-base-url": BASE + "/"}
    body = {**BODY, "model": "other", "format": "mp3", "instructions": "Softly."}
    assert client.post("/api/tts", json=body, headers=headers).status_code == 200
    wanted = SpeechRequest("Hello.", "alloy", 1.0, "other", "mp3", "Softly.", "kokoro")
    assert speech.asked == [(wanted, "mine")]


@pytest.mark.parametrize("missing", ["text", "voice", "speed"])
@pytest.mark.parametrize("how", [None, ""])
def test_missing_parameters_are_named(client: TestClient, missing: str, how: str | None) -> None:
    """Without text, voice or speed the answer is 400 MISSING_PARAMETERS, which names what is missing."""
    answer = client.post("/api/tts", json={**BODY, missing: how})
    assert (answer.status_code, answer.json()["code"]) == (400, "MISSING_PARAMETERS")
    assert missing in answer.json()["message"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"text": "\\ud800", "voice": "a", "speed": 1}',
        json.dumps({**BODY, "text": ["Hello"]}).encode(),
        json.dumps({**BODY, "text": "x" * 4097}).encode(),
        json.dumps({**BODY, "speed": "1"}).encode(),
        json.dumps({**BODY, "speed": True}).encode(),
        json.dumps({**BODY, "speed": 4.01}).encode(),
        json.dumps({**BODY, "speed": float("nan")}).encode(),
        json.dumps({**BODY, "speed": float("inf")}).encode(),
        json.dumps({**BODY, "speed": 10**400}).encode(),
        b'{"text": "a", "voice": "a", "speed": ' + b"9" * 5000 + b"}",
        b'{"text": "a", "voice": "a", "speed": 1e999}',
        b'{"text": "a", "voice": "\\udfff", "speed": 1}',
        b'{"text": "a", "voice": "a", "speed": 1, "instructions": "\\ud800"}',
        b'{"text": "a", "voice": "a", "speed": 1, "model": "\\ud800"}',
        b"[" * 100_000,
        json.dumps({**BODY, "voice": "x" * 4097}).encode(),
        json.dumps({**BODY, "instructions": {"a": 1}}).encode(),
        json.dumps({**BODY, "format": "wav"}).encode(),
        json.dumps({**BODY, "model": 7}).encode(),
    ],
)
def test_bad_speech_requests_are_400(client: TestClient, speech: FakeSpeech, body: bytes) -> None:
    """What cannot be spoken is refused before the upstream is asked."""
    answer = client.post("/api/tts", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert speech.asked == []


def test_a_text_is_passed_on_as_it_is(client: TestClient, speech: FakeSpeech) -> None:
    """NUL, line ends and what lies outside the first plane are text like any other, up to 4096 characters."""
    text = "a\0b\r\n\U0001f600" + "x" * 4090
    assert client.post("/api/tts", json={**BODY, "text": text}).status_code == 200
    assert speech.asked[0][0].text == text


@pytest.mark.parametrize("speed", [0.25, 4])
def test_the_ends_of_the_range_of_speeds_are_spoken(client: TestClient, speed: float) -> None:
    """The slowest and the fastest speed of the upstream's API are allowed."""
    assert client.post("/api/tts", json={**BODY, "speed": speed}).status_code == 200


def test_an_allowed_upstream_may_be_named(client: TestClient, speech: FakeSpeech) -> None:
    """Its audio is made there and kept apart from the configured one's, whose own name changes nothing."""
    plain, other, same, again = (
        client.post("/api/tts", json=BODY, headers=headers)
        for headers in (
            {},
            {"x-openai-base-url": OTHER + "/"},
            {"x-openai-base-url": BASE + "/"},
            {"x-openai-base-url": OTHER, "If-None-Match": "*"},
        )
    )
    assert [answer.headers["x-cache"] for answer in (plain, other, same, again)] == [
        "MISS",
        "MISS",
        "HIT",
        "HIT",
    ]
    assert again.status_code == 304
    assert plain.headers["etag"] == same.headers["etag"] != other.headers["etag"]
    assert [request.base for request, _ in speech.asked] == [None, OTHER]
    voices = client.get("/api/tts/voices", headers={"x-openai-base-url": OTHER, "x-openai-key": "mine"})
    assert voices.json() == {"voices": ["alloy", "mine", OTHER]}


@pytest.mark.parametrize(
    "base",
    [
        "http://169.254.169.254/v1",
        OTHER + "/more",
        OTHER + "?",
        OTHER.upper(),
        OTHER.replace("https", "http"),
        OTHER.replace("other", "user@other"),
        "https://other.test:443/v1",
        f"{OTHER},{BASE}",
    ],
)
def test_another_upstream_is_refused(client: TestClient, speech: FakeSpeech, base: str) -> None:
    """A caller cannot point the server at an address of its choice, however near to an allowed one."""
    headers = {"x-openai-base-url": base}
    answers = [
        client.post("/api/tts", json=BODY, headers=headers),
        client.get("/api/tts/voices", headers=headers),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [
        (403, "BASE_URL_NOT_ALLOWED")
    ] * 2
    assert speech.asked == []


def test_a_key_that_no_header_carries_is_400(client: TestClient, speech: FakeSpeech) -> None:
    """It is refused here, where it came in, and not by the upstream's client with a traceback."""
    headers = {b"x-openai-key": "cl\u00e9".encode("latin-1")}
    for answer in (
        client.post("/api/tts", content=json.dumps(BODY), headers=headers),
        client.get("/api/tts/voices", headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert speech.asked == []


@pytest.mark.parametrize("path", ["/api/tts", "/api/whisper"])
def test_a_body_without_end_is_413(client: TestClient, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes is counted, whatever is declared, and the rest is not read."""
    for name in ("SMALL_BODY_BYTES", "TIMING_BODY_BYTES"):
        monkeypatch.setattr(f"reference_server.routes_live.{name}", 1000)
    answer = client.post(path, content=(b" " * 400 for _ in range(3)))
    assert (answer.status_code, answer.json()["code"]) == (413, "TOO_LARGE")


@pytest.mark.parametrize(
    ("status", "retry_after_s", "header"), [(429, 1.2, "2"), (500, None, None), (502, None, None)]
)
def test_speech_that_fails_says_so(
    client: TestClient, speech: FakeSpeech, status: int, retry_after_s: float | None, header: str | None
) -> None:
    """An upstream failure keeps its status, with code, message and Retry-After."""
    speech.error = SpeechError(status, "The upstream said no.", retry_after_s)
    for answer in (client.post("/api/tts", json=BODY), client.get("/api/tts/voices")):
        assert answer.status_code == status
        assert answer.json() == {"code": "TTS_GENERATION_FAILED", "message": "The upstream said no."}
        assert answer.headers.get("retry-after") == header


def test_voices_are_listed(client: TestClient) -> None:
    """The voices are those of the upstream, asked with the caller's key."""
    assert client.get("/api/tts/voices", headers={"x-openai-key": "mine"}).json() == {
        "voices": ["alloy", "mine"]
    }


def test_a_client_that_leaves_aborts_the_call(app: Starlette, speech: FakeSpeech) -> None:
    """When the only client disconnects while it waits, the upstream call is aborted and 499 is noted."""
    speech.hangs = True
    sent: list[MutableMapping[str, Any]] = []

    async def scenario() -> None:
        await _call_and_leave(app, "/api/tts", BODY, speech.begun, sent)
        assert speech.aborted.is_set()

    asyncio.run(asyncio.wait_for(scenario(), 5))
    assert sent[0]["status"] == 499


async def _call_and_leave(
    app: Starlette,
    path: str,
    body: object,
    begun: asyncio.Event,
    sent: list[MutableMapping[str, Any]],
) -> None:
    """Ask as a client that leaves once the work has begun; what it would have been sent is in `sent`."""
    messages = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        if messages:
            return messages.pop()
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
    await app(scope, receive, send)


@pytest.mark.parametrize("aligners", [0, 1])
def test_a_client_that_leaves_stops_nothing_unless_bounded(
    app: Starlette, aligner: FakeAligner, aligners: int
) -> None:
    """As deployed, an aligner works on for nobody; under a bound it gives its place to those who wait."""
    app.state.settings = Settings(api_base=BASE, aligners=aligners)
    sent: list[MutableMapping[str, Any]] = []

    async def scenario() -> None:
        aligner.gate = asyncio.Event()
        body = {"text": "Hello.", "audio": [1]}
        call = asyncio.create_task(_call_and_leave(app, "/api/whisper", body, aligner.begun, sent))
        if aligners == 0:
            await aligner.begun.wait()
            _, pending = await asyncio.wait([call], timeout=0.2)
            assert pending
            aligner.gate.set()
        await call

    asyncio.run(asyncio.wait_for(scenario(), 5))
    assert aligner.stopped is (aligners == 1)
    assert sent[0]["status"] == (499 if aligners else 200)


def test_words_are_timed(client: TestClient, aligner: FakeAligner) -> None:
    """The aligner gets the text, the bytes of the array and the language; the answer has the wire's shape."""
    answer = client.post("/api/whisper", json={"text": "Hello.", "audio": [0, 127, 255], "lang": "en"})
    assert answer.json() == alignment_json("Hello.", [WordTime("Hello.", 0, 1, 0, 6)])
    assert aligner.asked == [("Hello.", b"\x00\x7f\xff", "en")]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"audio": [1]}, "MISSING_PARAMETERS"),
        ({"text": "Hello."}, "MISSING_PARAMETERS"),
        ({"text": "Hello.", "audio": []}, "MISSING_PARAMETERS"),
        ({"text": "Hello.", "audio": "abc"}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": [256]}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": [-1]}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": [1.5]}, "BAD_REQUEST"),
        ({"text": 7, "audio": [1]}, "BAD_REQUEST"),
        ({"text": "\ud800", "audio": [1]}, "BAD_REQUEST"),
        ({"text": "x" * 4097, "audio": [1]}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": [10**4000]}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": [float("nan")]}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": [[1]]}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": {"0": 1}}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": [1], "lang": "e\0"}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": [1], "lang": 7}, "BAD_REQUEST"),
        ({"text": "Hello.", "audio": [1], "lang": "--beam=1"}, "BAD_REQUEST"),
    ],
)
def test_bad_timing_requests_are_400(
    client: TestClient, aligner: FakeAligner, body: dict[str, Any], code: str
) -> None:
    """Without a text and an array of bytes no process is started."""
    answer = client.post("/api/whisper", content=json.dumps(body))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert aligner.asked == []


def test_without_an_aligner_there_are_no_times(client: TestClient, aligner: FakeAligner) -> None:
    """The reader gets an answer it can read, with nothing to highlight; what it sends is checked all the same."""
    aligner.is_off = True
    answer = client.post("/api/whisper", json={"text": "Hello.", "audio": [1]})
    assert (answer.status_code, answer.json()) == (200, {"alignments": []})
    assert client.post("/api/whisper", json={"text": "Hello."}).status_code == 400


def test_an_aligner_that_fails_is_500(
    client: TestClient, aligner: FakeAligner, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure has the application's error name and says what happened, also in the log."""
    aligner.error = AlignerError("the aligner was killed by SIGKILL")
    answer = client.post("/api/whisper", json={"text": "Hello.", "audio": [1]})
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "WHISPER_ALIGNMENT_FAILED",
        "code": "WHISPER_ALIGNMENT_FAILED",
        "message": "the aligner was killed by SIGKILL",
    }
    assert "no word times: the aligner was killed by SIGKILL" in caplog.text


def test_an_aligner_that_is_busy_is_503(client: TestClient, aligner: FakeAligner) -> None:
    """When too many wait, the client is told when to come back."""
    aligner.error = AlignerBusy("9 blocks are being timed")
    answer = client.post("/api/whisper", json={"text": "Hello.", "audio": [1]})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "ALIGNER_BUSY",
        "1",
    )
