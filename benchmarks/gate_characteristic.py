"""The gate's operating characteristic, from what was measured: how often it cries wolf, and what it finds."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.gate import RUNS, Effect
from benchmarks.gate_busy import busy
from benchmarks.gate_intervals import share
from benchmarks.gate_required import requirements
from benchmarks.gate_runs import Measured, nearest
from benchmarks.gate_simulation import (
    RUNS_A_SIDE,
    WAYS,
    Tally,
    alarm_bounds,
    can,
    equal_sides,
    power_bounds,
    regressed_head,
)
from benchmarks.gate_spread import NEAREST_PAIRS, effect_found, spreads
from benchmarks.gate_verdicts import PairVerdict, effect_verdicts, pair_verdicts
from profiles.gate.decision import ALPHA
from profiles.gate.outcome import GateRun
from profiles.gate.sides import survivors

WORDS = ("regressed", "inconclusive", "pass", "invalid")
Row = dict[str, Any]


@dataclass(frozen=True)
class Gates:
    """How many gates are put together of each kind."""

    equal: int = 20_000
    regressed: int = 2000


@dataclass(frozen=True)
class EqualJob:
    """Gates on equal sides, drawn one way."""

    measured: Measured
    way: str
    runs: int
    gates: int

    def row(self) -> Row:
        """Return what they say."""
        pairs, vm_memory_mb = self.measured.pairs, self.measured.vm_memory_mb
        found = equal_sides(self.way, pairs, self.runs, self.gates, vm_memory_mb)
        return {
            "way": self.way,
            "runs": self.runs,
            **_shares(found),
            "bounds": alarm_bounds(found, len(pairs)),
        }


@dataclass(frozen=True)
class PowerJob:
    """Gates whose head has a known regression, of runs that survived."""

    measured: Measured
    effect: Effect
    base: tuple[GateRun, ...]
    head: tuple[GateRun, ...]
    runs: int
    gates: int

    def row(self) -> Row:
        """Return what they say; how sure that is, for the gate's own number of runs."""
        vm_memory_mb, name = self.measured.vm_memory_mb, self.effect.name
        found = regressed_head(name, self.base, self.head, self.runs, self.gates, vm_memory_mb)
        redrawn = self.runs == RUNS
        bounds = power_bounds(name, self.base, self.head, self.runs, vm_memory_mb) if redrawn else None
        kind = {"effect": name, "kind": self.effect.kind, "size": self.effect.size}
        return {**kind, "runs": self.runs, **_shares(found), "bounds": bounds}


Job = EqualJob | PowerJob


def characteristic(measured: Measured, gates: Gates, workers: int | None = None) -> dict[str, Any]:
    """Return all figures, as they go into `characteristic.json`; `workers` are processes, 0 for none but this one."""
    equal = [
        EqualJob(measured, way, runs, gates.equal)
        for way in WAYS
        for runs in RUNS_A_SIDE
        if can(way, measured.pairs, runs)
    ]
    power = [job for effect, head in measured.effects for job in _power_jobs(measured, effect, head, gates)]
    rows = list(_done([*equal, *power], workers))
    value = {**as_measured(measured), "equal_sides": rows[: len(equal)], "power": rows[len(equal) :]}
    value["required"] = [asdict(found) for found in requirements(value)]
    return {key: rounded(part) for key, part in value.items()}


def as_measured(measured: Measured) -> dict[str, Any]:
    """Return all figures that need no simulation."""
    pairs = pair_verdicts(measured)
    found = (effect_found(effect, runs, measured.pairs) for effect, runs in measured.effects)
    return {
        "conditions": _conditions(measured),
        "runs_a_side": RUNS,
        "alpha": ALPHA,
        "real": _real(pairs),
        "pairs": [asdict(pair) for pair in pairs],
        "whole_gates": list(measured.gates),
        "effect_verdicts": [asdict(verdicts) for verdicts in effect_verdicts(measured)],
        "effects_found": [asdict(shifted) for shifted in found if shifted],
        "spreads": [asdict(spread) for spread in spreads(measured.pairs)],
        "busy": [asdict(sign) for sign in busy(measured.pairs)],
    }


def _power_jobs(
    measured: Measured, effect: Effect, runs: Sequence[GateRun], gates: Gates
) -> Iterable[PowerJob]:
    """One for each number of runs that is there. Only what survived is compared, so power is of that alone."""
    around = nearest(measured.pairs, runs, NEAREST_PAIRS)
    base, head = survivors([run for pair in around for run in pair.runs]), survivors(runs)
    for each in RUNS_A_SIDE:
        if each <= min(len(base), len(head)):
            yield PowerJob(measured, effect, base, head, each, gates.regressed)


def _done(jobs: Sequence[Job], workers: int | None) -> Iterable[Row]:
    if workers == 0:
        return map(_row, jobs)
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(_row, jobs))


def _row(job: Job) -> Row:
    return job.row()


def _shares(found: Tally) -> Row:
    causes = {f"{what} {word}": times / found.gates for (what, word), times in sorted(found.causes.items())}
    return {
        "gates": found.gates,
        **{word: asdict(share(found.words[word], found.gates)) for word in WORDS},
        "causes": causes,
    }


def _real(pairs: Sequence[PairVerdict]) -> dict[str, Row]:
    """The words of all pairs, with bounds; and of those of each kind where there are several."""
    kinds = {"all": list(pairs)}
    if len({pair.kind for pair in pairs}) > 1:
        for pair in pairs:
            kinds.setdefault(pair.kind, []).append(pair)
    return {
        kind: {word: asdict(share(Counter(pair.word for pair in found)[word], len(found))) for word in WORDS}
        for kind, found in kinds.items()
    }


def _conditions(measured: Measured) -> Row:
    runs = [
        *(run for pair in measured.pairs for run in pair.runs),
        *(r for _, e in measured.effects for r in e),
    ]
    psi = sorted(run.host_psi_some for run in runs if run.host_psi_some is not None)
    began = sorted(run.started_at for run in runs)
    return {
        **measured.conditions,
        "from": began[0],
        "to": began[-1],
        "runs_measured": len(runs),
        "verdicts": dict(Counter(run.verdict for run in runs)),
        "pairs": len(measured.pairs),
        "pairs_at_once": dict(Counter(str(pair.at_once) for pair in measured.pairs)),
        "psi_some_median": psi[len(psi) // 2] if psi else None,
        "psi_some_highest": psi[-1] if psi else None,
        "left_out": list(measured.left_out),
    }


def rounded(value: object) -> Any:
    """Return the value with every number to five digits after the point, and none that JSON does not know."""
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: rounded(part) for key, part in value.items()}
    return [rounded(part) for part in value] if isinstance(value, list | tuple) else value
