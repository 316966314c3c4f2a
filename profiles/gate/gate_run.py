"""One run as the gate sees it: its figures, its conditions of the moment, and the curve of its memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from profiles.figures import tree_rss_bytes
from profiles.gate.metrics import figures_of
from profiles.gate.outcome import GateRun
from profiles.kill_rules import misplaced_kills
from profiles.run_folder import RunFolder, Sample
from profiles.verdict_record import VerdictRecord
from profiles.vm_size import MIB

MOST_POINTS = 60
"""Of a curve: what a plot some hundred pixels wide can show, and a baseline can hold on one line."""
Point = tuple[float, float]


def gate_run(folder: Path, record: VerdictRecord) -> GateRun:
    """Return what the gate needs of the run in `folder`, whose verdict is `record`.

    Raises:
        RunFolderError: the folder holds something that no run writes.
    """
    found = RunFolder(folder)
    start, end = found.load_span
    under_load = [sample for sample in found.samples if start <= sample.t <= end]
    waited = (sample.host_psi_some for sample in under_load)
    own_peak_mb = record.kernel_peak_vm_mb
    return GateRun(
        verdict=record.verdict,
        figures=rounded(figures_of(record)),
        met=record.met,
        evidence=record.evidence,
        started_at=str(found.run.get("started_at", "")),
        duration_s=record.duration_s,
        peak_vm_mb=record.peak_vm_mb if own_peak_mb is None else own_peak_mb,
        peak_vm_kept_mb=_peak_kept_mb(under_load),
        # A machine that ran out of memory kills too: that says nothing of the VM's limit.
        oom_kills=None if misplaced_kills(found) else record.oom_kills,
        host_psi_some=max((share for share in waited if share is not None), default=None),
        folder=folder,
        curve=thinned(_curve(under_load, start)),
    )


def rounded(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Return figures to a tenth of their unit: stored and new ones alike, or ties would end in a baseline's file."""
    return {name: None if value is None else tenth(value) for name, value in figures.items()}


def tenth(value: float) -> float:
    """Return a number to one decimal place; there is no minus zero."""
    return round(value, 1) + 0.0


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> tuple[Point, ...]:
    """Return at most `most` of the points: the first, the last, evenly spaced ones, and always the highest.

    No point is a mean or a median: each was measured, and the peak that the gate judges stays in the picture.
    """
    if len(points) <= most:
        return tuple(points)
    last = len(points) - 1
    spaced = {round(step * last / (most - 2)) for step in range(most - 1)}
    highest = max(range(len(points)), key=lambda at: points[at][1])
    return tuple(points[at] for at in sorted(spaced | {highest}))


def _peak_kept_mb(samples: Sequence[Sample]) -> float | None:
    """The most that the VM held at one time besides page cache, which the kernel gives back before it kills."""
    kept = (
        sample.vm_bytes - sample.file_bytes
        for sample in samples
        if sample.vm_bytes is not None and sample.file_bytes is not None
    )
    most = max(kept, default=None)
    return None if most is None else tenth(max(0.0, most) / MIB)


def _curve(samples: Sequence[Sample], start: float) -> list[Point]:
    trees = ((sample.t - start, tree_rss_bytes(sample)) for sample in samples)
    return [(round(at_s, 2), tenth(rss / MIB)) for at_s, rss in trees if rss is not None]
