"""What a busy machine does to the figures: the same runs in parts, the calmest first, and how they hang together."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import correlation, median, stdev

from benchmarks.gate_runs import Pair
from profiles.gate.metrics import METRICS
from profiles.gate.outcome import GateRun
from profiles.gate.sides import survivors, values

PARTS = 3
SIGNS: Mapping[str, Callable[[GateRun], float | None]] = {
    "host_psi_some": lambda run: run.host_psi_some,
    "chunk_p95_ms": lambda run: run.figures["chunk_p95_ms"],
}
"""By what a busy machine is known: how long processes waited for memory (PSI, %), and how late chunks came (ms)."""


@dataclass(frozen=True)
class Part:
    """The runs of one part of all: within which bounds of the sign, and each metric's median and deviation."""

    low: float
    high: float
    runs: int
    medians: Mapping[str, float]
    sds: Mapping[str, float]


@dataclass(frozen=True)
class Busy:
    """All runs by one sign, in parts, and each metric's rank correlation with it (Spearman)."""

    sign: str
    parts: tuple[Part, ...]
    correlations: Mapping[str, float]


def busy(pairs: Sequence[Pair]) -> list[Busy]:
    """Return the runs that survived by each sign; nothing of a sign that too few of them have."""
    found = []
    for sign, of in SIGNS.items():
        runs = [(at, run) for pair in pairs for run in survivors(pair.runs) if (at := of(run)) is not None]
        if len(runs) >= 2 * PARTS:
            found.append(Busy(sign, tuple(_parts(runs)), dict(_correlations(sign, runs))))
    return found


def _parts(runs: Sequence[tuple[float, GateRun]]) -> list[Part]:
    ordered = sorted(runs, key=lambda pair: pair[0])
    cuts = [round(part * len(ordered) / PARTS) for part in range(PARTS + 1)]
    return [_part(ordered[low:high]) for low, high in itertools.pairwise(cuts)]


def _part(runs: Sequence[tuple[float, GateRun]]) -> Part:
    found = {metric.name: values([run for _, run in runs], metric) for metric in METRICS}
    known = {name: numbers for name, numbers in found.items() if len(numbers) > 1}
    return Part(
        low=runs[0][0],
        high=runs[-1][0],
        runs=len(runs),
        medians={name: median(numbers) for name, numbers in known.items()},
        sds={name: stdev(numbers) for name, numbers in known.items()},
    )


def _correlations(sign: str, runs: Sequence[tuple[float, GateRun]]) -> dict[str, float]:
    """Of each metric that varies, but for the sign itself."""
    found = {}
    for metric in METRICS:
        both = [(at, value) for at, run in runs if (value := run.figures[metric.name]) is not None]
        signs, figures = (_ranks([pair[side] for pair in both]) for side in (0, 1))
        if metric.name != sign and len(set(signs)) > 1 and len(set(figures)) > 1:
            found[metric.name] = correlation(signs, figures)
    return found


def _ranks(numbers: Sequence[float]) -> list[float]:
    """Each number's rank; equal ones share the middle of theirs."""
    ordered = sorted(numbers)
    last = {number: place for place, number in enumerate(ordered)}
    first = {number: place for place, number in reversed(list(enumerate(ordered)))}
    return [(first[number] + last[number]) / 2 for number in numbers]
