"""What clients send to the live routes, checked at the border."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from reference_server.errors import ApiError
from reference_server.fields import bad, require, speed_of, text_of
from reference_server.settings import Settings
from reference_server.speech import SpeechRequest

_LONGEST_TEXT = 4096
_LANGUAGE = re.compile("[a-z]{2,3}")


@dataclass(frozen=True)
class TimingRequest:
    """A text, its MP3, and the language it is in when the client says so."""

    text: str
    audio: bytes
    lang: str | None

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "TimingRequest":
        """Read a body; raises ApiError 400."""
        require(fields, "text", "audio")
        lang = _optional(fields, "lang")
        if lang is not None and not _LANGUAGE.fullmatch(lang):
            raise bad("lang", lang, "a language such as en")
        return cls(_text(fields, "text"), _bytes(fields["audio"]), lang)


def speech_request_of(fields: Mapping[str, Any], request: Request) -> SpeechRequest:
    """Read the body and the headers of a request for speech; raises ApiError 400, and 403 for its upstream."""
    require(fields, "text", "voice", "speed")
    if (_optional(fields, "format") or "mp3") != "mp3":
        raise bad("format", fields["format"], "mp3, the only one that is made")
    settings: Settings = request.app.state.settings
    return SpeechRequest(
        text=_text(fields, "text"),
        voice=_text(fields, "voice"),
        speed=speed_of(fields["speed"]),
        model=_optional(fields, "model") or settings.tts_model,
        instructions=_optional(fields, "instructions"),
        provider=request.headers.get("x-tts-provider") or SpeechRequest.provider,
        base=callers_base(request),
    )


def callers_base(request: Request) -> str | None:
    """Return the upstream the caller names, None for the configured one.

    Raises:
        ApiError: 403 for one that the operator does not allow: it could be anything inside the network.
    """
    base = request.headers.get("x-openai-base-url", "").strip().rstrip("/")
    settings: Settings = request.app.state.settings
    if not base or base == settings.api_base.rstrip("/"):
        return None
    if base not in settings.allowed_api_bases:
        message = "x-openai-base-url: only the configured base and those of ALLOWED_API_BASES may be named."
        raise ApiError(403, "BASE_URL_NOT_ALLOWED", message)
    return base


def callers_key(request: Request) -> str | None:
    """Return the key the caller brings, if any; raises ApiError 400 for one that no header can carry."""
    key = request.headers.get("x-openai-key") or None
    if key is not None and not (key.isascii() and key.isprintable()):
        raise ApiError(400, "BAD_REQUEST", "x-openai-key: a key has ASCII characters only.")
    return key


def _optional(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields.get(name) in (None, "") else _text(fields, name)


def _text(fields: Mapping[str, Any], name: str) -> str:
    return text_of(name, fields[name], _LONGEST_TEXT)


def _bytes(value: object) -> bytes:
    if not isinstance(value, list):
        raise bad("audio", value, "an array of bytes")
    try:
        return bytes(value)
    except (TypeError, ValueError):
        raise ApiError(400, "BAD_REQUEST", "audio: not every item is a whole number from 0 to 255.") from None
