"""What is measured only when Prometheus asks: jobs, aligners, the store, the caches, the child processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(frozen=True)
class Children:
    """The child processes of this one, and theirs."""

    count: int
    rss_bytes: int


def children_of_this_process() -> Children:
    """Count the child processes and what they hold; waits for /proc: call it in a thread."""
    import psutil  # noqa: PLC0415 - 4 MB that only a server that is scraped shall hold

    rss_bytes = count = 0
    for child in psutil.Process().children(recursive=True):
        try:
            rss_bytes += child.memory_info().rss
        except psutil.Error:  # it has just ended
            continue
        count += 1
    return Children(count, rss_bytes)


class GaugeCollector(Collector):
    """Shows the numbers of the last `read`; they belong to other modules, which do not know of metrics."""

    def __init__(self) -> None:
        self._families: list[Metric] = []

    def describe(self) -> list[Metric]:
        """Return nothing: what there is shows when it is read."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield what was read last."""
        yield from self._families

    async def read(self, state: Any, children: Children) -> None:
        """Read the application's state."""
        self._families = [
            _gauge("reader_speech_cache_bytes", "Live audio kept in memory.", state.speech_cache.size_bytes),
            _gauge(
                "reader_children",
                "Child processes: aligners, decoders, readers of documents.",
                children.count,
            ),
            _gauge("reader_children_resident_memory_bytes", "What they hold.", children.rss_bytes),
        ]


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value)


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value)
