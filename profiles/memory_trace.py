"""What the picture of a run shows: memory over time, kills, who waited; reduced to what an eye can tell apart."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from profiles.kills import kill_events
from profiles.run_folder import RunFolder, Sample
from profiles.waiting_trace import WaitingTrace, read_waiting_trace

BYTES_PER_GB = 1024**3
LEAD_S = 5.0
"""How much of the time before the load is drawn, unless memory stood higher then than ever under load."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One quantity over time: seconds since the load started, GB (2^30 bytes); NaN where nothing is known."""

    t_s: tuple[float, ...]
    gb: tuple[float, ...]

    def highest(self, from_s: float, to_s: float) -> float:
        """The highest value known between the two times; else the last one before; 0 when there is none."""
        start, end = bisect_left(self.t_s, from_s), bisect_right(self.t_s, to_s)
        known = [gb for gb in self.gb[start:end] if not math.isnan(gb)]
        earlier = (gb for gb in reversed(self.gb[:start]) if not math.isnan(gb))
        return max(known) if known else next(earlier, 0.0)


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that the kernel killed, `t_s` seconds after the load started; role as in the verdict."""

    t_s: float
    role: str


@dataclass(frozen=True, slots=True)
class MemoryTrace:
    """One scenario's panel of the picture."""

    name: str
    subtitle: str
    limit_gb: float | None
    budget_gb: float | None
    anon: Trace
    server: Trace
    children: Trace
    kills: tuple[Kill, ...]
    restarts_s: tuple[float, ...]
    load_ended_s: float | None
    waiting: WaitingTrace

    @property
    def top_gb(self) -> float:
        """The limit; where there is none, the most that was held."""
        if self.limit_gb is not None:
            return self.limit_gb
        held = [gb for trace in (self.anon, self.server, self.children) for gb in trace.gb if gb > 0]
        return max(held, default=1.0)


def downsample(t_s: Sequence[float], values: Sequence[float], points: int = 200) -> Trace:
    """Return at most about `points` of a series, with the lowest and highest of every stretch among them.

    So no peak is lost and no gap is bridged: a stretch that holds only NaN stays NaN.
    """
    if len(t_s) <= points:
        return Trace(tuple(t_s), tuple(values))
    stretch = math.ceil(2 * len(t_s) / points)
    kept: list[int] = []
    for start in range(0, len(t_s), stretch):
        indexes = range(start, min(start + stretch, len(t_s)))
        known = [i for i in indexes if not math.isnan(values[i])]
        if not known:
            kept.append(start)
            continue
        kept += [min(known, key=values.__getitem__), max(known, key=values.__getitem__)]
    kept = sorted({0, *kept, len(t_s) - 1})
    return Trace(tuple(t_s[i] for i in kept), tuple(values[i] for i in kept))


def read_memory_trace(
    folder: RunFolder, *, name: str, subtitle: str, limit_mb: float | None, budget_mb: float | None
) -> MemoryTrace:
    """Return the panel of one run, from its samples, events and plays; an empty one when it has no samples."""
    zero_s = folder.time_zero_s or 0.0
    ended_t = next((event.t for event in folder.named("load_ended")), math.inf)
    samples = _drawn([sample for sample in folder.samples if sample.t <= ended_t], zero_s)
    t_s = [sample.t - zero_s for sample in samples]
    return MemoryTrace(
        name=name,
        subtitle=subtitle,
        limit_gb=None if limit_mb is None else limit_mb / 1024,
        budget_gb=None if budget_mb is None else budget_mb / 1024,
        anon=downsample(t_s, [_gb(sample.anon_bytes) for sample in samples]),
        server=downsample(t_s, [_gb(sample.server_rss_bytes) for sample in samples]),
        children=downsample(t_s, [_gb(sample.children_rss_bytes) for sample in samples]),
        kills=tuple(Kill(kill.t - zero_s, kill.text("role") or "process") for kill in kill_events(folder)),
        restarts_s=tuple(event.t - zero_s for event in folder.named("restarted")),
        load_ended_s=ended_t - zero_s if ended_t < math.inf else None,
        waiting=read_waiting_trace(folder),
    )


def kill_labels(kills: Sequence[Kill], restarts_s: Sequence[float] = ()) -> tuple[str, ...]:
    """Return a line for each role among the kills, the server first, and one for the restarts.

    >>> kill_labels([Kill(24.2, "server"), Kill(25.0, "child"), Kill(31.0, "child")], [26.0])
    ('server killed 24 s', '+ 2 children 25-31 s', 'restarted 26 s')
    """
    labels: list[str] = []
    for role, one, many in (
        ("server", "server", "server {} times"),
        ("child", "1 child", "{} children"),
        ("process", "1 process", "{} processes"),
    ):
        times_s = [kill.t_s for kill in kills if kill.role == role]
        if times_s:
            who = one if len(times_s) == 1 else many.format(len(times_s))
            labels.append(f"+ {who} {_when(times_s)}" if labels else f"{who} killed {_when(times_s)}")
    if restarts_s:
        times = "" if len(restarts_s) == 1 else f" {len(restarts_s)} times,"
        labels.append(f"restarted{times} {_when(restarts_s)}")
    return tuple(labels)


def _when(times_s: Sequence[float]) -> str:
    first, last = f"{min(times_s):.0f}", f"{max(times_s):.0f}"
    return f"{first} s" if first == last else f"{first}-{last} s"


def _drawn(samples: Sequence[Sample], zero_s: float) -> Sequence[Sample]:
    under_load = [sample for sample in samples if sample.t >= zero_s]
    before = [sample for sample in samples if sample.t < zero_s]
    if max(map(_anon, before), default=0.0) > max(map(_anon, under_load), default=0.0):
        return samples
    return [sample for sample in samples if sample.t >= zero_s - LEAD_S]


def _anon(sample: Sample) -> float:
    return sample.anon_bytes or 0.0


def _gb(value_bytes: float | None) -> float:
    return math.nan if value_bytes is None else value_bytes / BYTES_PER_GB
