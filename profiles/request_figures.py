"""The figures of a run's requests: how many, how fast, how many failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
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
    rows = asked(folder)
    found = _figures(rows)
    if reading:
        return found
    known = {"requests", "failures", "failures_by_status", "load_late_p99_ms"} if rows else set[str]()
    return {key: value if key in known else None for key, value in found.items()}


def asked(folder: RunFolder) -> list[Request]:
    """Return the rows that are requests."""
    return [row for row in folder.requests if row.kind not in FELT_KINDS and row.kind != SESSION]


def failures_by_status(rows: Iterable[Request]) -> dict[str, int]:
    """Return how many failed with each status, the most frequent first; 0 is no answer, empty an unknown one."""
    counts = Counter("" if row.status is None else str(row.status) for row in rows if failed(row))
    return dict(counts.most_common())


def _figures(rows: Sequence[Request]) -> dict[str, Any]:
    audio = [row for row in rows if row.kind in AUDIO_KINDS]
    chunk_p50, chunk_p95, chunk_p99 = percentiles(_latencies_ms(audio, "chunk"), 50, 95, 99)
    tts_p50, tts_p95 = percentiles(_latencies_ms(audio, "tts"), 50, 95)
    return {
        "chunk_p50_ms": chunk_p50,
        "chunk_p95_ms": chunk_p95,
        "chunk_p99_ms": chunk_p99,
        "tts_p50_ms": tts_p50,
        "tts_p95_ms": tts_p95,
        "timings_refused": sum(row.status == 503 for row in rows if row.kind in TIMING_KINDS),
        "fallbacks": sum(row.status == 404 for row in rows if row.kind in ("chunk", "timings")),
        "requests": len(rows),
        "failures": sum(map(failed, rows)),
        "failures_by_status": failures_by_status(rows),
        "audio_requests": len(audio),
        "audio_failures": sum(map(failed, audio)),
        "load_late_p99_ms": percentile((row.late_s * 1000 for row in rows if row.late_s is not None), 99),
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


def _latencies_ms(rows: Iterable[Request], kind: str) -> list[float]:
    return [
        row.latency_s * 1000
        for row in rows
        if row.kind == kind and row.status == 200 and row.latency_s is not None
    ]
