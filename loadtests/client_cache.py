"""The reader's own cache of speech, as the browser keeps it: an LRU of the last blocks that arrived."""

from collections import OrderedDict
from dataclasses import dataclass

_DATA_URI_HEAD_BYTES = len("data:audio/mp3;base64,")


def data_uri_bytes(audio_bytes: int) -> int:
    """Size of an MP3 once it is the data URI that the application plays: base64 and its head."""
    return _DATA_URI_HEAD_BYTES + 4 * ((audio_bytes + 2) // 3)


@dataclass(slots=True)
class CachedSpeech:
    """What the cache knows of a block's speech: its size, its timings' state, and at most a key to its bytes.

    Attributes:
        source: where it came from: ``live``, ``chunk`` or ``fallback``.
        size_bytes: size of its data URI.
        duration_s: playing time at speed 1, in session seconds.
        audio: the key under which the MP3 lies on the shelf of all readers, opaque here; only while a second
            timings request might need it.
        timings_back: whether its word timings have arrived.
        played: whether it has been played since it arrived.
    """

    source: str
    size_bytes: int
    duration_s: float
    audio: object | None = None
    timings_back: bool = False
    played: bool = False


class ClientCache:
    """Least recently used blocks, at most ``max_items`` of them (CONTRACT: 50)."""

    def __init__(self, max_items: int = 50) -> None:
        self._max_items = max_items
        self._items: OrderedDict[str, CachedSpeech] = OrderedDict()
        self.size_bytes = 0
        """Bytes that a browser would hold for these items."""

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def get(self, key: str) -> CachedSpeech | None:
        """Returns the item and makes it the most recently used."""
        item = self._items.get(key)
        if item is not None:
            self._items.move_to_end(key)
        return item

    def put(self, key: str, item: CachedSpeech) -> None:
        """Stores an item as the most recently used; the least recently used ones leave."""
        replaced = self._items.pop(key, None)
        if replaced is not None:
            self.size_bytes -= replaced.size_bytes
        self._items[key] = item
        self.size_bytes += item.size_bytes
        while len(self._items) > self._max_items:
            _, dropped = self._items.popitem(last=False)
            self.size_bytes -= dropped.size_bytes

    def clear(self) -> None:
        """Drops everything."""
        self._items.clear()
        self.size_bytes = 0

    def timings_arrived(self, key: str) -> None:
        """Notes that a block's timings are back, and lets the key go. Does not count as a use."""
        item = self._items.get(key)
        if item is not None:
            item.timings_back = True
            item.audio = None
