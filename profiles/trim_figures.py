"""What a trim at a run's end gave back, from its samples around the `trimmed` event."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from profiles.figures import tree_rss_bytes
from profiles.run_folder import RunFolder
from profiles.vm_size import MIB

NOT_OFFERED = "not offered"
LEVEL_S = 1.0
"""A level is the median of the samples of so long."""


@dataclass(frozen=True)
class TrimFigures:
    """What is known of a trim.

    Attributes:
        words: how it was done, `not offered`, or why it failed.
        returned_mb: by how much the processes' RSS fell from just before it; below zero it rose.
        after_bytes: that RSS once it had settled.
    """

    words: str
    returned_mb: float | None = None
    after_bytes: float | None = None


def trim_figures(folder: RunFolder) -> TrimFigures:
    """Return what is known of the last trim of a run."""
    trims = folder.named("trimmed")
    if not trims:
        return TrimFigures(NOT_OFFERED)
    trim = trims[-1]
    how, asked_t = trim.text("how"), trim.facts.get("asked_t")
    if not trim.facts.get("ok"):
        return TrimFigures(f"{how}: failed: {trim.text('reason') or 'nobody said why'}")
    if not isinstance(asked_t, int | float):
        return TrimFigures(how)
    before = level_bytes(folder, asked_t - LEVEL_S, asked_t)
    after = level_bytes(folder, trim.t - LEVEL_S, trim.t)
    if before is None or after is None:
        return TrimFigures(how)
    return TrimFigures(how, round((before - after) / MIB, 1), after)


def level_bytes(folder: RunFolder, from_t: float, to_t: float) -> float | None:
    """Return the median RSS of the processes between two moments; None where none was measured."""
    samples = (sample for sample in folder.samples if from_t <= sample.t <= to_t)
    held = [rss for sample in samples if (rss := tree_rss_bytes(sample)) is not None]
    return median(held) if held else None
