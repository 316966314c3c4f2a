from sys import getsizeof

from hypothesis import given
from hypothesis import strategies as st

from loadtests.client_cache import CachedSpeech, ClientCache, data_uri_bytes
from loadtests.speech_shelf import SpeechShelf


def speech(size_bytes: int = 10, audio: object | None = None) -> CachedSpeech:
    """An item of that size."""
    return CachedSpeech("live", size_bytes, 1.0, audio)


def test_data_uri_size_is_that_of_real_base64() -> None:
    """A data URI is four thirds of the MP3, padded, and its head."""
    assert [data_uri_bytes(n) for n in (0, 1, 3, 4, 513_000)] == [22, 26, 26, 30, 684_022]


def test_the_fifty_first_item_drops_the_least_recently_used() -> None:
    """Fifty items stay; the next one drops the item that was used longest ago, not the oldest one."""
    cache = ClientCache()
    for number in range(50):
        cache.put(str(number), speech())
    assert cache.get("0") is not None
    cache.put("50", speech())
    assert "0" in cache
    assert "1" not in cache
    assert len(cache) == 50


def test_the_key_is_let_go_once_timings_are_back() -> None:
    """An item keeps the key to its MP3 only until its timings arrive, and that does not count as a use."""
    cache = ClientCache(max_items=2)
    cache.put("a", speech(audio="key"))
    cache.put("b", speech())
    cache.timings_arrived("a")
    cache.timings_arrived("never was here")
    cache.put("c", speech())
    assert "a" not in cache
    cache.put("d", speech(audio="key"))
    cache.timings_arrived("d")
    item = cache.get("d")
    assert item is not None
    assert (item.audio, item.timings_back) == (None, True)


def test_a_cleared_cache_holds_nothing() -> None:
    """Neither items nor bytes are counted any more."""
    cache = ClientCache()
    cache.put("a", speech())
    cache.clear()
    assert (len(cache), cache.size_bytes, cache.get("a")) == (0, 0, None)


def bytes_held(cache: ClientCache) -> int:
    """The memory of a cache and all that is in it, but for the texts' hashes, which all readers share."""
    held = [cache, cache._items, *cache._items.values()]
    held += [getattr(item, name) for item in cache._items.values() for name in ("size_bytes", "duration_s")]
    return sum(getsizeof(each) for each in held)


def test_fifty_blocks_cost_a_reader_some_kilobytes() -> None:
    """GIVEN 50 blocks of 25 MB in all, their timings outstanding THEN a reader's share of memory is below 16 kB."""
    shelf, cache = SpeechShelf(1000), ClientCache()
    for number in range(50):
        mp3 = bytes([number]) * 500_000
        cache.put(str(number), CachedSpeech("live", data_uri_bytes(len(mp3)), 30.0 + number, shelf.keep(mp3)))
    assert cache.size_bytes > 33_000_000
    assert bytes_held(cache) < 16_000


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 9)), max_size=40), st.integers(1, 4))
def test_size_is_the_sum_of_what_is_held(puts: list[tuple[str, int]], max_items: int) -> None:
    """The size counted never drifts from the items, whatever replaces or evicts what."""
    cache = ClientCache(max_items)
    for key, size in puts:
        cache.put(key, speech(size))
    held = [item for key in "abcdef" if (item := cache.get(key))]
    assert len(held) == len(cache) <= max_items
    assert cache.size_bytes == sum(item.size_bytes for item in held)
