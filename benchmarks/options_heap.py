"""The runs whose heap was captured: memray's RSS of the server beside the recorder's, and what lies between them."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.options_figures import CAPTURED, spread
from benchmarks.options_runs import Found, OptionRun
from profiles.heap_limits import HEAP_LIMITS
from profiles.heap_moments import NEAR_S
from profiles.heap_record import HeapRecord, read_heap
from profiles.heap_text import not_heap
from profiles.report_text import number
from profiles.vm_size import MIB

SAME_MB = 1.0
"""A reading of memray's no further than this from what the samples around it span is taken for the same."""
HEAP_SAID = ("memray captures the server's own process, and none that it starts.", *HEAP_LIMITS[1:3])


@dataclass(frozen=True, slots=True)
class RssPair:
    """A reading of memray's, and the recorder's samples before and after it: the lowest and highest of the two."""

    t_s: float
    memray_mb: float
    low_mb: float
    high_mb: float

    @property
    def apart_mb(self) -> float:
        """How far memray's lies above (or, negative, below) what the two samples span; 0 where within."""
        return max(0.0, self.memray_mb - self.high_mb) - max(0.0, self.low_mb - self.memray_mb)


@dataclass(frozen=True)
class CapturedRun:
    """A run under memray: its capture as read, and both series of the server's RSS."""

    run: OptionRun
    record: HeapRecord
    pairs: tuple[RssPair, ...]

    @property
    def name(self) -> str:
        """The option's name."""
        return self.run.cell.option.name


def captured_runs(found: Found) -> list[CapturedRun]:
    """Return the finished runs that have a capture that was read."""
    captured = []
    for group in found.groups(memray=True):
        for run in group.runs:
            record = read_heap(run.path)
            if record is not None:
                captured.append(CapturedRun(run, record, rss_pairs(run, record)))
    return captured


def heap_json(captured: Sequence[CapturedRun]) -> dict[str, Any]:
    """Return what `options.json` has of one option's captures beside its figures: the heap's, and the top lines."""
    peaks = [(run.record.moment("heap_peak"), run) for run in captured]
    values: dict[str, list[float | None]] = {
        "heap_peak_mb": [
            None if (b := run.record.peak_bytes) is None else round(b / MIB, 1) for run in captured
        ],
        "heap_peak_rss_mb": [
            None if peak is None or peak.memray_rss_bytes is None else round(peak.memray_rss_bytes / MIB, 1)
            for peak, _ in peaks
        ],
        "rss_readings": [len(run.pairs) for run in captured],
        "rss_readings_within": [sum(abs(pair.apart_mb) <= SAME_MB for pair in run.pairs) for run in captured],
    }
    figures = {name: found for name in CAPTURED if (found := spread(values[name])) is not None}
    sites = [site.model_dump() for run in captured for site in run.record.sites[:_TOP_SITES]]
    return {
        "figures": figures,
        "sites": sites,
        "notes": [note for run in captured for note in run.record.notes],
    }


def rss_pairs(run: OptionRun, record: HeapRecord) -> tuple[RssPair, ...]:
    """Return memray's readings that have a sample within a second, with what the samples around them say."""
    zero_t = run.folder.time_zero_s or 0.0
    series = [
        (s.t - zero_t, s.server_rss_bytes) for s in run.folder.samples if s.server_rss_bytes is not None
    ]
    times = [t_s for t_s, _ in series]
    pairs = []
    for t_s, _, rss_bytes in record.timeline:
        at = bisect_left(times, t_s)
        near = [rss for near_t, rss in series[max(0, at - 1) : at + 1] if abs(near_t - t_s) <= NEAR_S]
        if near:
            pairs.append(RssPair(t_s, rss_bytes / MIB, min(near) / MIB, max(near) / MIB))
    return tuple(pairs)


def rss_sentences(captured: CapturedRun) -> list[str]:
    """Return what the two series show, and what the server's RSS holds beside its heap."""
    pairs = captured.pairs
    if not pairs:
        return ["No reading of memray's stands beside a sample, so the two series cannot be compared."]
    within = sum(abs(pair.apart_mb) <= SAME_MB for pair in pairs)
    worst = max(pairs, key=lambda pair: abs(pair.apart_mb))
    middle_mb = median(pair.memray_mb - (pair.low_mb + pair.high_mb) / 2 for pair in pairs)
    first = (
        f"{within:,} of memray's {len(pairs):,} readings of the server's RSS lie within {SAME_MB:g} MB of what the "
        f"recorder sampled just before and after; the median difference is {number(middle_mb, 'MB', 1)}."
    )
    lines = [first]
    if within < len(pairs):
        lines.append(
            f"The furthest, at {worst.t_s:.1f} s, is {abs(worst.apart_mb):.1f} MB off, where the samples around it are "
            f"{worst.high_mb - worst.low_mb:.1f} MB apart."
        )
    return [line for line in (*lines, not_heap(captured.record)) if line]


def explanation(captured: Sequence[CapturedRun]) -> list[str]:
    """Return why the two series may be compared at all, and what neither shows; by what the runs have shown."""
    pairs = [pair for run in captured for pair in run.pairs]
    if not pairs:
        return list(HEAP_SAID)
    same = sum(abs(pair.apart_mb) <= SAME_MB for pair in pairs) / len(pairs)
    source = (
        "memray, psutil and the recorder all read the server's RSS from the kernel's one counter of it "
        "(/proc/PID/statm), at times of their own; no psutil series is recorded."
    )
    found = (
        "So the two lines lie on each other, and neither checks the other's meaning: what differs is RSS and heap."
        if same >= _NEARLY_ALL
        else "They do not lie on each other here, and these runs do not say why."
    )
    return [f"{source} {found}", *HEAP_SAID]


_NEARLY_ALL = 0.95
_TOP_SITES = 5
