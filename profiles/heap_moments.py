"""The server's heap beside the VM's memory, at the moments that matter."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from profiles.heap_record import Moment
from profiles.heap_times import Clock
from profiles.run_folder import RunFolder, Sample

NEAR_S = 1.0
"""A sample further from a moment than this says nothing of it."""


def moments_of(
    folder: RunFolder, found: Mapping[str, Any], clock: Clock | None, looks: Mapping[str, float]
) -> list[Moment]:
    """Return the heap beside the samples: at its own peak, at the VM's, and at the server's end."""
    snapshots = {"heap_peak": found["highest"][0] if found["highest"] else None}
    snapshots |= dict(zip(looks, found["at"], strict=False))
    moments = []
    for name, snapshot in snapshots.items():
        if snapshot is None:
            continue
        ms, rss, heap = snapshot
        if name == "heap_peak":
            heap = max(heap, found["peak_bytes"])  # between two snapshots it was higher still
        t = looks.get(name, clock.t(ms) if clock else None)
        sample = None if t is None else _nearest(folder.samples, t)
        moments.append(
            Moment.model_validate(
                {
                    "name": name,
                    "t_s": None if clock is None or t is None else round(t - clock.zero_t, 2),
                    "heap_bytes": heap,
                    "memray_rss_bytes": rss,
                    **(_beside(sample) if sample is not None else {}),
                }
            )
        )
    return moments


def _beside(sample: Sample) -> dict[str, float | int | None]:
    keys = ("server_rss_bytes", "children_rss_bytes", "anon_bytes", "vm_bytes")
    inside = sample.processes
    server = 1 if sample.server_rss_bytes else 0
    return {
        **{key: getattr(sample, key) for key in keys},
        "children": None if inside is None else max(0, int(inside) - server),
    }


def _nearest(samples: Sequence[Sample], t: float) -> Sample | None:
    index = bisect_left(samples, t, key=lambda sample: sample.t)
    near = samples[max(0, index - 1) : index + 1]
    found = min(near, key=lambda sample: abs(sample.t - t), default=None)
    return found if found is not None and abs(found.t - t) <= NEAR_S else None
