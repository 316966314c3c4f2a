"""Pre-generation beside the speech API that it waits for, and the memory that it takes, short documents and long.

Both sides get the same speech from the same stand-in, which has made it all before and answers each question after a
stated latency. So what is compared is the waiting: how much of the API's rate the server passes on, while it checks,
hashes, writes and syncs what the bare client throws away.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.suite.measured import Effort, Measured, Promise, Ratio, Tell, ratio_of
from benchmarks.suite.pregeneration_memory import Growth, measure_growth
from benchmarks.suite.pregeneration_rate import BARE, EMBEDDED, NO_ALIGNER, OURS, RATE, Pace, measure_rate

TITLE = "Pre-generation"
WITHIN = 0.9
"""Of the bare upstream's rate."""


def paces(effort: Effort) -> tuple[Pace, ...]:
    """Returns what the rate is measured under."""
    quick = Pace("0.5", 4, NO_ALIGNER, blocks=effort.of(48, 96), rounds=effort.of(1, 3))
    aligned = Pace("0.5", 4, EMBEDDED, blocks=effort.of(12, 24), rounds=effort.of(1, 2))
    wide = Pace("0.5", 16, NO_ALIGNER, blocks=160, rounds=3)
    real = Pace("2-5", 4, EMBEDDED, blocks=32, rounds=2)
    return effort.of((quick, aligned), (quick, wide, aligned, real))


def measure(effort: Effort, folder: Path, tell: Tell) -> Measured:
    """Measures the rate and the memory of pre-generation.

    Raises:
        BenchmarkError: a server did not start or did not do its part, or the disk is short.
    """
    figures, ratios, lateness, paced = [], [], [], paces(effort)
    for number, pace in enumerate(paced):
        place = folder / f"rate-{number}"
        place.mkdir()
        found, late = measure_rate(pace, place, tell)
        figures += found
        ratios.append(ratio_of(found, RATE, pace.setting, OURS, BARE))
        lateness.append(late)
    lengths, rounds = effort.of((10, 100), (10, 100, 1000)), effort.of(1, 2)
    grown, growth = measure_growth(lengths, rounds, folder, tell)
    return Measured(
        title=TITLE,
        figures=(*figures, *grown),
        ratios=tuple(ratios),
        promises=(rate_promise(paced, ratios), growth_promise(growth, long_enough=effort.full)),
        notes=(*_NOTES, *lateness, *growth.notes),
    )


def rate_promise(paced: tuple[Pace, ...], ratios: list[Ratio]) -> Promise:
    """Returns what was promised of the rate: where the API sets it, so without the aligner; the rest is told."""
    judged = [found for pace, found in zip(paced, ratios, strict=True) if pace.aligner == NO_ALIGNER]
    others = [found for found in ratios if found not in judged]
    return Promise(
        "Pre-generation without the aligner reaches at least 0.9 of the bare upstream's rate at the same concurrency.",
        _told(judged) + (f". Not judged: {_told(others)}" if others else ""),
        all(found.median >= WITHIN for found in judged),
    )


def growth_promise(growth: Growth, *, long_enough: bool) -> Promise:
    """Returns what was promised of the memory; documents of ten times the length only show a coarse slope."""
    return Promise(
        "The peak memory of pre-generation does not grow with the document.",
        growth.told,
        growth.is_flat if long_enough else None,
    )


def _told(ratios: list[Ratio]) -> str:
    return "; ".join(f"{found.setting}: {found.median:.2f} ({_span(found)})" for found in ratios)


def _span(found: Ratio) -> str:
    return f"{min(found.values):.2f} to {max(found.values):.2f}"


_NOTES = (
    (
        "The speech API is the project's stand-in, on the same machine. It has made all speech before, and answers "
        "after the stated latency."
    ),
    "The bare client is asyncio with httpx2, the package underneath the server's own client, in a process of its own.",
    (
        "With aligner: one process times the words, half a second of CPU a block, and at a latency of 0.5 s it sets "
        "the rate, not the API. The promise is judged without it."
    ),
    "A rate counts from the question to the news of the last chunk; starting the aligner and listing the chunks count.",
)
