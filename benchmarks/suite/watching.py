"""What watching costs: the recorder beside psutil that polls as often, and memray beside a server without it.

Windows by turns on one server in a VM: nobody watches, the recorder does, psutil does in either of two ways. Then the
same server with and without memray, and what it costs to read the captures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from benchmarks.closed_loop import RATE_PER_S
from benchmarks.errors import BenchmarkError
from benchmarks.suite import capture_reading, traced
from benchmarks.suite.measured import Effort, Figure, Measured, Ratio, Tell, ratio_of
from benchmarks.suite.polled import polled
from benchmarks.suite.psutil_poll import Call
from benchmarks.suite.rounds import Rounds, in_turn
from benchmarks.watched_target import Cost, Target, Window, target
from profiles.errors import OomproofError
from profiles.quantile import percentiles
from profiles.recorder import SAMPLE_HZ
from profiles.vm_size import MIB

TITLE = "Watching: the recorder and memray"
NOBODY, RECORDER = "unwatched", "oomproof recorder"
POLLERS: Mapping[str, Call] = {
    "psutil memory_info": "memory_info",
    "psutil memory_full_info": "memory_full_info",
}
PROCESSES = (1, 40)
CPU, PER_SAMPLE, RSS = "CPU, share of a core", "CPU a sample", "RSS of the watcher"
P50, P99 = "p50 of the target", "p99 of the target"
NOTES = (
    f"Recorder: the reference server in a VM answers /api/health to one client, at most {RATE_PER_S} times a second.",
    "Recorder: the processes beside the server sleep.",
    f"Recorder: it and psutil take {SAMPLE_HZ} samples a second, each on disk before the next, and tell their own CPU.",
    "Recorder: psutil is told the processes and reads nothing but their memory; the recorder finds them by itself.",
    "Recorder: its samples hold the VM's counters, memory pressure, the kernel's log and the CPU balance too.",
    "Recorder: how far the windows without a watcher lie apart is noise; a ratio of p99 within that shows nothing.",
)


def measure(effort: Effort, folder: Path, tell: Tell) -> Measured:
    """Measure the recorder against psutil, a server under memray against itself, and the reading of its captures.

    Raises:
        BenchmarkError: a server or a watcher failed.
    """
    rounds, notes = Rounds(), [*NOTES, *traced.NOTES, *capture_reading.NOTES]
    try:
        for count in PROCESSES:
            _windows(count, effort, folder, rounds, tell)
    except OomproofError as error:
        notes.append(f"Recorder: not measured, for this machine makes no VM: {error}")
    captures = traced.measure_traced(effort, folder, rounds, tell)
    capture_reading.measure_reading(captures, effort, folder, rounds, tell)
    figures = rounds.figures()
    ratios = (
        *recorder_ratios(figures),
        *traced.traced_ratios(figures),
        *capture_reading.reading_ratios(figures),
    )
    return Measured(TITLE, figures, ratios, notes=tuple(notes), versions=_versions())


def recorder_ratios(figures: Sequence[Figure]) -> Iterator[Ratio]:
    """Yield the recorder's cost over psutil's, and the target's p99 with each watcher over that without."""
    for setting in dict.fromkeys(figure.setting for figure in figures if figure.subject == RECORDER):
        for quantity in (CPU, RSS):
            yield from (ratio_of(figures, quantity, setting, RECORDER, peer) for peer in POLLERS)
        for watcher in (RECORDER, *POLLERS):
            yield ratio_of(figures, P99, setting, watcher, NOBODY)


def _windows(count: int, effort: Effort, folder: Path, rounds: Rounds, tell: Tell) -> None:
    setting = f"{SAMPLE_HZ} samples a second, {count} process{'es' if count > 1 else ''}"
    times, seconds = effort.of(2, 5), effort.of(1.0, 4.0)
    with target(count) as watched:
        for number in range(times):
            tell(f"recorder: {setting}: round {number + 1} of {times}")
            for name in in_turn((NOBODY, RECORDER, *POLLERS), number):
                _add(rounds, name, setting, _window(name, watched, seconds, folder))


def _window(name: str, watched: Target, seconds: float, folder: Path) -> Window:
    if name == NOBODY:
        return watched.unwatched(seconds)
    if name == RECORDER:
        return watched.recorded(SAMPLE_HZ, seconds)
    return polled(watched, POLLERS[name], SAMPLE_HZ, seconds, folder)


def _add(rounds: Rounds, name: str, setting: str, window: Window) -> None:
    p50_us, p99_us = percentiles(window.latencies_us, 50, 99)
    if p50_us is None or p99_us is None:
        raise BenchmarkError(f"{name}: the target was asked for nothing")
    rounds.add(name, setting, P50, "us", p50_us)
    rounds.add(name, setting, P99, "us", p99_us)
    if window.cost is not None:
        _add_cost(rounds, name, setting, window.cost)


def _add_cost(rounds: Rounds, name: str, setting: str, cost: Cost) -> None:
    rounds.add(name, setting, CPU, "1", cost.cpu_share)
    rounds.add(name, setting, PER_SAMPLE, "us", cost.cpu_us_per_sample)
    rounds.add(name, setting, RSS, "MB", cost.rss_mb * MIB / 1e6)


def _versions() -> tuple[tuple[str, str], ...]:
    return tuple((name, metadata.version(name)) for name in ("psutil", "memray"))
