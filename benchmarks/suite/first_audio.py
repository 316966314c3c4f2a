"""Time to first audio and the latency of blocks, live against cached, by the number of readers.

Both modes have the same VM, readers, text and seeds, and the same speech API. A live server that cannot carry its
readers is killed in its VM by the kernel; who had not heard a block by then counts with the time waited so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.suite.first_audio_figures import (
    ends_of,
    figures_of,
    promise_of,
    ratios_of,
    setting_of,
)
from benchmarks.suite.listened import CACHED, LIVE, Listened
from benchmarks.suite.listening_runs import Listening, Reading, listening
from benchmarks.suite.measured import Effort, Measured, Tell
from profiles.vm_size import VmSize

TITLE = "First audio, live against cached"


@dataclass(frozen=True)
class Plan:
    """What is run: numbers of readers, how often, and what they read."""

    readers: tuple[int, ...]
    rounds: int
    reading: Reading


SHORT = Plan((1, 100), 1, Reading(session_s=10.0, chapters=4, blocks=4))
FULL = Plan((1, 10, 100, 1000), 3, Reading(session_s=15.0, chapters=8, blocks=5))


def measure(effort: Effort, folder: Path, tell: Tell) -> Measured:
    """Measures both modes by turns, at each number of readers in every round.

    Raises:
        BenchmarkError: this machine can make no VM, or a run could not be made.
    """
    plan = effort.of(SHORT, FULL)
    tell("first audio: the chunks of the cached readers are made")
    with listening(plan.reading, folder) as bench:
        runs = [
            run
            for number in range(plan.rounds)
            for readers in plan.readers
            for run in _round(bench, number, readers, tell)
        ]
    ratios = ratios_of(runs)
    return Measured(
        title=TITLE,
        figures=tuple(figures_of(runs)),
        ratios=tuple(ratios),
        promises=(promise_of(ratios),),
        notes=(*_notes(plan, bench.vm_size), *ends_of(runs)),
    )


def _round(bench: Listening, number: int, readers: int, tell: Tell) -> list[Listened]:
    runs = []
    for mode in (LIVE, CACHED) if number % 2 == 0 else (CACHED, LIVE):
        tell(f"first audio, round {number + 1}: {mode}, {setting_of(readers)}")
        runs.append(bench.run(mode, readers))
    return runs


def _notes(plan: Plan, vm_size: VmSize) -> tuple[str, ...]:
    reading = plan.reading
    return (
        (
            f"Each run has a VM of {vm_size.memory_mb:,} MB and {vm_size.cpus} vCPUs with 500 s of CPU balance. The "
            f"readers are Locust's, at pace 1; they sit down within 5 s, and read for {reading.session_s:g} s or until "
            "the server ends."
        ),
        (
            "The speech API is the project's stand-in, which answers after 2 to 5 s. Live starts an aligner for each "
            "block, as deployed. Cached reads chunks that the server made before, timed by the real aligner, from a "
            "cold disk cache."
        ),
        (
            "Who had not heard a block when a run ended counts with the time waited until then: first audio is a lower "
            "bound there. Block latencies are of the blocks that were answered."
        ),
    )
