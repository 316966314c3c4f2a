"""Speech from the upstream: one call with retries, through the `openai` package."""

import asyncio
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar

import openai

from reference_server.errors import ServerError
from reference_server.settings import Settings
from reference_server.upstream_answer import OPENAI_VOICES, check_is_audio, voices_of
from reference_server.upstream_client import BadAnswerError, upstream_client
from reference_server.upstream_failure import CALL_ERRORS, Outcome, UpstreamFailure, failure_of, too_late

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_TIMEOUT_S = 60.0
"""What a whole call may take, with all its retries; an upstream that drips is no better than a silent one."""

_FIRST_DELAY_S = 0.25
_MOST_DELAY_S = 2.0

SpeechFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]


@dataclass(frozen=True)
class SpeechRequest:
    """What is to be said and how; `speed` 1 is normal, `base` None the configured upstream."""

    text: str
    voice: str
    speed: float
    model: str = "tts-1"
    format: SpeechFormat = "mp3"
    instructions: str | None = None
    provider: str = "openai"
    base: str | None = None

    @cached_property
    def key(self) -> str:
        """SHA-256 of all of it as canonical JSON, in hex; 1 and 1.0 are the same speed."""
        fields = {**asdict(self), "speed": float(self.speed)}
        if self.base is None:  # the wire's own fields; another upstream's audio is another's
            del fields["base"]
        canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


class SpeechError(ServerError):
    """The upstream gave no speech.

    Attributes:
        status: what a client should be told: 429 (too many requests), 502 (the upstream failed), 504 (it took
            too long) or 500 (it refused).
        code: the error's name on the wire.
        message: one line for people.
        retry_after_s: when the upstream says it may be asked again; None when it says nothing.
    """

    code = "TTS_GENERATION_FAILED"

    def __init__(self, status: int, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s


class Speech:
    """The upstream's client.

    Only answers of 429 and 5xx are tried again, and by this class alone: the package's own retries are off.

    Attributes:
        outcomes: how the calls so far ended, each try counted; lists of voices are counted too.
    """

    def __init__(self, settings: Settings) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self._delays_s = [
            min(_FIRST_DELAY_S * 2**number, _MOST_DELAY_S) for number in range(settings.tts_max_retries)
        ]
        self._key = settings.api_key or "none"
        self._client = upstream_client(settings.api_base, self._key, _TIMEOUT_S)

    async def synthesize(self, request: SpeechRequest, api_key: str | None = None) -> bytes:
        """Return the spoken text, whole; `api_key` takes the place of the configured one for this call.

        Raises:
            SpeechError: also after the last retry, and when what the upstream sends is no whole audio.
        """
        return await self._in_time(self._with_retries(request, self._key_for(api_key, request.base)))

    async def voices(self, api_key: str | None = None, base: str | None = None) -> list[str]:
        """Return the upstream's voices, or OpenAI's when the upstream has no list.

        Raises:
            SpeechError: the upstream failed.
        """
        return await self._in_time(self._voices(self._key_for(api_key, base), base))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _key_for(self, api_key: str | None, base: str | None) -> str:
        """Return the caller's key or ours, which is for our upstream only."""
        return api_key or (self._key if base is None else "none")

    async def _in_time(self, call: Coroutine[Any, Any, _T]) -> _T:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await call
        except TimeoutError:
            raise self._failed(too_late(_TIMEOUT_S)) from None
        except asyncio.CancelledError:
            self.outcomes["aborted"] += 1
            raise

    async def _with_retries(self, request: SpeechRequest, api_key: str) -> bytes:
        for delay_s in self._delays_s:
            try:
                return await self._once(request, api_key)
            except CALL_ERRORS as error:
                failure = failure_of(error, api_key, _TIMEOUT_S)
                if not failure.may_pass:
                    raise self._failed(failure) from None
            self.outcomes[failure.outcome] += 1
            _log.info("%s Again in %.2f s", failure.message, delay_s)
            await asyncio.sleep(delay_s)
        try:
            return await self._once(request, api_key)
        except CALL_ERRORS as error:
            # The error itself stays out of logs: it holds all that the upstream echoed.
            raise self._failed(failure_of(error, api_key, _TIMEOUT_S)) from None

    async def _once(self, request: SpeechRequest, api_key: str) -> bytes:
        call = self._at(request.base, api_key).audio.speech.with_streaming_response.create(
            input=request.text,
            model=request.model,
            voice=request.voice,
            speed=request.speed,
            response_format=request.format,
            instructions=request.instructions if request.instructions is not None else openai.omit,
        )
        async with call as answer:
            check_is_audio(answer.status_code, answer.headers.get("content-type", ""))
            audio = b"".join([part async for part in answer.iter_bytes()])
        if not audio:
            raise BadAnswerError("The speech upstream answered with no audio.")
        self.outcomes["ok"] += 1
        return audio

    async def _voices(self, api_key: str, base: str | None) -> list[str]:
        try:
            answer = await self._at(base, api_key).get("/audio/voices", cast_to=object)
            voices = voices_of(answer)
        except openai.NotFoundError:
            voices = list(OPENAI_VOICES)
        except CALL_ERRORS as error:
            raise self._failed(failure_of(error, api_key, _TIMEOUT_S)) from None
        self.outcomes["ok"] += 1
        return voices

    def _at(self, base: str | None, api_key: str) -> openai.AsyncOpenAI:
        if base is not None:
            return self._client.with_options(base_url=base, api_key=api_key)
        return self._client if api_key == self._key else self._client.with_options(api_key=api_key)

    def _failed(self, failure: UpstreamFailure) -> SpeechError:
        self.outcomes[failure.outcome] += 1
        return SpeechError(failure.status, failure.message, failure.retry_after_s)
