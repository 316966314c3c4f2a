"""What the gate finds, how surely, and in how many minutes: its rule beside simpler ones, on runs that were measured.

The runs are those of `python -m benchmarks.gate`, drawn again and again into gates; how long a gate takes is measured
now. So power has a price in minutes, and the number of runs that buys most can be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.gate_page import FOLDER
from benchmarks.gate_runs import Measured as MeasuredRuns
from benchmarks.gate_runs import read
from benchmarks.suite.gate_minutes import GateTime, recorded_time, timed_gate
from benchmarks.suite.gate_round import (
    GATE,
    GATES,
    MEDIANS,
    MINUTES,
    ONE,
    PER_MINUTE,
    RULES,
    VERDICT,
    WHOLE,
    Round,
)
from benchmarks.suite.gate_rules import FOUND_OFTEN
from benchmarks.suite.measured import Effort, Figure, Measured, Ratio, Tell, ratio_of
from benchmarks.suite.rounds import Rounds, in_turn
from profiles.errors import OomproofError

TITLE = "The gate: power, and minutes to a verdict"
NOTES = (
    "What is found is drawn from recorded runs, of which each round has others; only the minutes are measured now.",
    "Minutes of other numbers of runs are calculated: what a gate does once, and so much for each run a side.",
    "Both simpler rules say regressed where the median of a judged metric rose by half of what matters, untested.",
    "They are stand-ins for a comparison by hand, or by a limit.",
    "Found a minute buys nothing where the false alarms are not told beside it.",
    f"The smallest rise found is what {FOUND_OFTEN:.0%} of gates find when it is added to the figures of real runs.",
    "All other rises were really held by a server.",
)


def measure(effort: Effort, folder: Path, tell: Tell) -> Measured:
    """Time a whole gate, and let each rule judge the same gates, drawn from the recorded runs.

    Raises:
        BenchmarkError: no run was recorded, nor a gate where none can be run here.
    """
    try:
        recorded = read(FOLDER)
    except OomproofError as error:
        raise BenchmarkError(f"{error}") from error
    took, notes = _time(recorded, effort, folder, tell)
    rounds, times = Rounds(), effort.of(2, 5)
    for rule in RULES:
        rounds.add(rule.name, WHOLE, MINUTES, "min", took.minutes(rule.runs))
    for cpu_s in took.verdict_cpu_s:
        rounds.add(GATE, WHOLE, VERDICT, "ms", 1000 * cpu_s)
    for number in range(times):
        for rule in in_turn(RULES, number):
            tell(f"{rule.name}: round {number + 1} of {times}")
            one = Round(recorded, rule, number, times, rounds)
            one.alarms(effort.of(400, 2000))
            one.power(effort.of(200, 1000), took.minutes(rule.runs))
            one.smallest(effort.of(50, 500))
    figures = rounds.figures()
    return Measured(TITLE, figures, tuple(ratios_of(figures)), notes=(*NOTES, *_conditions(recorded), *notes))


def ratios_of(figures: Sequence[Figure]) -> Iterator[Ratio]:
    """Yield the gate's power a minute over that of the simpler rules, where these have any, and its minutes."""
    ours = GATES[0].name
    yield ratio_of(figures, MINUTES, WHOLE, ours, ONE)
    settings = dict.fromkeys(figure.setting for figure in figures if figure.quantity == PER_MINUTE)
    for setting, peer in product(settings, (MEDIANS, ONE)):
        if all(
            value for one in figures for value in one.values if (one.subject, one.setting) == (peer, setting)
        ):
            yield ratio_of(figures, PER_MINUTE, setting, ours, peer)


def _time(
    recorded: MeasuredRuns, effort: Effort, folder: Path, tell: Tell
) -> tuple[GateTime, tuple[str, ...]]:
    runs = effort.of(2, 6)
    tell(f"oomproof gate, {runs} runs a side")
    try:
        took = timed_gate(runs, folder)
    except BenchmarkError as error:
        return recorded_time(recorded), (
            f"The minutes are of recorded gates, for none could be run: {error}",
        )
    return took, (
        f"The gate that was timed: {runs} runs a side, {took.once_s:.0f} s once and {took.each_s:.0f} s for each.",
    )


def _conditions(recorded: MeasuredRuns) -> Iterator[str]:
    began = sorted(run.started_at for pair in recorded.pairs for run in pair.runs)
    yield (
        f"The runs: {len(recorded.pairs)} pairs of equal states, {began[0]} to {began[-1]}, at "
        f"{recorded.conditions.get('commit', 'an unknown commit')}; under which conditions says reports/gate."
    )
