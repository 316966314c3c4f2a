"""The wire of OpenAI's `audio.speech` as the upstream speaks it: orders checked, errors in its shape."""

import json
from collections.abc import Sequence
from typing import get_args

from loadtests.speech import SpeechFormat, SpeechOrder
from loadtests.voices import VOICES

MAX_INPUT_CHARACTERS = 4096
MEDIA_TYPES: dict[SpeechFormat, str] = {"mp3": "audio/mpeg", "wav": "audio/wav", "pcm": "audio/pcm"}

_FORMATS: dict[str, SpeechFormat] = {name: name for name in get_args(SpeechFormat)}
_SLOWEST, _FASTEST = 0.25, 4.0


class BadOrderError(Exception):
    """A request that cannot be answered: the parameter at fault and one sentence about it."""

    def __init__(self, parameter: str | None, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.message = message


def error_body(
    message: str, parameter: str | None = None, kind: str = "invalid_request_error"
) -> dict[str, object]:
    """Return the body that OpenAI puts under every error status."""
    return {"error": {"message": message, "type": kind, "param": parameter, "code": None}}


def parse_order(body: bytes) -> SpeechOrder:
    """Read the body of `POST /v1/audio/speech`.

    Raises:
        BadOrderError: a parameter is missing, of the wrong type, or outside what is spoken here.
    """
    fields = _object(body)
    _text(fields, "model")
    return SpeechOrder(_input(_text(fields, "input")), _voice(fields), _speed(fields), _format(fields))


def parse_preparation(body: bytes) -> Sequence[SpeechOrder]:
    """Read the body of `POST /prepare`: `voice`, `speed` and `inputs`, a list of texts; each is made as MP3.

    Raises:
        BadOrderError: as for `parse_order`.
    """
    fields = _object(body)
    inputs = fields.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(text, str) for text in inputs):
        raise BadOrderError("inputs", "'inputs' must be a list of texts.")
    voice, speed = _voice(fields), _speed(fields)
    # Each once, in order: a block that is read twice is made once.
    return [SpeechOrder(text, voice, speed) for text in dict.fromkeys(map(_input, inputs))]


def _object(body: bytes) -> dict[str, object]:
    try:
        fields = json.loads(body)
    except ValueError:
        raise BadOrderError(None, "The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise BadOrderError(None, "The body must be a JSON object.")
    return fields


def _text(fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise BadOrderError(name, f"'{name}' must be a text that is not empty.")
    return value


def _input(text: str) -> str:
    if not text.strip():
        raise BadOrderError("input", "'input' must be a text that is not empty.")
    if len(text) > MAX_INPUT_CHARACTERS:
        raise BadOrderError(
            "input", f"'input' has {len(text)} characters; at most {MAX_INPUT_CHARACTERS} fit."
        )
    return text


def _voice(fields: dict[str, object]) -> str:
    voice = _text(fields, "voice")
    if voice not in VOICES:
        raise BadOrderError("voice", f"There is no voice {voice!r}. Use one of {', '.join(VOICES)}.")
    return voice


def _speed(fields: dict[str, object]) -> float:
    speed = fields.get("speed", 1.0)
    # The comparison is written so that NaN, which JSON readers let in, fails it.
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not _SLOWEST <= speed <= _FASTEST:
        raise BadOrderError(
            "speed", f"'speed' must be a number from {_SLOWEST} to {_FASTEST}, not {speed!r}."
        )
    return float(speed)


def _format(fields: dict[str, object]) -> SpeechFormat:
    name = fields.get("response_format", "mp3")
    if not isinstance(name, str) or name not in _FORMATS:
        raise BadOrderError("response_format", f"No format {name!r} is made here. Use {', '.join(_FORMATS)}.")
    return _FORMATS[name]
