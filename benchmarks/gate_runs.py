"""What `benchmarks.gate` measured, read from its two files alone: identical pairs, and runs with a known regression."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.gate import EFFECTS, RUNS_FILE, Effect
from benchmarks.gate_itself import GATES_FILE
from profiles.errors import OomproofError
from profiles.gate.metrics import METRICS
from profiles.gate.outcome import GateRun

CONDITIONS_FILE = "conditions.json"
LACKING = "Measure it with `python -m benchmarks.gate`."
Line = Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """Both sides of a gate on equal states, as measured."""

    name: str
    base: tuple[GateRun, ...]
    head: tuple[GateRun, ...]
    at_once: int

    @property
    def runs(self) -> tuple[GateRun, ...]:
        """All of both sides."""
        return (*self.base, *self.head)

    @property
    def kind(self) -> str:
        """What its name begins with: pairs of one kind were measured by one command."""
        return self.name.rpartition("-")[0]


@dataclass(frozen=True)
class Measured:
    """Everything measured: pairs in the order of time, effects as they are listed, and what is not whole.

    Attributes:
        pairs: of which both sides have as many runs.
        effects: the runs of each injected regression.
        vm_memory_mb: memory of the VM.
        conditions: the content of `conditions.json`.
        left_out: names of what has runs on one side only.
        gates: what whole gates said, as `benchmarks.gate_itself` wrote it down.
    """

    pairs: tuple[Pair, ...]
    effects: tuple[tuple[Effect, tuple[GateRun, ...]], ...]
    vm_memory_mb: float
    conditions: Mapping[str, Any]
    left_out: tuple[str, ...] = ()
    gates: tuple[Line, ...] = ()


def read(folder: Path) -> Measured:
    """Return what the folder's `runs.jsonl` and `conditions.json` hold.

    Raises:
        OomproofError: a file is not there, or a line is no run, or there is no pair.
    """
    sides: dict[str, dict[str, list[Line]]] = defaultdict(lambda: defaultdict(list))
    for line in _lines(folder / RUNS_FILE):
        sides[line["of"]][line["side"]].append(line)
    effects = {effect.name: effect for effect in EFFECTS}
    pairs, left_out = [], []
    for name, found in sides.items():
        if name in effects:
            continue
        base, head = (tuple(map(_gate_run, found[side])) for side in ("base", "head"))
        if not base or len(base) != len(head):
            left_out.append(name)
            continue
        pairs.append(
            Pair(name, base, head, max(line["at_once"] for line in (*found["base"], *found["head"])))
        )
    if not pairs:
        raise OomproofError(f"{folder / RUNS_FILE}: has no whole pair. {LACKING}")
    conditions = _conditions(folder / CONDITIONS_FILE)
    return Measured(
        pairs=tuple(sorted(pairs, key=lambda pair: middle_s(pair.runs))),
        effects=tuple(
            (effect, tuple(map(_gate_run, sides[name]["base"])))
            for name, effect in effects.items()
            if name in sides
        ),
        vm_memory_mb=float(conditions["vm"]["memory_mb"]),
        conditions=conditions,
        left_out=tuple(left_out),
        gates=_gates(folder / GATES_FILE),
    )


def middle_s(runs: Sequence[GateRun]) -> float:
    """Return when the runs began, in the mean, as seconds of the epoch."""
    return fmean(datetime.fromisoformat(run.started_at).timestamp() for run in runs)


def nearest(pairs: Sequence[Pair], runs: Sequence[GateRun], count: int) -> tuple[Pair, ...]:
    """Return the pairs measured nearest to some runs in time, the nearest first."""
    at_s = middle_s(runs)
    return tuple(sorted(pairs, key=lambda pair: abs(middle_s(pair.runs) - at_s))[:count])


def _gates(path: Path) -> tuple[Line, ...]:
    """What stands in the file of whole gates; nothing where none was run."""
    if not path.exists():
        return ()
    return tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def _lines(path: Path) -> list[Line]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise OomproofError(f"{path}: {error.strerror}. {LACKING}") from None
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            value = json.loads(line)
            datetime.fromisoformat(value["started_at"])
            missing = [metric.name for metric in METRICS if metric.name not in value["figures"]]
            missing += [key for key in ("of", "side", "verdict", "at_once") if key not in value]
        except (ValueError, KeyError, TypeError) as error:
            raise OomproofError(f"{path}: line {number}: {error}: is no run. {LACKING}") from None
        if missing:
            raise OomproofError(f"{path}: line {number}: has no {', '.join(missing)}. {LACKING}")
        lines.append(value)
    return lines


def _conditions(path: Path) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        float(found["vm"]["memory_mb"])
    except OSError as error:
        raise OomproofError(f"{path}: {error.strerror}. {LACKING}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise OomproofError(f"{path}: {error}: does not say what was measured. {LACKING}") from None
    return found


def _gate_run(line: Line) -> GateRun:
    """A run as the gate saw it; where its VM's peak was not kept, the anonymous peak stands for it.

    That peak is a little lower, and only the budget looks at it, whose limit is dozens of times higher.
    """
    figures: dict[str, float | None] = line["figures"]
    return GateRun(
        verdict=line["verdict"],
        figures=figures,
        started_at=line["started_at"],
        peak_vm_mb=line.get("peak_vm_mb", figures["peak_anon_mb"]),
        host_psi_some=line.get("host_psi_some"),
    )
