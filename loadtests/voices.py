"""The voices that can be asked for by name, and how the speech engine is set for each."""

from dataclasses import dataclass

from loadtests.chapters import Voice


@dataclass(frozen=True)
class EngineVoice:
    """How the engine is set for one voice: espeak-ng's voice name and a pitch from 0 to 99 (50 is normal)."""

    name: str
    pitch: int = 50


# Of the timbres tried, Whisper tiny.en hears this one best (docs/decisions/0003-speech-engine.md).
_US = "en-us+klatt"
_GB = "en+klatt"

VOICES: dict[str, EngineVoice] = {
    # The names of OpenAI's speech API, told apart by pitch and accent.
    "alloy": EngineVoice(_US),
    "ash": EngineVoice(_US, 40),
    "ballad": EngineVoice(_GB, 40),
    "coral": EngineVoice(_US, 60),
    "echo": EngineVoice(_US, 35),
    "fable": EngineVoice(_GB),
    "nova": EngineVoice(_US, 65),
    "onyx": EngineVoice(_US, 30),
    "sage": EngineVoice(_US, 55),
    "shimmer": EngineVoice(_US, 70),
    "verse": EngineVoice(_GB, 60),
    # Languages.
    "en-us": EngineVoice(_US),
    "en-gb": EngineVoice(_GB),
    "fr": EngineVoice("fr"),
    "fr-be": EngineVoice("fr-be"),
    "fr-ch": EngineVoice("fr-ch"),
    "de": EngineVoice("de"),
    "es": EngineVoice("es"),
    "it": EngineVoice("it"),
}


def voices_of_a_run(first: Voice) -> tuple[Voice, ...]:
    """Returns what a run speaks with: the first, another voice at its speed, and its voice at another speed.

    The other voice is alloy or nova, which OpenAI has and Kokoro-FastAPI takes for voices of its own; the
    other speed is 1.25 or 1.
    """
    name = "alloy" if first.name == "nova" else "nova"
    speed = 1.0 if first.speed == 1.25 else 1.25
    return (first, Voice(name, first.speed), Voice(first.name, speed))
