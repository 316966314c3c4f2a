"""Which request this is: a name for each, from what it asks for and how often that was asked."""

import hashlib
import json

from cachetools import LRUCache

from loadtests.speech import SpeechOrder

_DISTINCT_ORDERS_REMEMBERED = 100_000


class Attempts:
    """Names requests, so that what is drawn for one is drawn from its name.

    A name comes from the seed, the order, and how often the order has been asked for. What arrives before or
    between changes nothing: two servers under the same load meet the same upstream.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._attempts: LRUCache[bytes, int] = LRUCache(_DISTINCT_ORDERS_REMEMBERED)

    def forget(self, order: SpeechOrder) -> None:
        """Count this order's requests from the first again: the next one has the name of a fresh start."""
        self._attempts.pop(self._name(order), None)

    def next_name(self, order: SpeechOrder) -> bytes:
        """Return the name of the next request for this order."""
        name = self._name(order)
        attempt = self._attempts.get(name, 0)
        self._attempts[name] = attempt + 1
        return name + attempt.to_bytes(8, "big")

    def _name(self, order: SpeechOrder) -> bytes:
        content = json.dumps([self._seed, order.text, order.voice, order.speed, order.format])
        return hashlib.sha256(content.encode()).digest()
