"""How long a verdict takes: a whole gate, run now, taken apart into what it does once and what it does for each run."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.gate import RUNS, SCENARIO
from benchmarks.gate_runs import Measured
from benchmarks.servers import within
from profiles import processes
from profiles.run_folder import RunFolder
from profiles.verdict import verdict_of

WITHIN_S = 900.0
_SAID = {0, 1, 3}
"""The exit codes of a gate that has measured: none worse, worse, cannot tell."""


@dataclass(frozen=True)
class GateTime:
    """Seconds that a gate takes.

    Attributes:
        once_s: for both builds, their stores, the decision and the report.
        each_s: for each run a side, so for one of base and one of head; as many at once as a gate runs.
        runs: a side, of the gate that was timed.
        verdict_cpu_s: CPU seconds to compute the verdict of a run from its folder, one a run; none where no gate ran.
    """

    once_s: float
    each_s: float
    runs: int
    verdict_cpu_s: tuple[float, ...] = ()

    def minutes(self, runs: int) -> float:
        """Return how long a gate of so many runs a side takes."""
        return (self.once_s + runs * self.each_s) / 60


def timed_gate(runs: int, folder: Path) -> GateTime:
    """Compare this tree with its last commit, as CI would, and return what took how long.

    Raises:
        BenchmarkError: the gate measured nothing here; says why.
    """
    out = folder / "gate"
    command = processes.python_module(
        "profiles.cli", "gate", SCENARIO, "--against", "HEAD", "--runs", runs, "--out", out
    )
    log = folder / "gate.log"
    gate = processes.start(command, log)
    try:
        within(WITHIN_S, "oomproof gate: no verdict", lambda: gate.poll() is not None)
    finally:
        status = processes.stop(gate, 60.0, gently=signal.SIGINT)  # so that it takes its VMs away
    if status not in _SAID:
        raise BenchmarkError(f"oomproof gate: exit code {status}: {processes.last_line(log)}")
    found = json.loads((out / "gate.json").read_text(encoding="utf-8"))
    folders = [out / run["folder"] for run in _runs_of(found)]
    return time_of(found, tuple(_verdict_cpu_s(one) for one in folders))


def time_of(found: Mapping[str, Any], verdict_cpu_s: tuple[float, ...] = ()) -> GateTime:
    """Return what took how long in the gate whose `gate.json` this is; each side has at least two runs."""
    (scenario,) = found["scenarios"]
    runs = len(scenario["head_runs"])
    began_s = [_epoch_s(run["started_at"]) for run in _runs_of(found)]
    return _apart(found["took_s"], began_s, runs, verdict_cpu_s)


def recorded_time(measured: Measured) -> GateTime:
    """Return the same of the whole gates that were recorded with the runs, the median of each.

    Raises:
        BenchmarkError: none was.
    """
    pairs = {pair.name: pair for pair in measured.pairs}
    times = [
        _apart(gate["took_s"], [_epoch_s(run.started_at) for run in pair.runs], len(pair.head), ())
        for gate in measured.gates
        if (pair := pairs.get(gate["of"]))
    ]
    if not times:
        raise BenchmarkError(
            "no whole gate was recorded. Measure it with `python -m benchmarks.gate_itself`."
        )
    return GateTime(median(one.once_s for one in times), median(one.each_s for one in times), RUNS)


def _apart(took_s: float, began_s: Sequence[float], runs: int, verdict_cpu_s: tuple[float, ...]) -> GateTime:
    """By turns, the runs of one number begin together: from the first to the last there are `runs - 1` of them."""
    each_s = (max(began_s) - min(began_s)) / (runs - 1)
    return GateTime(max(0.0, took_s - runs * each_s), each_s, runs, verdict_cpu_s)


def _runs_of(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    (scenario,) = found["scenarios"]
    return [*scenario["base_runs"], *scenario["head_runs"]]


def _epoch_s(started_at: str) -> float:
    return datetime.fromisoformat(started_at).timestamp()


def _verdict_cpu_s(folder: Path) -> float:
    before_s = time.process_time()
    verdict_of(RunFolder(folder))
    return time.process_time() - before_s
