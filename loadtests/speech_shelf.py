"""Speech as readers hold it: one copy of equal audio, and timings bodies encoded once for all of them."""

import hashlib
import io
import json
from dataclasses import dataclass
from weakref import WeakKeyDictionary, WeakValueDictionary

from cachetools import LRUCache
from tinytag import TinyTag, TinyTagException

_DECIMAL = [str(value) for value in range(256)]


class UnplayableError(Exception):
    """An answer that is no MP3 with a playing time."""


def mp3_duration_s(data: bytes) -> float:
    """Playing time of an MP3, from its frame headers; any bit rate, 20 µs.

    Raises:
        UnplayableError: the bytes are no MP3.
    """
    try:
        duration = TinyTag.get(file_obj=io.BytesIO(data), tags=False).duration
    except TinyTagException as error:
        raise UnplayableError("the answer is no MP3") from error
    if not duration:
        raise UnplayableError("the answer is an MP3 without a frame")
    return duration


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class AudioKey:
    """What readers hold of an MP3 that they may need again; the shelf has its bytes for as long as one does."""

    digest: bytes


class SpeechShelf:
    """Holds equal audio once, however many readers keep its key, and no longer than the last of them does.

    Bodies of timings requests (an MP3 as a JSON array of integers: 0.5 MB becomes 1.7 MB) are encoded once
    and kept, least recently used first to go, up to a number of bytes.

    Args:
        max_body_bytes: bytes of encoded bodies to keep.
    """

    def __init__(self, max_body_bytes: int) -> None:
        self._keys: WeakValueDictionary[bytes, AudioKey] = WeakValueDictionary()
        self._audio: WeakKeyDictionary[AudioKey, bytes] = WeakKeyDictionary()
        self._bodies: LRUCache[tuple[str, bytes], bytes] = LRUCache(max_body_bytes, getsizeof=len)

    def keep(self, data: bytes) -> AudioKey:
        """Keeps these bytes until the last who holds the key lets it go."""
        digest = hashlib.sha256(data).digest()
        key = self._keys.get(digest)
        if key is None:
            key = self._keys[digest] = AudioKey(digest)
            self._audio[key] = data
        return key

    def timings_body(self, text: str, key: AudioKey) -> bytes:
        """Returns the JSON body of POST /api/whisper for a block."""
        named = (text, key.digest)
        body = self._bodies.get(named)
        if body is None:
            body = encode_timings_body(text, self._audio[key])
            if len(body) <= self._bodies.maxsize:
                self._bodies[named] = body
        return body


def encode_timings_body(text: str, data: bytes) -> bytes:
    """Encodes text and MP3 as the application does. Joining a table is 3 times as fast as ``json.dumps``."""
    array = ",".join(map(_DECIMAL.__getitem__, data))
    return f'{{"text":{json.dumps(text)},"audio":[{array}]}}'.encode()
