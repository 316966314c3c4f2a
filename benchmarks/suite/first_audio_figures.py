"""The figures of runs live and cached: waits, latencies, how many times sooner, and how each mode ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from benchmarks.suite.listened import CACHED, LIVE, Listened
from benchmarks.suite.measured import Figure, Promise, Ratio
from profiles.quantile import percentiles

FIRST, FIRST_P95 = "first audio, median", "first audio, 95th percentile"
BLOCK, BLOCK_P99, HEARD = "block latency, median", "block latency, 99th percentile", "readers who heard"
SOONER = 100
"""Times that cached first audio comes sooner than live, at least."""


def figures_of(runs: Iterable[Listened]) -> list[Figure]:
    """Returns the figures of each number of readers and mode, of the rounds whose run is valid."""
    sound = ([run for run in those if run.invalid is None] for those in _alike(runs).values())
    return [figure for those in sound if those for figure in _figures(those)]


def ratios_of(runs: Iterable[Listened]) -> list[Ratio]:
    """Returns how many times longer live's first audio takes, of the rounds in which both modes' runs are valid."""
    alike, ratios = _alike(runs), []
    for readers in dict.fromkeys(number for number, _ in alike):
        pairs = zip(alike.get((readers, LIVE), ()), alike.get((readers, CACHED), ()), strict=False)
        values = tuple(
            median(live.first_ms) / median(cached.first_ms)
            for live, cached in pairs
            if live.invalid is None and cached.invalid is None
        )
        if values:
            ratios.append(Ratio(FIRST, setting_of(readers), LIVE, CACHED, values))
    return ratios


def promise_of(ratios: Sequence[Ratio]) -> Promise:
    """Returns what was promised, judged at every number of readers that was measured."""
    told = "; ".join(
        f"{found.setting}: {found.median:,.0f} times ({min(found.values):,.0f} to {max(found.values):,.0f})"
        for found in ratios
    )
    text = f"Cached first audio comes at least {SOONER} times sooner than live at pace 1."
    holds = all(found.median >= SOONER for found in ratios) if ratios else None
    return Promise(text, told or "not measured", holds)


def ends_of(runs: Iterable[Listened]) -> Iterator[str]:
    """Yields how the runs of each number of readers and mode ended, a sentence each."""
    for those in _alike(runs).values():
        ends = "; ".join(_end(run) for run in those)
        yield f"{those[0].mode.capitalize()}, {setting_of(those[0].readers)}: {ends}."


def setting_of(readers: int) -> str:
    """Returns what a report calls a number of readers."""
    return "1 reader" if readers == 1 else f"{readers:,} readers"


def _end(run: Listened) -> str:
    if run.invalid is not None:
        return f"invalid and left out, {run.invalid}"
    return f"{run.end} ({run.heard:,} of {len(run.first_ms):,} heard)"


def _alike(runs: Iterable[Listened]) -> dict[tuple[int, str], list[Listened]]:
    """Return the runs by number of readers and mode, one of each round in their order."""
    groups: dict[tuple[int, str], list[Listened]] = {}
    for run in runs:
        groups.setdefault((run.readers, run.mode), []).append(run)
    return groups


def _figures(those: Sequence[Listened]) -> list[Figure]:
    first = [percentiles(run.first_ms, 50, 95) for run in those]
    block = [percentiles(run.block_ms, 50, 99) for run in those]

    def figure(quantity: str, unit: str, values: Iterable[float | None]) -> Figure:
        known = tuple(value for value in values if value is not None)
        return Figure(those[0].mode, setting_of(those[0].readers), quantity, unit, known)

    found = [
        figure(FIRST, "ms", (p50 for p50, _ in first)),
        figure(FIRST_P95, "ms", (p95 for _, p95 in first)),
        figure(HEARD, "1", (run.heard / len(run.first_ms) for run in those)),
        figure(BLOCK, "ms", (p50 for p50, _ in block)),
        figure(BLOCK_P99, "ms", (p99 for _, p99 in block)),
    ]
    return [one for one in found if one.values]  # a run of which no block was answered has no latency
