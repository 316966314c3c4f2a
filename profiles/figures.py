"""The figures of a run's samples: memory, CPU, and what measuring it cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from profiles.growth_slope import median_slope
from profiles.run_folder import RunFolder, Sample
from profiles.vm_size import MIB

SETTLED_SHARE = 0.5
"""The steady figures are those of the last half of the load."""
SLOPE_POINTS = 120


def memory(folder: RunFolder, readers: int | None) -> dict[str, Any]:
    """Return the memory, CPU and witness figures of the time under load; None where nothing was measured.

    `readers` share the memory that the load added; None where nobody read.
    """
    start, end = folder.load_span
    samples = [sample for sample in folder.samples if start <= sample.t <= end]
    trees = [(sample.t, tree) for sample in samples if (tree := tree_rss_bytes(sample)) is not None]
    half_t = start + (end - start) * SETTLED_SHARE
    settled = [(t, rss) for t, rss in trees if t >= half_t]
    machine = [(sample.t, sample.anon_bytes) for sample in samples if sample.anon_bytes is not None]
    duration_s = samples[-1].t - samples[0].t if samples else None
    return {
        "duration_s": None if duration_s is None else round(duration_s, 1),
        "cpu_s": _rise(sample.cpu_s for sample in samples),
        "throttled_s": _rise(sample.throttled_s for sample in samples),
        "balance_left_s": next((s.balance_s for s in reversed(samples) if s.balance_s is not None), None),
        "peak_vm_mb": _peak_mb(sample.vm_bytes for sample in samples),
        "kernel_peak_vm_mb": _peak_mb(event.facts.get("peak_vm_bytes") for event in folder.events),
        "kernel_peak_server_rss_mb": _peak_mb(
            event.facts.get("server_peak_rss_bytes") for event in folder.events
        ),
        "peak_anon_mb": _peak_mb(sample.anon_bytes for sample in samples),
        "peak_server_rss_mb": _peak_mb(sample.server_rss_bytes for sample in samples),
        "peak_tree_rss_mb": _peak_mb(rss for _, rss in trees),
        "vm_mb_per_reader": mb_per_reader([rss for _, rss in trees], readers),
        "peak_children": _peak_children(samples),
        "peak_swap_mb": _peak_mb(sample.swap_bytes for sample in samples),
        "limit_hits": _peak(sample.limit_hits for sample in samples),
        "peak_vm_psi_full": _peak(sample.vm_psi_full for sample in samples),
        "peak_server_fds": _peak(sample.server_fds for sample in samples),
        "peak_server_threads": _peak(sample.server_threads for sample in samples),
        "steady_rss_mb": _mb(median(rss for _, rss in settled)) if settled else None,
        "growth_mb_per_hour": _growth_mb_per_hour(
            settled if trees else [(t, anon) for t, anon in machine if t >= half_t]
        ),
        "load_cpu_share": _share(_rise(sample.load_cpu_s for sample in samples), duration_s),
        "load_peak_rss_mb": _peak_mb(sample.load_rss_bytes for sample in samples),
        "recorder_cpu_share": _share(_rise(sample.recorder_cpu_s for sample in samples), duration_s),
        "longest_sample_gap_s": _longest_gap_s([start, *(sample.t for sample in samples), end]),
        "samples": len(samples),
    }


def upstream(folder: RunFolder) -> dict[str, Any]:
    """Return what our own speech upstream counted during the load; None where it was another's."""
    counts = next((event.facts for event in folder.named("upstream")), {})
    return {key: counts.get(key) for key in ("upstream_requests", "upstream_late")}


def tree_rss_bytes(sample: Sample) -> float | None:
    """Return the RSS of the server and its children together (pages they share count once for each)."""
    parts = [part for part in (sample.server_rss_bytes, sample.children_rss_bytes) if part is not None]
    return sum(parts) if parts else None


def mb_per_reader(rss_bytes: Sequence[float], readers: int | None) -> float | None:
    """Return how far a series rose above its first value, for each reader, in MB."""
    if not rss_bytes or not readers:
        return None
    return round((max(rss_bytes) - rss_bytes[0]) / readers / MIB, 3)


def _growth_mb_per_hour(settled: Sequence[tuple[float, float]]) -> float | None:
    slope = median_slope(settled[:: max(1, len(settled) // SLOPE_POINTS)])
    return None if slope is None else round(slope * 3600 / MIB, 1)


def _peak_children(samples: Sequence[Sample]) -> int | None:
    counts = [
        int(sample.processes) - (1 if sample.server_rss_bytes else 0)
        for sample in samples
        if sample.processes is not None and sample.children_rss_bytes is not None
    ]
    return max(counts, default=None)


def _longest_gap_s(times: Sequence[float]) -> float:
    """Return the longest time without a sample, from the load's start to its end."""
    return round(max(later - sooner for sooner, later in pairwise(times)), 2)


def _rise(counter: Iterable[float | None]) -> float | None:
    values = [value for value in counter if value is not None]
    return round(values[-1] - values[0], 2) if values else None


def _share(cpu_s: float | None, duration_s: float | None) -> float | None:
    return None if cpu_s is None or not duration_s else round(cpu_s / duration_s, 4)


def _mb(value: float) -> float:
    return round(value / MIB, 1)


def _peak(values: Iterable[object]) -> float | None:
    return max((value for value in values if isinstance(value, int | float)), default=None)


def _peak_mb(values: Iterable[object]) -> float | None:
    peak = _peak(values)
    return None if peak is None else _mb(peak)
