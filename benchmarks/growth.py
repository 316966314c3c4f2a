"""How far a growth verdict can be trusted: `python -m benchmarks.growth` on made-up series whose truth is known.

Prints how often the slope's interval holds the true slope under noise that has memory (AR(1)) and under the
saw-tooth of a garbage collector, and which word series get that do not leak, or do. Bounded: about a minute.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt

from profiles.growth_rules import judge_series
from profiles.growth_slope import block_medians, slope_of

Noise = Callable[[np.random.Generator, int], npt.NDArray[np.float64]]
POINTS = 600
"""Samples of a made-up last half: a minute at ten a second, or ten minutes at one."""
MIB = 2.0**20
LEVEL_MIB = 200.0
LIMIT_MIB = 4096.0
SERIES_S = 1200.0


def ar1(share: float) -> Noise:
    """Noise of spread 1 whose memory (1/e) is that share of the stretch."""

    def made(random: np.random.Generator, points: int) -> npt.NDArray[np.float64]:
        kept = np.exp(-1 / (share * points)) if share else 0.0
        steps = random.normal(size=points) * np.sqrt(1 - kept**2)
        values = np.empty(points)
        values[0] = random.normal()
        for i in range(1, points):
            values[i] = kept * values[i - 1] + steps[i]
        return values

    return made


def saw_tooth(share: float) -> Noise:
    """A collector's saw-tooth, 3 high; its period about that share of the stretch, by up to 40 % more or less."""

    def made(random: np.random.Generator, points: int) -> npt.NDArray[np.float64]:
        period = share * points
        lengths = np.maximum(2, period * random.uniform(0.6, 1.4, size=int(2 / share) + 4)).astype(int)
        teeth = np.concatenate([np.linspace(0, 3 * random.uniform(0.7, 1.3), length) for length in lengths])
        start = random.integers(0, lengths[0])
        return np.asarray(teeth[start : start + points])

    return made


def walk(random: np.random.Generator, points: int) -> npt.NDArray[np.float64]:
    """A random walk: no slope and no level either. What no interval from one series can hold."""
    return np.asarray(np.cumsum(random.normal(size=points)) / np.sqrt(points))


NOISES: Mapping[str, Noise] = {
    "no memory": ar1(0.0),
    **{f"memory {share:.1%} of the stretch": ar1(share) for share in (0.005, 0.01, 0.03, 0.1)},
    **{f"saw-tooth, period {share:.0%}": saw_tooth(share) for share in (0.03, 0.1, 0.2, 0.33)},
    "random walk": walk,
}


def coverage(noise: Noise, series: int, seed: int) -> float:
    """Return the share of series whose interval holds the true slope."""
    random = np.random.default_rng(seed)
    x = np.arange(POINTS, dtype=float)
    held = 0
    for _ in range(series):
        y = noise(random, POINTS) + 0.01 * x
        slope = slope_of(block_medians(list(zip(x.tolist(), y.tolist(), strict=True))))
        held += slope is not None and slope.low <= 0.01 <= slope.high
    return held / series


def words(truth: npt.NDArray[np.float64], noise: Noise, series: int, seed: int) -> Counter[str]:
    """Return the words that a true course, in MiB above 200, gets under this noise, 1 MiB of spread."""
    random = np.random.default_rng(seed)
    t = np.linspace(0, SERIES_S, truth.size)
    found: Counter[str] = Counter()
    for _ in range(series):
        y = (LEVEL_MIB + truth + noise(random, truth.size)) * MIB
        samples = list(zip(t.tolist(), (t / 10).tolist(), y.tolist(), strict=True))
        found[judge_series(samples, LIMIT_MIB * MIB).word] += 1
    return found


def courses() -> dict[str, npt.NDArray[np.float64]]:
    """True courses of memory over a run of 20 minutes, in MiB above its level."""
    t = np.linspace(0, 1, 2 * POINTS)
    fills = {f"fills up, 1/e after {tau:.0%}": 100 * (1 - np.exp(-t / tau)) for tau in (0.1, 0.3, 0.6, 1.0)}
    leaks = {f"leaks {mb * 3600 / SERIES_S:g} MB an hour": mb * t for mb in (10, 20, 40, 100)}
    step = np.where(t > 0.7, 20.0, 0.0)
    return {
        "flat": 0 * t,
        "one step of 20 MB": step,
        "fills by 40 %": 100 * np.minimum(t / 0.4, 1),
        **fills,
        **leaks,
    }


def lines(series: int, seed: int) -> Iterator[str]:
    """Yield both tables in Markdown."""
    yield f"{series} made-up series a line, seed {seed}; the interval is meant to hold the truth in 95 %."
    yield "\n| noise | the interval holds the true slope |\n|---|---:|"
    for name, noise in NOISES.items():
        yield f"| {name} | {coverage(noise, series, seed):.1%} |"
    kinds = ("leak", "plateau", "flat", "unknown")
    noises = {
        name: NOISES[name] for name in ("memory 1.0% of the stretch", "saw-tooth, period 10%", "random walk")
    }
    yield f"\n| true course | noise | {' | '.join(kinds)} |\n|---|---|{'---:|' * len(kinds)}"
    for course, truth in courses().items():
        for name, noise in noises.items():
            found = words(truth, noise, series, seed)
            yield f"| {course} | {name} | {' | '.join(f'{found[kind] / series:.1%}' for kind in kinds)} |"


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--series", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    for line in lines(chosen.series, chosen.seed):
        print(line, flush=True)


if __name__ == "__main__":
    main()
