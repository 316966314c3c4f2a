"""A case's figures, computed from its outcome: what the report shows, and all that it shows."""

import math
from collections import Counter
from dataclasses import dataclass

from benchmarks.generator import Load, Outcome
from benchmarks.observation import BUSY_SHARE, LATE_S, merged, quantile

MIB = 1024 * 1024
EXPECTED_AT_LEAST = 0.9
"""A case that made less than this share of the requests of readers who never wait did not carry them."""


@dataclass(frozen=True)
class Figures:
    """One case. Shares of a core, of each load process the highest; all within the window.

    Attributes:
        name: of the case.
        users: what the readers are.
        server: what they read from.
        readers: how many; as many as there were at the window's end.
        processes: load processes.
        load_cores: the cores that they may use.
        server_cores: and the server.
        window_s: how long they were observed.
        requests_per_s: requests that ended.
        expected_per_s: requests of as many readers who never wait, by the chunks' mean duration.
        megabytes_per_s: of bodies; a megabyte is 10^6 bytes.
        failures: failed requests.
        latency_p50_ms: latency of a request, sending to last byte.
        latency_p99_ms: the same, one in a hundred is slower.
        cpu_share: CPU of the busiest load process.
        cpu_share_all: CPU of all together.
        cpu_ms_per_request: their CPU for each request.
        lag_p99_ms: lateness of a 50 ms timer in the process where it is worst.
        lag_max_ms: the worst of all.
        rss_mb: highest RSS of a load process (MiB).
        rss_kb_per_reader: what it grew by since before its first reader, for each of its readers (KiB).
        sockets_per_reader: open sockets.
        open_files_limit: how many files a process may have open.
        server_cpu_share: CPU of the server.
        server_rss_mb: its highest RSS (MiB).
        load_average: of the machine before the case: 0 is a quiet one.
        exit_status: Locust's.
        last_words: the last line it said.
        not_carried: why the readers were not carried; empty when they were.
    """

    name: str
    users: str
    server: str
    readers: int
    processes: int
    load_cores: tuple[int, ...]
    server_cores: tuple[int, ...]
    window_s: float
    requests_per_s: float
    expected_per_s: float
    megabytes_per_s: float
    failures: int
    latency_p50_ms: float
    latency_p99_ms: float
    cpu_share: float
    cpu_share_all: float
    cpu_ms_per_request: float
    lag_p99_ms: float
    lag_max_ms: float
    rss_mb: float
    rss_kb_per_reader: float
    sockets_per_reader: float
    open_files_limit: int
    server_cpu_share: float
    server_rss_mb: float
    load_average: float
    exit_status: int
    last_words: str
    not_carried: str


@dataclass(frozen=True)
class Conditions:
    """What a case was, beside its load."""

    name: str
    users: str
    server: str
    load_cores: tuple[int, ...]
    server_cores: tuple[int, ...]
    mean_block_s: float
    load_average: float


def figures(conditions: Conditions, load: Load, outcome: Outcome) -> Figures:
    """Returns the figures of a case."""
    seen = outcome.observations
    window_s = max(one.seconds for one in seen)
    requests = sum(sum(one.requests.values()) for one in seen)
    latencies = merged(*(one.latencies_ms for one in seen))
    cpu_s, readers = sum(one.cpu_s for one in seen), sum(one.users for one in seen)
    grown_bytes = sum(one.rss_peak_bytes - one.rss_before_bytes for one in seen)
    expected_per_s = 2 * load.readers / conditions.mean_block_s
    return Figures(
        name=conditions.name,
        users=conditions.users,
        server=conditions.server,
        readers=readers,
        processes=load.processes,
        load_cores=conditions.load_cores,
        server_cores=conditions.server_cores,
        window_s=round(window_s, 1),
        requests_per_s=round(requests / window_s, 1),
        expected_per_s=round(expected_per_s, 1),
        megabytes_per_s=round(sum(one.body_bytes for one in seen) / window_s / 1e6, 1),
        failures=sum(sum(one.failures.values()) for one in seen),
        latency_p50_ms=quantile(latencies, 0.5),
        latency_p99_ms=quantile(latencies, 0.99),
        cpu_share=round(max(one.cpu_share for one in seen), 3),
        cpu_share_all=round(cpu_s / window_s, 3),
        cpu_ms_per_request=round(1000 * cpu_s / max(1, requests), 2),
        lag_p99_ms=max(quantile(one.lags_ms, 0.99) for one in seen),
        lag_max_ms=max(max(one.lags_ms, default=0) for one in seen),
        rss_mb=round(max(one.rss_peak_bytes for one in seen) / MIB, 1),
        rss_kb_per_reader=round(grown_bytes / max(1, readers) / 1024, 1),
        sockets_per_reader=round(sum(one.sockets for one in seen) / max(1, readers), 2),
        open_files_limit=min(one.open_files_limit for one in seen),
        server_cpu_share=round(outcome.server_cpu_share, 3),
        server_rss_mb=round(outcome.server_rss_bytes / MIB, 1),
        load_average=conditions.load_average,
        exit_status=outcome.exit_status,
        last_words=outcome.last_words,
        not_carried=_why_not(load, outcome, requests / window_s / expected_per_s, readers),
    )


def _why_not(load: Load, outcome: Outcome, share_of_expected: float, readers: int) -> str:
    reasons = []
    if readers < load.readers:
        reasons.append(f"only {readers} of {load.readers} readers were there")
    for one in outcome.observations:
        lag_ms = quantile(one.lags_ms, 0.99)
        if one.cpu_share > BUSY_SHARE:
            reasons.append(f"a load process used {one.cpu_share:.2f} of a core, more than {BUSY_SHARE}")
        if lag_ms > 1000 * LATE_S:
            reasons.append(f"a load process was {lag_ms:.0f} ms late, more than {1000 * LATE_S:.0f}")
    failures = sum((Counter(one.failures) for one in outcome.observations), Counter[str]())
    if failures:
        why, _ = failures.most_common(1)[0]
        reasons.append(f"{failures.total()} requests failed, most of them so: {why}")
    if math.isnan(share_of_expected) or share_of_expected < EXPECTED_AT_LEAST:
        reasons.append(f"{100 * share_of_expected:.0f} % of the expected requests were made")
    return "; ".join(reasons)
