"""What of the upstream's successful answers is taken for audio, and for a list of voices."""

from http import HTTPStatus

from reference_server.upstream_client import BadAnswerError

_BINARY_TYPES = frozenset({"application/octet-stream", "binary/octet-stream"})
_MOST_VOICES = 1000
_LONGEST_VOICE = 200

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


def check_is_audio(status: int, content_type: str) -> None:
    """Raise BadAnswerError for a page or a message that comes with success; no type at all may be audio."""
    kind = content_type.partition(";")[0].strip().lower()
    if status != HTTPStatus.OK:
        raise BadAnswerError(f"The speech upstream answered {status}, which is not how audio comes.")
    if kind and not kind.startswith("audio/") and kind not in _BINARY_TYPES:
        shown = "".join(letter for letter in kind if letter.isprintable())[:80]
        raise BadAnswerError(f"The speech upstream answered with {shown!r} instead of audio.")


def voices_of(answer: object) -> list[str]:
    """Return the voices of an answer; raises BadAnswerError for one of another shape or size."""
    voices = answer.get("voices") if isinstance(answer, dict) else None
    if not isinstance(voices, list) or len(voices) > _MOST_VOICES or not all(map(_is_voice, voices)):
        raise BadAnswerError("The speech upstream's list of voices is not one.")
    return voices


def _is_voice(voice: object) -> bool:
    # Half of a surrogate pair could not be passed on.
    return isinstance(voice, str) and len(voice) <= _LONGEST_VOICE and voice.isprintable()
