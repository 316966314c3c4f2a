"""Gates put together again and again from runs that were measured once: false alarms, and power.

Every figure is of a real run and every verdict is `decide`'s; only which runs meet in a gate is drawn. Three ways to
draw two equal sides, because runs taken together are more alike than runs taken an hour apart:

- `relabelled`: both sides from runs of one pair (of neighbouring pairs where a pair has too few), which are base and
  head by lot. That is what a gate does that measures both states now, by turns. Whatever drifts meets both alike.
- `pooled`: both sides from all runs at once. No gate does that. It shows what the drift between pairs would do
  if it met every run by chance.
- `stored`: base from one pair, head from another. That is a gate against a baseline that was measured at another time:
  drift is in the difference, and the test, which knows of none, takes it for a change.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.gate_runs import Pair
from profiles.gate.decision import ScenarioRuns, decide
from profiles.gate.outcome import GateRun, ScenarioDecision

SEED = 1
RUNS_A_SIDE = (4, 5, 6, 7, 8, 10)
REDRAWS = 2000
REDRAWN_RUNS, GATES_EACH = 200, 100
Places = tuple[int, ...]
"""Which pairs the runs of a draw are from, by number; none where they are from anywhere."""
Drawn = tuple[Sequence[GateRun], Sequence[GateRun], Places]
Way = Callable[[random.Random, Sequence[Pair], int], Drawn]


@dataclass(frozen=True)
class Tally:
    """What many gates said.

    Attributes:
        words: how many said what.
        causes: how often each metric was `regressed` or `inconclusive`, and the budget `broken` or
            `unknown`.
        alarms: of the pairs drawn from, how many gates and how many of them said "regressed".
    """

    words: Counter[str]
    causes: Counter[tuple[str, str]]
    alarms: Mapping[Places, tuple[int, int]]

    @property
    def gates(self) -> int:
        """How many there were."""
        return self.words.total()


def judge(base: Sequence[GateRun], head: Sequence[GateRun], vm_memory_mb: float) -> ScenarioDecision:
    """Return what the gate says of these runs."""
    (decision,) = decide([ScenarioRuns("gate", tuple(head), tuple(base), vm_memory_mb)])
    return decision


def relabelled(draw: random.Random, pairs: Sequence[Pair], runs: int) -> Drawn:
    """Draw both sides from one pair, or from as many neighbours as have runs enough."""
    needed = math.ceil(2 * runs / min(len(pair.runs) for pair in pairs))
    first = draw.randrange(len(pairs) - needed + 1)
    chosen = draw.sample([run for pair in pairs[first : first + needed] for run in pair.runs], 2 * runs)
    return chosen[:runs], chosen[runs:], (first,)


def pooled(draw: random.Random, pairs: Sequence[Pair], runs: int) -> Drawn:
    """Draw both sides from all runs of all pairs."""
    chosen = draw.sample([run for pair in pairs for run in pair.runs], 2 * runs)
    return chosen[:runs], chosen[runs:], ()


def stored(draw: random.Random, pairs: Sequence[Pair], runs: int) -> Drawn:
    """Draw base from one pair and head from another."""
    base, head = draw.sample(range(len(pairs)), 2)
    return draw.sample(pairs[base].runs, runs), draw.sample(pairs[head].runs, runs), (base, head)


WAYS: Mapping[str, Way] = {"relabelled": relabelled, "pooled": pooled, "stored": stored}


def can(way: str, pairs: Sequence[Pair], runs: int) -> bool:
    """Return whether so many runs a side can be drawn of these pairs."""
    fewest = min(len(pair.runs) for pair in pairs)
    if way == "stored":
        return len(pairs) > 1 and fewest >= runs
    return fewest * len(pairs) >= 2 * runs


def equal_sides(way: str, pairs: Sequence[Pair], runs: int, gates: int, vm_memory_mb: float) -> Tally:
    """Return what so many gates said whose sides are equal, drawn that way."""
    draw = random.Random(f"{SEED} {way} {runs}")
    return tally((WAYS[way](draw, pairs, runs) for _ in range(gates)), vm_memory_mb)


def regressed_head(
    name: str, base: Sequence[GateRun], head: Sequence[GateRun], runs: int, gates: int, vm_memory_mb: float
) -> Tally:
    """Return what so many gates said, whose sides are drawn from these runs; `name` is what the draws hang on."""
    draw = random.Random(f"{SEED} {name} {runs}")
    drawn = ((draw.sample(base, runs), draw.sample(head, runs), ()) for _ in range(gates))
    return tally(drawn, vm_memory_mb)


def tally(drawn: Iterable[Drawn], vm_memory_mb: float) -> Tally:
    """Return what the gates of these draws said."""
    words, causes = Counter[str](), Counter[tuple[str, str]]()
    gates, alarms = Counter[Places](), Counter[Places]()
    for base, head, places in drawn:
        decision = judge(base, head, vm_memory_mb)
        words[decision.word] += 1
        causes.update(
            (found.metric.name, found.word)
            for found in decision.metrics
            if found.word in {"regressed", "inconclusive"}
        )
        causes["budget", "broken"] += bool(decision.budget.broken)
        causes["budget", "unknown"] += decision.budget.unknown
        gates[places] += 1
        alarms[places] += decision.word == "regressed"
    return Tally(words, causes, {places: (gates[places], alarms[places]) for places in gates})


def alarm_bounds(found: Tally, pairs: int) -> tuple[float, float] | None:
    """Return the bounds of the share regressed when the pairs themselves are drawn again; None without places.

    The pairs are what was measured, so they, not the gates drawn of them, say how sure the share is. A draw from two
    pairs counts as often as both were drawn.
    """
    if () in found.alarms:
        return None
    draw, shares = random.Random(SEED), []
    for _ in range(REDRAWS):
        times = Counter(draw.choices(range(pairs), k=pairs))
        weights = {places: math.prod(times[place] for place in places) for places in found.alarms}
        gates = sum(weight * found.alarms[places][0] for places, weight in weights.items())
        if gates:
            shares.append(sum(weight * found.alarms[places][1] for places, weight in weights.items()) / gates)
    return middle(shares)


def power_bounds(
    name: str, base: Sequence[GateRun], head: Sequence[GateRun], runs: int, vm_memory_mb: float
) -> tuple[float, float]:
    """Return the bounds of the share regressed when the runs themselves, of both sides, are drawn again."""
    draw, shares = random.Random(f"{SEED} {name} bounds"), []
    for _ in range(REDRAWN_RUNS):
        again, changed = draw.choices(base, k=len(base)), draw.choices(head, k=len(head))
        found = tally(
            ((draw.sample(again, runs), draw.sample(changed, runs), ()) for _ in range(GATES_EACH)),
            vm_memory_mb,
        )
        shares.append(found.words["regressed"] / found.gates)
    return middle(shares)


def middle(values: Sequence[float]) -> tuple[float, float]:
    """Return between which bounds the middle 95 % of the values lie."""
    cuts = quantiles(values, n=40, method="inclusive")
    return cuts[0], cuts[-1]
