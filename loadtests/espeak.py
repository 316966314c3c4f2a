"""Speech with the time of every word, made in this process by the espeak-ng library.

The library keeps its state in globals and aborts when two threads synthesise at once, so every call holds one
lock. It is GPL-3 and is loaded from the wheel `espeakng-loader`; nothing outside this module touches it. The
same text spoken twice differs by some bytes and by up to 20 ms: a slow random flutter of the voice runs on
from call to call.
"""

import ctypes
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import espeakng_loader

from loadtests.voices import VOICES, EngineVoice

# Values of espeak-ng's public header, speak_lib.h (API revision 12, library 1.52).
_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_EVENT_END_OF_LIST = 0
_EVENT_WORD = 1
_RATE, _PITCH = 1, 3
_BUFFER_MS = 500
_BYTES_PER_SAMPLE = 2

WORDS_PER_MINUTE = 165
"""Rate at speed 1: a block of 440-450 characters lasts about 28-30 s, as the speech of OpenAI does."""

SPEED_RANGE = (80 / WORDS_PER_MINUTE, 450 / WORDS_PER_MINUTE)
"""Speeds the engine can really speak (80-450 words a minute); what lies outside is spoken at the nearest."""


class SpeechEngineError(Exception):
    """The engine cannot be loaded, does not know a voice, or failed to speak."""


@dataclass(frozen=True)
class WordEvent:
    """One spoken word: where it stands in the text (`char_start` from 0, `length` in characters) and when."""

    char_start: int
    length: int
    start_s: float


@dataclass(frozen=True)
class EngineSpeech:
    """Mono signed 16-bit little-endian samples, their rate, and the words in the order they are spoken.

    What the engine speaks as one word ("of the") has one event, at its first word.
    """

    pcm: bytes
    sample_rate_hz: int
    words: tuple[WordEvent, ...]

    @property
    def duration_s(self) -> float:
        """Length of the audio in seconds."""
        return len(self.pcm) / _BYTES_PER_SAMPLE / self.sample_rate_hz


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Engine:
    """The loaded library and what its callback gathers; there is one in a process, used under its lock."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        # Held for the life of the process: the library keeps only the bare pointer.
        self._callback = _Callback(self._gather)
        self._samples = bytearray()
        self._words: list[WordEvent] = []
        data_path = str(espeakng_loader.get_data_path()).encode()
        self.sample_rate_hz = int(
            self._library.espeak_Initialize(_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data_path, _INITIALIZE_DONT_EXIT)
        )
        if self.sample_rate_hz <= 0:
            raise SpeechEngineError("espeak-ng did not start: its data folder is missing or unreadable.")
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: bytes, voice: EngineVoice, words_per_minute: int) -> tuple[bytes, list[WordEvent]]:
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise SpeechEngineError(f"espeak-ng has no voice {voice.name!r}.")
        self._library.espeak_SetParameter(_RATE, words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        self._samples.clear()
        self._words.clear()
        # The size counts the closing NUL; position 0 and end 0 mean the whole text.
        status = self._library.espeak_Synth(
            text, ctypes.c_size_t(len(text) + 1), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        self._library.espeak_Synchronize()
        if status != 0:
            raise SpeechEngineError(f"espeak-ng could not speak: status {status}.")
        return bytes(self._samples), list(self._words)

    def _gather(
        self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]"
    ) -> int:
        index = 0
        while (event := events[index]).type != _EVENT_END_OF_LIST:
            if event.type == _EVENT_WORD:
                word = WordEvent(event.text_position - 1, event.length, event.audio_position_ms / 1000)
                self._words.append(word)
            index += 1
        if count > 0:
            self._samples += ctypes.string_at(samples, count * _BYTES_PER_SAMPLE)
        return 0


_LOCK = threading.Lock()
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# The engine loses its place after a typographic quotation mark, and NUL would end the text early. One
# character for one, so that positions stay true.
_REPLACEMENTS = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\0": " "})


@cache
def _engine() -> _Engine:
    return _Engine()


def synthesize(text: str, voice: str = "en-us", speed: float = 1.0) -> EngineSpeech:
    """Speak a text.

    Args:
        text: what to say; positions in the answer index this string.
        voice: a name of `loadtests.voices.VOICES`, or any voice name of espeak-ng.
        speed: 1 is normal; outside `SPEED_RANGE` the nearest speed is spoken.

    Raises:
        SpeechEngineError: the voice is unknown, or the engine failed.
    """
    slowest, fastest = SPEED_RANGE
    words_per_minute = round(WORDS_PER_MINUTE * min(max(speed, slowest), fastest))
    # "replace" puts one "?" for a lone surrogate, which has no UTF-8.
    encoded = text.translate(_REPLACEMENTS).encode("utf-8", "replace")
    with _LOCK:
        engine = _engine()
        pcm, events = engine.speak(encoded, VOICES.get(voice, EngineVoice(voice)), words_per_minute)
    return EngineSpeech(pcm, engine.sample_rate_hz, tuple(_words_of(text, events)))


def _words_of(text: str, events: Iterable[WordEvent]) -> Iterable[WordEvent]:
    """Keep one event for a word of the text: to the engine a number or a symbol read aloud is several."""
    numbers = [match.span() for match in _NUMBER.finditer(text)]
    spoken_to = 0
    for event in events:
        start, end = event.char_start, event.char_start + event.length
        for number_start, number_end in numbers:
            if number_start <= start < number_end:
                start, end = number_start, number_end
        if start < spoken_to or not any(character.isalnum() for character in text[start:end]):
            continue
        spoken_to = end
        yield WordEvent(start, end - start, event.start_s)
