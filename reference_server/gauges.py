"""What is measured only when Prometheus asks: jobs, aligners, the store, the caches, the child processes."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.datastructures import State

from reference_server.process_memory import ProcessMemory


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

    def read(self, state: State, processes: ProcessMemory) -> None:
        """Read the application's state; nothing here waits."""
        store = state.store.stats()
        aligner, calls = state.live_aligner, state.speech.outcomes
        upstream = CounterMetricFamily(
            "reader_upstream_calls", "Calls to the speech upstream, each try counted.", labels=["outcome"]
        )
        for outcome, count in sorted(calls.items()):
            upstream.add_metric([outcome], count)
        evictions = CounterMetricFamily(
            "reader_store_evictions", "Documents whose chunks were removed to keep the store's limit."
        )
        evictions.add_metric([], state.store.evictions)
        self._families = [
            upstream,
            evictions,
            _gauge("reader_jobs", "Jobs that make chunks ahead.", len(state.jobs)),
            _gauge("reader_aligners_in_flight", "Blocks whose words are being timed.", aligner.in_flight),
            _gauge("reader_aligners_waiting", "Blocks that wait for an aligner.", aligner.waiting),
            _gauge("reader_store_bytes", "All files of the chunk store.", store.size_bytes),
            _gauge("reader_store_max_bytes", "Its limit.", state.settings.store_max_bytes),
            _gauge("reader_store_documents", "Documents that have chunks.", store.documents),
            _gauge("reader_speech_cache_bytes", "Live audio kept in memory.", state.speech_cache.size_bytes),
            _gauge("reader_children", "Child processes: aligners, decoders, readers.", processes.children),
            _gauge("reader_children_resident_memory_bytes", "What they hold.", processes.children_bytes),
        ]


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value)
