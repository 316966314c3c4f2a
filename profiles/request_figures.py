"""The figures of a run's requests: how many, how fast, how many failed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from profiles.listeners import FELT_KINDS
from profiles.quantile import percentile, percentiles
from profiles.run_folder import Request, RunFolder

AUDIO_KINDS = frozenset({"chunk", "tts"})
TIMING_KINDS = frozenset({"whisper", "timings"})
UNPLAYABLE = ":unplayable"
"""Ends the source of an answer with status 200 that was no speech, such as a proxy's page in HTML."""


def request_figures(folder: RunFolder) -> dict[str, Any]:
    """Return what was asked and how it was answered; latencies in milliseconds of wall time."""
    rows = [row for row in folder.requests if row.kind not in FELT_KINDS]
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
