"""Audio that was just made, kept in memory under a limit of bytes and age, and made once for all who wait."""

from collections.abc import Callable, Coroutine
from typing import Any, Literal

from cachetools import TTLCache

from reference_server.in_flight import InFlight
from reference_server.settings import Settings

Source = Literal["HIT", "MISS", "INFLIGHT"]
"""Where audio came from: the memory, a call of its own, or a call that was already under way."""


class SpeechCache:
    """Audio by key, under the limits of the settings: the least recently used goes first."""

    def __init__(self, settings: Settings) -> None:
        self._audio: TTLCache[str, bytes] = TTLCache(
            settings.tts_cache_max_size_bytes, settings.tts_cache_ttl_s, getsizeof=len
        )
        self._in_flight = InFlight[bytes]()

    def __contains__(self, key: str) -> bool:
        return key in self._audio

    @property
    def size_bytes(self) -> int:
        """Bytes of audio held now."""
        self._audio.expire()
        return int(self._audio.currsize)

    async def fetch(
        self, key: str, make: Callable[[], Coroutine[Any, Any, bytes]], apart: str = ""
    ) -> tuple[bytes, Source]:
        """Return the audio for a key, made by `make` when it is not at hand, and where it came from.

        Those with another `apart` wait for a call of their own: a key that is refused must fail its owner alone.
        The call is aborted when the last who waits for it is cancelled. Audio larger than the whole cache is
        returned and not kept. What `make` raises is raised to everyone who waits, and nothing is kept.
        """
        audio = self._audio.get(key)
        if audio is not None:
            return audio, "HIT"
        audio, joined = await self._in_flight.share(f"{key} {apart}", lambda: self._make_and_keep(key, make))
        return audio, "INFLIGHT" if joined else "MISS"

    async def _make_and_keep(self, key: str, make: Callable[[], Coroutine[Any, Any, bytes]]) -> bytes:
        audio = await make()
        if len(audio) <= self._audio.maxsize:
            self._audio[key] = audio
        return audio
