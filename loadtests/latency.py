"""How long the speech upstream takes: a seeded draw for each request."""

import argparse
import hashlib
import json
import random
from dataclasses import dataclass

from cachetools import LRUCache

from loadtests.speech import SpeechOrder

_DISTINCT_ORDERS_REMEMBERED = 100_000


@dataclass(frozen=True)
class LatencyRange:
    """Seconds at pace 1 between which latencies are drawn, each as likely as the other."""

    shortest_s: float
    longest_s: float

    @classmethod
    def parse(cls, text: str) -> "LatencyRange":
        """Read `2-5`, or `2` for always the same, as the type of a command's option."""
        ends = text.split("-")
        try:
            latency = cls(float(ends[0]), float(ends[-1])) if len(ends) <= 2 else None
        except ValueError:
            latency = None
        if latency is None or not 0 <= latency.shortest_s <= latency.longest_s < float("inf"):
            raise argparse.ArgumentTypeError(
                f"{text!r} is no range of seconds. Use the shortest and the longest, such as 2-5."
            )
        return latency


class LatencyDraws:
    """The latency of each request, in seconds of wall time.

    Drawn from the order, how often it has been asked for, and the seed, so that what arrives before or
    between changes nothing: two servers under the same load meet the same upstream.
    """

    def __init__(self, latency: LatencyRange, pace: float, seed: int) -> None:
        self._latency = latency
        self._pace = pace
        self._seed = seed
        self._attempts: LRUCache[bytes, int] = LRUCache(_DISTINCT_ORDERS_REMEMBERED)

    def forget(self, order: SpeechOrder) -> None:
        """Count this order's requests from the first again: the next draw is that of a fresh start."""
        self._attempts.pop(self._name(order), None)

    def draw(self, order: SpeechOrder) -> float:
        """Return the latency of the next request for this order."""
        name = self._name(order)
        attempt = self._attempts.get(name, 0)
        self._attempts[name] = attempt + 1
        chance = random.Random(name + attempt.to_bytes(8, "big"))
        return chance.uniform(self._latency.shortest_s, self._latency.longest_s) / self._pace

    def _name(self, order: SpeechOrder) -> bytes:
        content = json.dumps([self._seed, order.text, order.voice, order.speed, order.format])
        return hashlib.sha256(content.encode()).digest()
