"""The figures of a run's requests: how many, how fast, how many failed."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from profiles.listeners import FELT_KINDS
from profiles.quantile import percentile, percentiles
from profiles.run_folder import Request, RunFolder

AUDIO_KINDS = frozenset({"chunk", "tts"})
SESSION = "session"
"""A row of this kind is no request: one session of a load that is a command ended then."""
TIMING_KINDS = frozenset({"whisper", "timings"})
UNPLAYABLE = ":unplayable"
"""Ends the source of an answer with status 200 that was no speech, such as a proxy's page in HTML."""


def request_figures(folder: RunFolder, *, reading: bool = True) -> dict[str, Any]:
    """Return what was asked and how it was answered; latencies in milliseconds of wall time.

    Where the load did not read aloud (`reading` is false), nothing is said of audio and timings, and nothing at
    all when it left no rows.
    """
    found = _figures(asked(folder))
    if reading:
        return found
    known = (
        {"requests", "failures", "failures_by_status", "load_late_p99_ms"}
        if found["requests"]
        else set[str]()
    )
    return {key: value if key in known else None for key, value in found.items()}


def asked(folder: RunFolder) -> Iterator[Request]:
    """Yield the rows that are requests: there may be millions."""
    return (row for row in folder.requests if row.kind not in FELT_KINDS and row.kind != SESSION)


def failures_by_status(rows: Iterable[Request]) -> dict[str, int]:
    """Return how many failed with each status, the most frequent first; 0 is no answer, empty an unknown one."""
    counts = Counter("" if row.status is None else str(row.status) for row in rows if failed(row))
    return dict(counts.most_common())


def _figures(rows: Iterable[Request]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    by_status: Counter[str] = Counter()
    latencies_ms = {kind: array("d") for kind in AUDIO_KINDS}
    late_ms = array("d")
    for row in rows:
        counts["requests"] += 1
        broken = failed(row)
        by_status["" if row.status is None else str(row.status)] += broken
        counts["failures"] += broken
        counts["timings_refused"] += row.kind in TIMING_KINDS and row.status == 503
        counts["fallbacks"] += row.kind in ("chunk", "timings") and row.status == 404
        if row.kind in AUDIO_KINDS:
            counts["audio_requests"] += 1
            counts["audio_failures"] += broken
            if row.status == 200 and row.latency_s is not None:
                latencies_ms[row.kind].append(row.latency_s * 1000)
        if row.late_s is not None:
            late_ms.append(row.late_s * 1000)
    chunk_p50, chunk_p95, chunk_p99 = percentiles(latencies_ms["chunk"], 50, 95, 99)
    tts_p50, tts_p95 = percentiles(latencies_ms["tts"], 50, 95)
    return {
        "chunk_p50_ms": chunk_p50,
        "chunk_p95_ms": chunk_p95,
        "chunk_p99_ms": chunk_p99,
        "tts_p50_ms": tts_p50,
        "tts_p95_ms": tts_p95,
        "timings_refused": counts["timings_refused"],
        "fallbacks": counts["fallbacks"],
        "requests": counts["requests"],
        "failures": counts["failures"],
        "failures_by_status": {status: count for status, count in by_status.most_common() if count},
        "audio_requests": counts["audio_requests"],
        "audio_failures": counts["audio_failures"],
        "load_late_p99_ms": percentile(late_ms, 99),
    }


def failed(row: Request) -> bool:
    """Return whether a request failed.

    A chunk that is not there (404) is an answer, and so is a bounded aligner that refuses (503); a request
    that its reader gave up (499) is nobody's failure. Speech that cannot be played is none, whatever its status.
    """
    if row.status == 404:
        return row.kind not in ("chunk", "timings")
    if row.status == 503:
        return row.kind not in TIMING_KINDS
    answered = row.status is not None and (200 <= row.status < 400 or row.status == 499)
    return not answered or row.source.endswith(UNPLAYABLE)
