"""The figures of the load generators: what one round of each says, and how many readers a core would carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.errors import BenchmarkError
from benchmarks.generator import Outcome
from benchmarks.observation import BUSY_SHARE, merged, quantile
from benchmarks.suite.measured import Figure, Ratio, ratio_of
from benchmarks.suite.rounds import Rounds

OURS, HTTP_USER, WRK = "oomproof ReaderUser", "Locust HttpUser", "wrk"
SETTING = "a chunk and its timings, from nginx"
CPU, READERS, RSS, P99 = "CPU a request", "readers a core", "RSS a reader", "p99 of a request"
MADE, RAW = "requests/s made", "requests/s at most"


def add_users(rounds: Rounds, name: str, mean_block_s: float, outcome: Outcome) -> None:
    """Add a round of Locust users.

    Raises:
        BenchmarkError: they asked for nothing.
    """
    seen = outcome.observations
    requests = sum(sum(one.requests.values()) for one in seen)
    readers = sum(one.users for one in seen)
    if not requests or not readers:
        raise BenchmarkError(f"{name}: nothing was asked for: {outcome.last_words}")
    cpu_s = sum(one.cpu_s for one in seen) / requests
    grown_bytes = sum(one.rss_peak_bytes - one.rss_before_bytes for one in seen)
    _add_cpu(rounds, name, mean_block_s, cpu_s)
    rounds.add(name, SETTING, MADE, "1/s", requests / max(one.seconds for one in seen))
    rounds.add(name, SETTING, RSS, "kB", grown_bytes / readers / 1000)
    latencies_ms = merged(*(one.latencies_ms for one in seen))
    rounds.add(name, SETTING, P99, "ms", quantile(latencies_ms, 0.99))


def add_wrk(rounds: Rounds, mean_block_s: float, rate_per_s: float, cpu_s: float, p99_ms: float) -> None:
    """Add a round of wrk."""
    _add_cpu(rounds, WRK, mean_block_s, cpu_s)
    rounds.add(WRK, SETTING, RAW, "1/s", rate_per_s)
    rounds.add(WRK, SETTING, P99, "ms", p99_ms)


def _add_cpu(rounds: Rounds, name: str, mean_block_s: float, cpu_s: float) -> None:
    rounds.add(name, SETTING, CPU, "us", 1e6 * cpu_s)
    rounds.add(name, SETTING, READERS, "1", readers_a_core(cpu_s, mean_block_s))


def readers_a_core(cpu_s: float, mean_block_s: float) -> float:
    """Return how many readers at pace 1 one core carries, of whose requests each takes so many CPU seconds.

    A reader asks twice for each block, for its chunk and for its timings; a generator above `BUSY_SHARE` of a core
    measures itself.
    """
    return BUSY_SHARE / (cpu_s * 2 / mean_block_s)


def ratios_of(found: Sequence[Figure]) -> Iterator[Ratio]:
    """Yield ours over each peer that was measured."""
    yield ratio_of(found, CPU, SETTING, OURS, HTTP_USER)
    yield ratio_of(found, RSS, SETTING, OURS, HTTP_USER)
    if any(figure.subject == WRK for figure in found):
        yield ratio_of(found, CPU, SETTING, OURS, WRK)
        yield ratio_of(found, CPU, SETTING, HTTP_USER, WRK)
