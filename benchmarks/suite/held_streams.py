"""What a server holds while thousands listen to it: one turn, from its first listener to its last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from time import monotonic
from urllib.parse import urlsplit

from benchmarks.servers import Server
from benchmarks.suite.chunk_requests import Way, known_etags
from benchmarks.suite.made_store import MadeBlock
from benchmarks.suite.process_cost import ProcessCost
from benchmarks.suite.slow_client import Listeners, Wanted
from benchmarks.suite.tcp_queues import PROC_NET_TCP, Queues, queues_of

_BEGUN_WITHIN_S = 12.0
_SETTLE_S = 1.0
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class Held:
    """What was seen of a server under streams.

    Attributes:
        open: streams for which the server still had bytes to give, in the middle of the listening.
        late: streams whose listeners heard nothing then.
        rss_before_bytes: when each chunk had been asked for once, and nobody listened yet.
        rss_bytes: while all listened, the median of several looks.
        rss_most_bytes: the highest, from the first listener on.
        kernel_bytes: what lay in the kernel's send buffers of all streams in the middle; it is in no process's RSS.
        cpu_share: of a core, while all listened.
        failures: how streams ended before their time, each way once.
    """

    open: int
    late: int
    rss_before_bytes: int
    rss_bytes: float
    rss_most_bytes: int
    kernel_bytes: int
    cpu_share: float
    failures: tuple[str, ...]

    @property
    def stream_bytes(self) -> float:
        """RSS that a stream adds."""
        return (self.rss_bytes - self.rss_before_bytes) / max(1, self.open)


def hold(
    server: Server, headers: Mapping[str, str], blocks: Sequence[MadeBlock], streams: int, seconds: float
) -> Held:
    """Let so many listen to a server that has just started, and look for some seconds once all have begun.

    Raises:
        BenchmarkError: it does not serve the chunks, or is gone.
    """
    known_etags(server.url, blocks, headers)
    cost, port = ProcessCost.of(server), urlsplit(server.url).port or 0
    before_bytes = cost.rss_bytes()
    with Listeners(port) as listeners:
        opening = _open(listeners, islice(_wanted(headers, blocks), streams), cost)
        cpu_s, began_s = cost.cpu_s(), monotonic()
        looks = _listen(listeners, seconds / 2, cost)
        still_open, late, kernel_bytes = _count(listeners, port)
        looks += _listen(listeners, seconds / 2, cost)
        return Held(
            open=still_open,
            late=late,
            rss_before_bytes=before_bytes,
            rss_bytes=median(looks),
            rss_most_bytes=max(opening + looks),
            kernel_bytes=kernel_bytes,
            cpu_share=(cost.cpu_s() - cpu_s) / (monotonic() - began_s),
            failures=tuple(sorted({stream.failed for stream in listeners.streams if stream.failed})),
        )


def _wanted(headers: Mapping[str, str], blocks: Sequence[MadeBlock]) -> Iterator[Wanted]:
    """Yield chunks without end, each with its request."""
    for block in cycle(blocks):
        request = Way(1).request(block, "", {"Host": "127.0.0.1", **headers})
        head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        yield Wanted(f"GET {request.path} HTTP/1.1\r\n{head}\r\n".encode(), block.size_bytes)


def _open(listeners: Listeners, newcomers: Iterator[Wanted], cost: ProcessCost) -> list[int]:
    """Let all join, wait until they hear something or have failed, and return the RSS meanwhile."""
    looks, begun_by_s = [], monotonic() + _BEGUN_WITHIN_S
    while True:
        count = len(listeners.streams)
        listeners.listen(_LOOK_EVERY_S, newcomers)
        looks.append(cost.rss_bytes())
        all_there = count == len(listeners.streams)
        if (
            all_there and all(one.has_begun or one.failed for one in listeners.streams)
        ) or monotonic() > begun_by_s:
            return looks + _listen(listeners, _SETTLE_S, cost)


def _listen(listeners: Listeners, seconds: float, cost: ProcessCost) -> list[int]:
    """Let all listen, and return the RSS after each quarter of a second."""
    looks = []
    for _ in range(max(1, round(seconds / _LOOK_EVERY_S))):
        listeners.listen(_LOOK_EVERY_S)
        looks.append(cost.rss_bytes())
    return looks


def _count(listeners: Listeners, port: int) -> tuple[int, int, int]:
    """Return how many streams are open at the server, how many are late, and what lies in its send buffers."""
    now_s = monotonic()
    late = sum(stream.is_late(now_s) for stream in listeners.streams)
    kernel = queues_of(port, PROC_NET_TCP.read_text(encoding="ascii"))
    still_open = 0
    for stream in listeners.streams:
        queues = kernel.get(stream.port, Queues(0, 0))
        given_bytes = stream.taken_bytes + queues.received_bytes + queues.sending_bytes
        still_open += not stream.failed and given_bytes < stream.wanted.size_bytes
    return still_open, late, sum(queues.sending_bytes for queues in kernel.values())
