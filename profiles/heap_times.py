"""The moments of a run that its heap is looked at: the VM's peak, an end nobody ordered, the waves; on one clock."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from profiles.run_folder import Event, RunFolder, Sample


@dataclass(frozen=True)
class Clock:
    """memray tells the wall clock's ms; the run has one monotonic clock, and the load's start is its zero."""

    wall_minus_t_s: float
    zero_t: float

    def ms(self, t: float) -> int:
        """The run's `t` as memray's ms."""
        return round((t + self.wall_minus_t_s) * 1000)

    def t(self, ms: float) -> float:
        """Memray's ms as the run's `t`."""
        return ms / 1000 - self.wall_minus_t_s

    def t_s(self, ms: float) -> float:
        """Memray's ms as seconds since the load started."""
        return round(self.t(ms) - self.zero_t, 2)


def clock_of(folder: RunFolder) -> Clock | None:
    """Return the clock from the moment the capture began, which the run noted on both."""
    event = next(iter(folder.named("capturing")), None)
    wall_s = None if event is None else event.facts.get("wall_s")
    if event is None or not isinstance(wall_s, int | float):
        return None
    return Clock(wall_s - event.t, folder.time_zero_s or event.t)


def looks_of(folder: RunFolder, clock: Clock | None) -> dict[str, float]:
    """Return the moments to look at beside the heap's peak: the VM's peak, and an end that nobody ordered."""
    if clock is None:
        return {}
    began = next(iter(folder.named("capturing"))).t
    ended = server_end(folder)
    until = ended.t if ended is not None else float("inf")
    lived = [sample for sample in folder.samples if began <= sample.t <= until]
    highest = max(lived, key=_fullness, default=None)
    looks = {"vm_peak": highest.t} if highest is not None and _fullness(highest) else {}
    return {**looks, **({"end": ended.t} if ended is not None else {})}


def server_end(folder: RunFolder) -> Event | None:
    """The first server's end, when nobody told it to: the kernel's kill, else when its exit was seen."""
    kills = [kill for kill in folder.named("oom_kill") if kill.text("role") == "server"]
    return min([*kills, *folder.named("exited")], key=lambda event: event.t, default=None)


def _fullness(sample: Sample) -> float:
    held = (sample.server_rss_bytes or 0.0) + (sample.children_rss_bytes or 0.0)
    return sample.anon_bytes if sample.anon_bytes is not None else held


def marks_of(folder: RunFolder) -> tuple[tuple[float, ...], str | None]:
    """Return the times before the first wave and after each, or why there is no second wave to tell."""
    started, settled = folder.named("wave_started"), folder.named("wave_settled")
    if len(settled) >= 2:
        return (started[0].t, settled[0].t, settled[1].t), None
    if not started:
        return (), "the load was played once"
    wave, end = started[-1].text("wave"), server_end(folder)
    died = f" {end.t - (folder.time_zero_s or 0.0):.0f} s after the load's start" if end is not None else ""
    return (), f"the server ended in wave {wave}{died}" if end is not None else f"wave {wave} did not end"


def sessions_of(folder: RunFolder, marks: Sequence[float]) -> tuple[int, int] | None:
    """Return the sessions of each wave, as its rows count them, else one for each reader; None where nobody knows."""
    if not marks:
        return None
    rows = [row.t for row in folder.requests if row.kind == "session"]
    if rows:
        first, second = (sum(start <= t < end for t in rows) for start, end in itertools.pairwise(marks))
        return first, second
    scenario: Any = folder.run.get("scenario") or {}
    load = scenario.get("load") or {}
    readers = load.get("readers") if load.get("kind") == "readers" else None
    return (readers, readers) if isinstance(readers, int) else None
