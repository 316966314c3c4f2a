"""What it costs to read a memray capture: our reader beside memray's own reports of the same file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.suite.measured import Effort, Figure, Ratio, Tell, ratio_of
from benchmarks.suite.rounds import Rounds, in_turn
from benchmarks.suite.used import run
from profiles import processes

OURS, FLAME, STATS = "oomproof heap reader", "memray flamegraph", "memray stats"
CPU, RSS, ALLOCATIONS, CAPTURE = "CPU of a reading", "RSS of a reading", "allocations and frees", "capture"
READ_WITHIN_S = 300.0
NOTES = (
    "Reading a capture: our reader takes heap and RSS over time and each line at the peak, for `oomproof profile`.",
    "Reading a capture: memray flamegraph draws the peak alone, and memray stats counts.",
    "Reading a capture: each reader starts a Python of its own, which is in its CPU.",
)


def measure_reading(
    captures: Mapping[str, Path], effort: Effort, folder: Path, rounds: Rounds, tell: Tell
) -> None:
    """Read each capture with each reader, by turns; a capture is called by the server that left it.

    Raises:
        BenchmarkError: one cannot be read.
    """
    times, out, log = effort.of(1, 3), folder / "reading.out", folder / "reading.log"
    for number in range(times):
        for left_by, capture in captures.items():
            tell(f"reading captures: {left_by}, round {number + 1} of {times}")
            for name in in_turn((OURS, FLAME, STATS), number):
                used = run(command_of(name, capture, out), log, READ_WITHIN_S)
                rounds.add(name, setting_of(left_by), CPU, "s", used.cpu_s)
                rounds.add(name, setting_of(left_by), RSS, "MB", used.rss_mb)
                if name == OURS and number == 0:
                    known = json.loads(out.read_text(encoding="utf-8"))
                    rounds.add(left_by, setting_of(left_by), ALLOCATIONS, "1", known["allocations"])
            if number == 0:
                rounds.add(left_by, setting_of(left_by), CAPTURE, "MB", capture.stat().st_size / 1e6)


def reading_ratios(figures: Sequence[Figure]) -> Iterator[Ratio]:
    """Yield what our reader takes over what memray's reports do."""
    for setting in dict.fromkeys(figure.setting for figure in figures if figure.subject == OURS):
        for quantity in (CPU, RSS):
            yield from (ratio_of(figures, quantity, setting, OURS, peer) for peer in (FLAME, STATS))


def command_of(name: str, capture: Path, out: Path) -> list[str]:
    """Return the command of a reader of that name."""
    if name == OURS:
        return processes.python_module("profiles.heap_reader", capture, out)
    if name == FLAME:
        return processes.python_module("memray", "flamegraph", "--no-web", "-f", "-o", out, capture)
    return processes.python_module("memray", "stats", capture)


def setting_of(left_by: str) -> str:
    """Return how the setting is called in which a server's capture is read."""
    return f"capture of: {left_by}"
