"""What is counted while the server works, and the page that Prometheus reads it from."""

from __future__ import annotations

from functools import cache
from typing import Literal

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest
from starlette.datastructures import State
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from reference_server.gauges import GaugeCollector
from reference_server.process_memory import read_process_memory
from reference_server.speech_cache import Source
from reference_server.threads import run_to_end

_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
_OTHER = "other"
_SECONDS = (0.005, 0.025, 0.1, 0.5, 2.0, 10.0, 60.0)
"""From a chunk out of the page cache, over speech from the upstream (2-5 s), to a job's progress stream."""

CachedOutcome = Literal["hit", "missing", "stale"]


class Metrics:
    """The counters of one application, in a registry of their own; all names begin with `reader_`."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "reader_requests",
            "Requests answered; status 499 is a client that left.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "reader_request_seconds",
            "Seconds from a request's head to the end of its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._blocks = Counter(
            "reader_blocks_served",
            "Blocks asked for, by where their audio came from.",
            ["mode", "outcome"],
            registry=self._registry,
        )
        # `labels` looks a child up under a lock, by labels made into text; there are few, and one with each request.
        self._count_of = cache(self._requests.labels)
        self._seconds_of = cache(self._seconds.labels)
        self._blocks_of = cache(self._blocks.labels)
        self._gauges = GaugeCollector()
        self._registry.register(self._gauges)
        ProcessCollector(namespace="reader", registry=self._registry)

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request; `method` and `route` are labels made by `method_label` and `route_label`."""
        self._count_of(method, route, status).inc()
        self._seconds_of(route).observe(seconds)

    def count_live(self, source: Source) -> None:
        """Count a block whose speech was asked for live."""
        self._blocks_of("live", source.lower()).inc()

    def count_cached(self, outcome: CachedOutcome) -> None:
        """Count a block whose chunk was asked for."""
        self._blocks_of("cached", outcome).inc()

    async def page(self, state: State) -> bytes:
        """Return everything in Prometheus's text format; `state` is the application's."""
        self._gauges.read(state, await run_to_end(read_process_memory))
        return generate_latest(self._registry)


def method_label(method: str) -> str:
    """Return a method as a label; methods that no route knows are one label, whatever a client makes up."""
    return method if method in _KNOWN_METHODS else _OTHER


def route_label(route: object) -> str:
    """Return a route's template as a label; all paths without a route are one label."""
    return route.path if isinstance(route, Route) else _OTHER


def metrics_routes() -> list[BaseRoute]:
    """Return the route of the metrics; it uses the app state's `metrics`."""
    return [Route("/metrics", get_metrics)]


async def get_metrics(request: Request) -> Response:
    """Answer with the metrics in Prometheus's text format."""
    metrics: Metrics = request.app.state.metrics
    return Response(await metrics.page(request.app.state), headers={"Content-Type": CONTENT_TYPE_LATEST})
