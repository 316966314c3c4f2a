"""Whether memory grew for good in a run, from its folder alone: leak, retention, plateau, flat, or unknown and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from profiles.figures import tree_rss_bytes
from profiles.growth_rules import GREW_SHARE, SMALLEST_RISE_BYTES, Growth
from profiles.growth_slope import Slope
from profiles.growth_witness import judged
from profiles.run_folder import RunFolder, Sample
from profiles.sessions_served import SESSIONS, served_of
from profiles.trim_figures import LEVEL_S, TrimFigures, level_bytes, trim_figures
from profiles.vm_size import MIB

MOST_SHARE = 0.5
"""Retention is told where a trim gives back at least this share of what had grown."""
SAME_MOMENT_S = 1.0
"""A child killed this shortly before its server's end died with it."""


def growth_figures(folder: RunFolder, mb_per_hour: float | None) -> dict[str, Any]:
    """Return the growth of a run's last server under load; None where it cannot be told.

    `mb_per_hour` is the slope that the memory figures give, so that its interval always holds it.
    """
    served, trim = served_of(folder), trim_figures(folder)
    start, end, reason = _span(folder)
    samples = [sample for sample in folder.samples if start <= sample.t <= min(end, served.last_t)]
    limit = _limit_bytes(folder)
    growth, witness = judged(samples, served, limit)
    if reason:
        growth = Growth("unknown", reason)
    growth = _told_by_trim(growth, _levels(folder, samples, start), trim)
    counted_in_sessions = served.over in SESSIONS
    whole = (start, not reason) == (folder.load_span[0], True)
    hourly = None if growth.per_hour is None else growth.per_hour.times(1 / MIB)
    return {
        "growth": growth.word,
        "growth_reason": growth.reason,
        "growth_over": served.over,
        "growth_measured_by": witness,
        **_interval("growth_bytes_per_session", growth.per_served if counted_in_sessions else None, 1),
        **_around(mb_per_hour, hourly if whole else None),
        **_hours_to_limit(growth, _last_anon(samples), limit),
        "returned_on_trim_mb": trim.returned_mb,
        "trim": trim.words,
    }


def _span(folder: RunFolder) -> tuple[float, float, str]:
    """Return the last server's time under load, and why nothing can be told of it; empty where something can.

    A restart resets memory, and a killed child takes its memory along: neither may look like growth that ended.
    """
    start, end = folder.load_span
    restarts = [event.t for event in folder.named("restarted") if start <= event.t <= end]
    if restarts:
        answered = [event.t for event in folder.named("ready") if event.t >= restarts[-1]]
        if not answered or answered[0] >= end:
            return start, end, "the server was restarted, and did not answer again under load"
        start = answered[0]
    kills = [event for event in folder.named("oom_kill") if start <= event.t <= end]
    ends = [event.t for event in folder.named("exited") if start <= event.t <= end]
    ends += [kill.t for kill in kills if kill.text("role") == "server"]
    end = min(ends, default=end)
    if any(kill.t < end - SAME_MOMENT_S for kill in kills):
        return start, end, "a process was killed for memory in between, which took its memory along"
    return start, end, ""


def _levels(folder: RunFolder, samples: Sequence[Sample], start: float) -> tuple[float, float] | None:
    """Return what the tree held when the span began, and when it ended; None where nobody knows."""
    if not samples:
        return None
    before = level_bytes(folder, start - LEVEL_S, start)
    if before is None:
        before = tree_rss_bytes(samples[0])
    after = level_bytes(folder, samples[-1].t - LEVEL_S, samples[-1].t)
    return None if before is None or after is None else (before, after)


def _told_by_trim(growth: Growth, levels: tuple[float, float] | None, trim: TrimFigures) -> Growth:
    """Return retention where a trim gave back most of what had grown since the load's start."""
    if levels is None or trim.returned_mb is None or trim.after_bytes is None:
        return growth
    grown = levels[1] - levels[0]
    if grown < max(SMALLEST_RISE_BYTES, GREW_SHARE * levels[0]):
        return growth
    if trim.returned_mb * MIB >= MOST_SHARE * grown:
        why = f"of {grown / MIB:.0f} MB that had grown, a trim gave back {trim.returned_mb:.0f} MB"
        return replace(growth, word="retention", reason=why)
    if growth.word == "leak" and levels[1] - trim.after_bytes >= MOST_SHARE * grown:
        why = "it grew through the last half, and most of that was given back by itself after the load"
        return replace(growth, word="unknown", reason=why)
    return growth


def _limit_bytes(folder: RunFolder) -> float | None:
    found = (s.vm_limit_bytes for s in reversed(folder.samples) if s.vm_limit_bytes is not None)
    vm: Any = folder.run.get("vm") or {}
    size_mb = vm.get("memory_mb")
    return next(found, None if size_mb is None else float(size_mb) * MIB)


def _last_anon(samples: Sequence[Sample]) -> float | None:
    known = [sample.anon_bytes for sample in samples if sample.anon_bytes is not None]
    return median(known[-10:]) if known else None


def _hours_to_limit(growth: Growth, anon: float | None, limit: float | None) -> dict[str, float | None]:
    """Hours until what cannot be given back fills the limit, at the slope of a leak."""
    level = growth.level_bytes if anon is None else anon
    slope = growth.per_hour
    if growth.word != "leak" or slope is None or slope.low <= 0 or level is None or limit is None:
        return _interval("hours_to_limit", None, 1)
    left = max(0.0, limit - level)
    return _interval("hours_to_limit", Slope(left / slope.value, left / slope.high, left / slope.low), 2)


def _around(value: float | None, interval: Slope | None) -> dict[str, float | None]:
    """The interval of the slope by time, so that it holds the slope that the memory figures give."""
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    if value is not None and low is not None and high is not None:
        low, high = min(low, value), max(high, value)
    return {"growth_mb_per_hour_low": _finite(low, 1), "growth_mb_per_hour_high": _finite(high, 1)}


def _interval(name: str, slope: Slope | None, digits: int) -> dict[str, float | None]:
    names = (name, f"{name}_low", f"{name}_high")
    values = (None, None, None) if slope is None else (slope.value, slope.low, slope.high)
    return {key: _finite(value, digits) for key, value in zip(names, values, strict=True)}


def _finite(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)
