"""What clients send to the live routes, checked at the border."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from reference_server.errors import ApiError
from reference_server.settings import Settings
from reference_server.speech import SpeechRequest

_LONGEST_TEXT = 4096
_SLOWEST, _FASTEST = 0.25, 4.0
_LANGUAGE = re.compile("[a-z]{2,3}")


@dataclass(frozen=True)
class TimingRequest:
    """A text, its MP3, and the language it is in when the client says so."""

    text: str
    audio: bytes
    lang: str | None


async def read_timing_request(request: Request) -> TimingRequest:
    """Read the body of a request for word times; raises ApiError 400."""
    # As in the real application, the array of numbers lives as long as the request does: Starlette keeps it.
    fields = await _read_object(request)
    _require(fields, "text", "audio")
    lang = _optional(fields, "lang")
    if lang is not None and not _LANGUAGE.fullmatch(lang):
        raise _bad("lang", "must be a language such as en")
    return TimingRequest(_text(fields, "text"), _bytes(fields, "audio"), lang)


async def read_speech_request(request: Request) -> SpeechRequest:
    """Read the body and the headers of a request for speech; raises ApiError 400."""
    fields = await _read_object(request)
    _require(fields, "text", "voice", "speed")
    if (_optional(fields, "format") or "mp3") != "mp3":
        raise _bad("format", "only mp3 is made")
    settings: Settings = request.app.state.settings
    return SpeechRequest(
        text=_text(fields, "text"),
        voice=_text(fields, "voice"),
        speed=_speed(fields, "speed"),
        model=_optional(fields, "model") or settings.tts_model,
        instructions=_optional(fields, "instructions"),
        provider=request.headers.get("x-tts-provider") or SpeechRequest.provider,
    )


def callers_key(request: Request) -> str | None:
    """Return the key the caller brings, if any.

    Raises:
        ApiError: 403 for another upstream than the configured one: it could be anything inside the network.
    """
    base = request.headers.get("x-openai-base-url", "").strip().rstrip("/")
    settings: Settings = request.app.state.settings
    if base and base != settings.api_base.rstrip("/"):
        raise ApiError(403, "BASE_URL_NOT_ALLOWED", "x-openai-base-url: only the configured base is allowed.")
    return request.headers.get("x-openai-key") or None


async def _read_object(request: Request) -> Mapping[str, Any]:
    try:
        fields = await request.json()
    except (ValueError, RecursionError):
        raise ApiError(400, "BAD_REQUEST", "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise ApiError(400, "BAD_REQUEST", "The body is not a JSON object.")
    return fields


def _require(fields: Mapping[str, Any], *names: str) -> None:
    missing = [name for name in names if fields.get(name) in (None, "", [])]
    if missing:
        raise ApiError(400, "MISSING_PARAMETERS", f"Missing required parameters: {', '.join(missing)}.")


def _optional(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields.get(name) in (None, "") else _text(fields, name)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise _bad(name, f"must be a text of at most {_LONGEST_TEXT} characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _bad(name, "holds half of a surrogate pair") from None
    return value


def _speed(fields: Mapping[str, Any], name: str) -> float:
    value = fields[name]
    if isinstance(value, int | float) and not isinstance(value, bool) and _SLOWEST <= value <= _FASTEST:
        return float(value)
    raise _bad(name, f"must be a number from {_SLOWEST} to {_FASTEST:g}")


def _bytes(fields: Mapping[str, Any], name: str) -> bytes:
    value = fields[name]
    if not isinstance(value, list):
        raise _bad(name, "must be an array of bytes")
    try:
        return bytes(value)
    except (TypeError, ValueError):
        raise _bad(name, "every item must be a whole number from 0 to 255") from None


def _bad(name: str, wanted: str) -> ApiError:
    return ApiError(400, "BAD_REQUEST", f"{name}: {wanted}.")
