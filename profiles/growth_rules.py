"""Leak, plateau, flat or unknown: what one series of memory says, and why. In words: docs/guide/growth.md.

The first part of a stretch is warm-up and left out. The slope is that of the last half; whether it still rises
at the end is seen in its last quarter, and whether it slows down beside the third and what came before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from profiles.growth_slope import BLOCKS, Point, Slope, block_medians, slope_of
from profiles.vm_size import MIB

SETTLING_SHARE = 0.2
"""So much of the stretch is warm-up: modules, pools and caches of code fill with the first requests."""
LONGEST_SETTLING_S = 120.0
FEWEST_SAMPLES = 2 * BLOCKS
"""Two a block, in the last half: a block of one sample takes nothing out."""
SHORTEST_S = 8.0
"""Of a stretch. Shorter is warm-up."""
SMALLEST_RISE_BYTES = MIB
"""Less growth over the last half may be one step of an allocator: a Python arena is 1 MiB."""
SMALLEST_RISE_PER_HOUR = 0.01
"""Of the limit: less takes more than four days to fill an empty VM, which a deploy restarts sooner."""
GREW_SHARE = 0.05
"""A rise after the warm-up below this share of what was held then is no growth to a plateau."""
SLOWING_BELOW = 0.7
"""A last quarter that rises at less than this share of an earlier part's slope is slowing."""
MOST_UNSEEN_SHARE = 0.2
"""Where a rise of more than this share of what is held could hide in the swings, flat cannot be claimed."""

SHORT = f"less than {SHORTEST_S:g} s of one server under load"
UNSTOPPED = "it grew, and swings too much to tell whether that has stopped"
SWINGS = "it swings so much that growth could hide in it"

Sample = tuple[float, float, float]
"""Time in seconds, what was served by then, memory in bytes."""


@dataclass(frozen=True)
class Growth:
    """What a series says: a word, why, and its last half's slope by what was served and by time.

    Attributes:
        word: `leak`, `plateau`, `flat` or `unknown`.
        reason: one clause that says why.
        per_served: bytes for each one served; None where it cannot be told.
        per_hour: bytes an hour.
        level_bytes: the memory at the end, a median.
    """

    word: str
    reason: str
    per_served: Slope | None = None
    per_hour: Slope | None = None
    level_bytes: float | None = None


@dataclass(frozen=True)
class _Stretch:
    """The parts of a series that the rules look at: the time of the last half, and slopes by what was served."""

    half: Slope
    before: Slope
    third_quarter: Slope
    last_quarter: Slope
    half_served: float
    half_hours: float
    half_range: float
    first_highest: float
    last_lowest: float
    last_level: float


def judge_series(samples: Sequence[Sample], limit_bytes: float | None) -> Growth:
    """Return what a series says; `limit_bytes` None is no limit known."""
    if len(samples) < 2 or samples[-1][0] - samples[0][0] < SHORTEST_S:
        return Growth("unknown", SHORT)
    start_t, end_t = samples[0][0], samples[-1][0]
    settled_t = start_t + min((end_t - start_t) * SETTLING_SHARE, LONGEST_SETTLING_S)
    settled = [sample for sample in samples if sample[0] >= settled_t]
    half = [sample for sample in samples if sample[0] >= (start_t + end_t) / 2]
    if len(half) < FEWEST_SAMPLES:
        return Growth("unknown", f"fewer than {FEWEST_SAMPLES} samples in the last half")
    per_served = slope_of(block_medians([(x, y) for _, x, y in half]))
    per_second = slope_of(block_medians([(t, y) for t, _, y in half]))
    level = median(y for _, _, y in half[-max(1, len(half) // BLOCKS) :])
    per_hour = per_second.times(3600) if per_second else None
    stretch = _parts(settled, half)
    if per_served is None or stretch is None:
        return Growth("unknown", "too little was served in the last half", None, per_hour, level)
    word, reason = _word(stretch, limit_bytes)
    return Growth(word, reason, per_served, per_hour, level)


def _parts(settled: Sequence[Sample], half: Sequence[Sample]) -> _Stretch | None:
    blocks: list[Point] = block_medians([(x, y) for _, x, y in half])
    middle = len(blocks) // 2
    earlier = block_medians([(x, y) for t, x, y in settled if t < half[0][0]], middle)
    slopes = [slope_of(part) for part in (blocks, earlier, blocks[:middle], blocks[middle:])]
    served = half[-1][1] - half[0][1]
    whole, before, third, last = slopes
    if whole is None or before is None or third is None or last is None or served <= 0:
        return None
    first_part = settled[: max(1, len(settled) // 10)]
    return _Stretch(
        half=whole,
        before=before,
        third_quarter=third,
        last_quarter=last,
        half_served=served,
        half_hours=(half[-1][0] - half[0][0]) / 3600,
        half_range=max(y for _, y in blocks) - min(y for _, y in blocks),
        first_highest=max(y for _, _, y in first_part),
        last_lowest=min(y for _, y in blocks[middle:]),
        last_level=median(y for _, y in blocks[middle:]),
    )


def _word(part: _Stretch, limit_bytes: float | None) -> tuple[str, str]:
    smallest = _smallest_slope(part, limit_bytes)
    rises = part.half.low > 0 and part.half.value >= smallest
    still_rises = part.last_quarter.low > 0 and part.last_quarter.value >= smallest
    if rises and still_rises:
        return _growing(part)
    if still_rises:
        return "unknown", "it began to grow at the very end: a longer run tells"
    if rises and part.last_quarter.high >= part.half.value:
        return "unknown", UNSTOPPED
    hidden = min(part.half.high * part.half_served, part.half_range)
    if not rises and hidden > max(smallest * part.half_served, MOST_UNSEEN_SHARE * part.last_level):
        return "unknown", SWINGS
    return _standing(part)


def _growing(part: _Stretch) -> tuple[str, str]:
    last = part.last_quarter
    for earlier in (part.before, part.third_quarter):
        if last.value < SLOWING_BELOW * earlier.value and last.high < earlier.value:
            return "unknown", "it still grows, but ever more slowly: a longer run tells where it ends"
    return "leak", "it grows through the last half, in its last part too, and does not slow down"


def _standing(part: _Stretch) -> tuple[str, str]:
    rose = part.last_lowest - part.first_highest  # what swings up and down has not grown
    if rose >= max(SMALLEST_RISE_BYTES, GREW_SHARE * part.first_highest):
        return "plateau", "it grew after the warm-up, and by the end no longer by what would matter"
    return "flat", "no growth after the warm-up that would matter"


def _smallest_slope(part: _Stretch, limit_bytes: float | None) -> float:
    """Return the smallest slope that matters, in bytes for each one served."""
    by_limit = 0.0 if limit_bytes is None else limit_bytes * SMALLEST_RISE_PER_HOUR * part.half_hours
    return max(SMALLEST_RISE_BYTES, by_limit) / part.half_served
