"""The figures of a run's listeners: what all of them felt, in a verdict's few numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from profiles.listeners import SOURCES, Listener, wait_of
from profiles.quantile import percentiles
from profiles.run_folder import RunFolder


def listener_figures(
    folder: RunFolder, listeners: Sequence[Listener], session_wall_s: float | None
) -> dict[str, Any]:
    """Return the figures of all listeners together.

    Args:
        folder: the run.
        listeners: its listeners.
        session_wall_s: how long each of them meant to stay, by the clock; None where nobody had a session.
    """
    waits = [wait_of(row) for row in folder.requests if row.kind == "play"]
    # Who presses on at once has not waited for anything; who gives up later has waited at least so long.
    known = [wait for wait in waits if wait.heard or wait.silent]
    first_ms = [wait.waited_s * 1000 for wait in known if wait.reason == "first"]
    asked_ms = [wait.waited_s * 1000 for wait in known if wait.reason == "asked"]
    first_p50, first_p95 = percentiles(first_ms, 50, 95)
    asked_p50, asked_p95 = percentiles(asked_ms, 50, 95)
    return {
        "first_audio_p50_ms": first_p50,
        "first_audio_p95_ms": first_p95,
        "first_audio_max_ms": round(max(first_ms), 1) if first_ms else None,
        "asked_wait_p50_ms": asked_p50,
        "asked_wait_p95_ms": asked_p95,
        "blocks_played": sum(listener.blocks for listener in listeners),
        "blocks_by_source": _by_source(listeners) if listeners else None,
        "stalls": sum(wait.stalled for wait in waits),
        "stall_s": round(sum(wait.waited_s for wait in waits if wait.stalled), 2),
        "readers_heard": sum(listener.blocks > 0 for listener in listeners) if listeners else None,
        "readers_with_stalls": sum(listener.stalls > 0 for listener in listeners) if listeners else None,
        "worst_reader_silence_s": max((listener.silence_s for listener in listeners), default=None),
        "silence_share": _silence_share(folder, listeners, session_wall_s),
        "timings_too_late": _sum(listener.timings_too_late for listener in listeners),
        "unhighlighted_s": _sum(listener.unhighlighted_s for listener in listeners),
        "requests_per_reader": median(counts)
        if (counts := [listener.requests for listener in listeners])
        else None,
    }


def _by_source(listeners: Sequence[Listener]) -> dict[str, int]:
    return {source: sum(getattr(listener, source) for listener in listeners) for source in SOURCES}


def _silence_share(
    folder: RunFolder, listeners: Sequence[Listener], session_wall_s: float | None
) -> float | None:
    """Return silence by time spent: from when each first wanted to hear to their session's, or the load's, end."""
    start, end = folder.load_span
    if session_wall_s is None:
        return None
    began = [listener.began_s for listener in listeners if listener.began_s is not None]
    spent_s = sum(max(0.0, min(session_wall_s, end - start - began_s)) for began_s in began)
    return round(sum(listener.silence_s for listener in listeners) / spent_s, 4) if spent_s else None


def _sum(values: Iterable[float | None]) -> float | None:
    """Return the sum of what is known, to a hundredth; None where nothing is."""
    known = [value for value in values if value is not None]
    return round(sum(known), 2) if known else None
