import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from reference_server.settings import Settings
from reference_server.speech_cache import SpeechCache


def _cache(size_bytes: int = 100, ttl_s: float = 60) -> SpeechCache:
    return SpeechCache(Settings(tts_cache_max_size_bytes=size_bytes, tts_cache_ttl_s=ttl_s))


def _makes(audio: bytes) -> Callable[[], Coroutine[Any, Any, bytes]]:
    async def make() -> bytes:
        return audio

    return make


def test_what_was_made_is_found_again() -> None:
    """The first answer is a MISS, the second a HIT with the same bytes."""

    async def scenario() -> None:
        cache = _cache()
        assert "key" not in cache
        assert await cache.fetch("key", _makes(b"mp3")) == (b"mp3", "MISS")
        assert "key" in cache
        assert await cache.fetch("key", _makes(b"other")) == (b"mp3", "HIT")

    asyncio.run(scenario())


def test_those_who_ask_meanwhile_join() -> None:
    """Who asks while the audio is being made waits for it and is told INFLIGHT."""

    async def scenario() -> None:
        cache, go = _cache(), asyncio.Event()

        async def make() -> bytes:
            await go.wait()
            return b"mp3"

        tasks = [asyncio.create_task(cache.fetch("key", make)) for _ in range(2)]
        go.set()
        assert [source for _, source in await asyncio.gather(*tasks)] == ["MISS", "INFLIGHT"]

    asyncio.run(scenario())


def test_who_brings_another_key_waits_for_a_call_of_its_own() -> None:
    """A call that fails for its caller's key fails nobody who asks for the same with another."""

    async def scenario() -> None:
        cache, go = _cache(), asyncio.Event()

        async def refused() -> bytes:
            await go.wait()
            raise LookupError

        bad = asyncio.create_task(cache.fetch("key", refused, "bad"))
        done, _ = await asyncio.wait([bad], timeout=0)
        assert not done
        assert await cache.fetch("key", _makes(b"mp3"), "good") == (b"mp3", "MISS")
        go.set()
        with pytest.raises(LookupError):
            await bad
        assert await cache.fetch("key", refused, "bad") == (b"mp3", "HIT")

    asyncio.run(scenario())


def test_the_call_is_aborted_when_the_last_waiter_leaves() -> None:
    """The upstream call is cancelled with its last waiter, and nothing is kept."""

    async def scenario() -> None:
        cache, begun, aborted = _cache(), asyncio.Event(), asyncio.Event()

        async def make() -> bytes:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                aborted.set()
            return b"never"

        task = asyncio.create_task(cache.fetch("key", make))
        await begun.wait()
        task.cancel()
        await aborted.wait()
        assert "key" not in cache

    asyncio.run(asyncio.wait_for(scenario(), 5))


@pytest.mark.parametrize(("size", "kept"), [(100, True), (101, False)])
def test_audio_larger_than_the_cache_is_not_kept(size: int, kept: bool) -> None:  # noqa: FBT001  (a parameter)
    """Audio of exactly the cache's size is kept, one byte more is only passed on."""

    async def scenario() -> None:
        cache = _cache(100)
        assert (await cache.fetch("key", _makes(b"x" * size)))[1] == "MISS"
        assert ("key" in cache) is kept

    asyncio.run(scenario())


def test_the_least_recently_used_goes_first() -> None:
    """When the bytes are full, what was not asked for longest makes room; the limit is never passed."""

    async def scenario() -> None:
        cache = _cache(100)
        for key in ("a", "b", "a", "c"):
            await cache.fetch(key, _makes(b"x" * 50))
            assert cache.size_bytes <= 100
        assert [key in cache for key in "abc"] == [True, False, True]

    asyncio.run(scenario())


def test_failures_are_not_kept() -> None:
    """A failure is raised and forgotten; the next call may succeed."""

    async def scenario() -> None:
        cache = _cache()

        async def fail() -> bytes:
            raise LookupError

        with pytest.raises(LookupError):
            await cache.fetch("key", fail)
        assert await cache.fetch("key", _makes(b"mp3")) == (b"mp3", "MISS")

    asyncio.run(scenario())
