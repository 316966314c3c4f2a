"""What the gate says of runs just as they were measured: nothing is drawn, and there are few of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.gate import RUNS, Effect
from benchmarks.gate_runs import Measured, Pair, middle_s
from benchmarks.gate_simulation import judge
from profiles.gate.outcome import GateRun, ScenarioDecision


@dataclass(frozen=True)
class PairVerdict:
    """What the gate says of an identical pair.

    Attributes:
        name: of the pair.
        kind: which command measured it.
        word: the gate's.
        why: the reason of a word that is not `pass`, with that of each metric behind it.
        psi_some: the highest share of time waited for memory in any of its runs, %; None where nobody told.
        not_survived: its runs that did not survive, by verdict.
    """

    name: str
    kind: str
    word: str
    why: tuple[str, ...]
    psi_some: float | None
    not_survived: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class BatchVerdicts:
    """What the gate says of an effect's runs, in gates of `RUNS` that share no run of it."""

    effect: str
    words: dict[str, int]


def pair_verdicts(measured: Measured) -> list[PairVerdict]:
    """Return the verdict of each pair, in the order of time."""
    return [_pair_verdict(pair, measured.vm_memory_mb) for pair in measured.pairs]


def _pair_verdict(pair: Pair, vm_memory_mb: float) -> PairVerdict:
    decision = judge(pair.base, pair.head, vm_memory_mb)
    told = [run.host_psi_some for run in pair.runs if run.host_psi_some is not None]
    ends = Counter(run.verdict for run in pair.runs if run.verdict != "survived")
    return PairVerdict(
        pair.name, pair.kind, decision.word, _why(decision), max(told, default=None), dict(ends)
    )


def _why(decision: ScenarioDecision) -> tuple[str, ...]:
    if decision.word == "pass":
        return ()
    behind = (found for found in decision.metrics if found.word not in {"pass", "information"})
    return (decision.reason, *(f"{found.metric.name}: {found.reason}" for found in behind))


def effect_verdicts(measured: Measured) -> list[BatchVerdicts]:
    """Return the verdicts of each effect; the base of a gate is the side of a pair nearest in time, each used once."""
    sides = [side for pair in measured.pairs for side in (pair.base, pair.head)]
    return [_batches(effect, runs, sides, measured.vm_memory_mb) for effect, runs in measured.effects]


def _batches(
    effect: Effect, runs: Sequence[GateRun], sides: Sequence[tuple[GateRun, ...]], vm_memory_mb: float
) -> BatchVerdicts:
    words, left = Counter[str](), list(sides)
    for first in range(0, len(runs) - RUNS + 1, RUNS):
        head = runs[first : first + RUNS]
        if not left:
            break
        base = min(left, key=lambda side: abs(middle_s(side) - middle_s(head)))
        left.remove(base)
        words[judge(base, head, vm_memory_mb).word] += 1
    return BatchVerdicts(effect.name, dict(words))
