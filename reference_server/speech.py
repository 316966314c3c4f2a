"""Speech from the upstream: one call with retries, through the `openai` package."""

import asyncio
import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Literal

import openai

from reference_server.errors import ServerError
from reference_server.settings import Settings

_log = logging.getLogger(__name__)

_TIMEOUT_S = 60.0
_FIRST_DELAY_S = 0.25
_MOST_DELAY_S = 2.0

OPENAI_VOICES = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "fable",
    "nova",
    "onyx",
    "sage",
    "shimmer",
    "verse",
)
"""The voices of OpenAI's own API, which has no route that lists them."""


SpeechFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]


@dataclass(frozen=True)
class SpeechRequest:
    """What is to be said and how; `speed` 1 is normal."""

    text: str
    voice: str
    speed: float
    model: str = "tts-1"
    format: SpeechFormat = "mp3"
    instructions: str | None = None
    provider: str = "openai"

    @cached_property
    def key(self) -> str:
        """SHA-256 of all of it as canonical JSON, in hex; 1 and 1.0 are the same speed."""
        fields = {**asdict(self), "speed": float(self.speed)}
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
    """

    def __init__(self, settings: Settings) -> None:
        self._retries = settings.tts_max_retries
        self._client = openai.AsyncOpenAI(
            api_key=settings.api_key or "none", base_url=settings.api_base, max_retries=0, timeout=_TIMEOUT_S
        )

    async def synthesize(self, request: SpeechRequest, api_key: str | None = None) -> bytes:
        """Return the spoken text, whole; `api_key` takes the place of the configured one for this call.

        Raises:
            SpeechError: also after the last retry, and when the upstream answers with nothing.
        """
        delay_s = _FIRST_DELAY_S
        for _ in range(self._retries):
            try:
                return await self._once(request, api_key)
            except openai.APIStatusError as error:
                if not _worth_another_try(error.status_code):
                    raise _as_speech_error(error) from error
                _log.info("speech upstream answered %d: again in %.2f s", error.status_code, delay_s)
            except openai.APIError as error:
                raise _as_speech_error(error) from error
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, _MOST_DELAY_S)
        try:
            return await self._once(request, api_key)
        except openai.APIError as error:
            raise _as_speech_error(error) from error

    async def voices(self, api_key: str | None = None) -> list[str]:
        """Return the upstream's voices, or OpenAI's when the upstream has no list.

        Raises:
            SpeechError: the upstream failed.
        """
        try:
            answer = await self._as(api_key).get("/audio/voices", cast_to=object)
        except openai.NotFoundError:
            return list(OPENAI_VOICES)
        except openai.APIError as error:
            raise _as_speech_error(error) from error
        voices = answer.get("voices") if isinstance(answer, dict) else None
        if not isinstance(voices, list) or not all(isinstance(voice, str) for voice in voices):
            raise SpeechError(HTTPStatus.BAD_GATEWAY, "The speech upstream's list of voices is not one.")
        return voices

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _as(self, api_key: str | None) -> openai.AsyncOpenAI:
        return self._client.with_options(api_key=api_key) if api_key else self._client

    async def _once(self, request: SpeechRequest, api_key: str | None) -> bytes:
        answer = await self._as(api_key).audio.speech.create(
            input=request.text,
            model=request.model,
            voice=request.voice,
            speed=request.speed,
            response_format=request.format,
            instructions=request.instructions if request.instructions is not None else openai.omit,
        )
        if not answer.content:
            raise SpeechError(HTTPStatus.BAD_GATEWAY, "The speech upstream answered with no audio.")
        return answer.content


def _worth_another_try(status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _as_speech_error(error: openai.APIError) -> SpeechError:
    if isinstance(error, openai.APITimeoutError):
        return SpeechError(
            HTTPStatus.GATEWAY_TIMEOUT, f"The speech upstream did not answer in {_TIMEOUT_S:.0f} s."
        )
    if not isinstance(error, openai.APIStatusError):
        return SpeechError(HTTPStatus.BAD_GATEWAY, f"The speech upstream cannot be reached: {error.message}")
    message = f"The speech upstream answered {error.status_code}: {error.message}"
    if error.status_code in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.GATEWAY_TIMEOUT}:
        return SpeechError(error.status_code, message, _seconds(error.response.headers.get("retry-after")))
    failed = error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return SpeechError(HTTPStatus.BAD_GATEWAY if failed else HTTPStatus.INTERNAL_SERVER_ERROR, message)


def _seconds(header: str | None) -> float | None:
    """Read a Retry-After given in seconds; one given as a date counts as none."""
    return float(header) if header is not None and header.isascii() and header.isdecimal() else None
