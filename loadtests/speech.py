"""Audible speech as files: what the engine says, encoded, and kept for the next who asks for the same."""

import asyncio
import io
import os
import wave
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import lameenc
from cachetools import LRUCache

from loadtests.espeak import synthesize

MP3_KBIT_PER_S = 128
"""Constant bit rate of every MP3: a block of 450 characters is about 460 kB."""

ENCODER_DELAY_SAMPLES = 1105
"""Silence before the first sample of a decoded MP3: 576 samples of LAME's encoder and 529 of a decoder."""

# Half the CPU of 2, LAME's "near best"; at this rate the aligner hears no difference.
_LAME_QUALITY = 3

SpeechFormat = Literal["mp3", "wav", "pcm"]


@dataclass(frozen=True)
class SpeechOrder:
    """What is to be said and how; two equal orders are answered by the same bytes."""

    text: str
    voice: str
    speed: float = 1.0
    format: SpeechFormat = "mp3"


@dataclass(frozen=True)
class SpeechFile:
    """One encoded answer: its bytes, and how long it lasts in seconds."""

    content: bytes
    audio_s: float


def encode_mp3(pcm: bytes, sample_rate_hz: int) -> bytes:
    """Encode mono 16-bit samples at 128 kb/s, constant rate; the same samples give the same bytes.

    There is no LAME header, so players do not skip the encoder's delay: what is at `t` seconds in the samples
    is heard at `t + ENCODER_DELAY_SAMPLES / sample_rate_hz`. The GIL is free while it works.
    """
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(MP3_KBIT_PER_S)
    encoder.set_in_sample_rate(sample_rate_hz)
    encoder.set_channels(1)
    encoder.set_quality(_LAME_QUALITY)
    return bytes(encoder.encode(pcm)) + bytes(encoder.flush())


def _encode_wav(pcm: bytes, sample_rate_hz: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate_hz)
        writer.writeframes(pcm)
    return file.getvalue()


def make_speech(order: SpeechOrder) -> SpeechFile:
    """Synthesise and encode one order; "pcm" is the bare samples.

    Raises:
        loadtests.espeak.SpeechEngineError: the voice is unknown, or the engine failed.
    """
    speech = synthesize(order.text, order.voice, order.speed)
    if order.format == "mp3":
        content = encode_mp3(speech.pcm, speech.sample_rate_hz)
    elif order.format == "wav":
        content = _encode_wav(speech.pcm, speech.sample_rate_hz)
    else:
        content = speech.pcm
    return SpeechFile(content, speech.duration_s)


class SpeechMemo:
    """Speech made once for all who ask, off the event loop; the least recently used goes when it is full.

    Used from one event loop. Orders that arrive while the same one is being made share the work, which goes
    on even when they all leave: it will be asked for again.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.synthesised = 0
        self._files: LRUCache[SpeechOrder, SpeechFile] = LRUCache(
            max_bytes, getsizeof=lambda file: len(file.content)
        )
        self._in_flight: dict[SpeechOrder, asyncio.Task[SpeechFile]] = {}
        self._threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), "speech")

    @property
    def bytes_held(self) -> int:
        """Bytes of encoded audio in the memo."""
        return int(self._files.currsize)

    def __contains__(self, order: SpeechOrder) -> bool:
        return order in self._files

    async def speech(self, order: SpeechOrder) -> SpeechFile:
        """Return the order's audio, made now when it is not held.

        Raises:
            loadtests.espeak.SpeechEngineError: as for `make_speech`.
        """
        held = self._files.get(order)
        if held is not None:
            return held
        task = self._in_flight.get(order)
        if task is None:
            task = asyncio.create_task(self._make(order))
            self._in_flight[order] = task
        return await asyncio.shield(task)

    async def _make(self, order: SpeechOrder) -> SpeechFile:
        try:
            file = await asyncio.get_running_loop().run_in_executor(self._threads, make_speech, order)
        finally:
            del self._in_flight[order]
        self.synthesised += 1
        if len(file.content) <= self.max_bytes:
            self._files[order] = file
        return file

    def close(self) -> None:
        """Start no more work; what is being made ends by itself, within seconds."""
        self._threads.shutdown(wait=False, cancel_futures=True)
