"""Runs the cases one after the other, with a look at the machine before and after each."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from benchmarks.errors import BenchmarkError
from benchmarks.report import commit
from benchmarks.suite import conditions, result
from benchmarks.suite.idle import Look, look, stolen, ticks_now
from benchmarks.suite.measured import Effort, Measure, Measured, Tell
from benchmarks.suite.neighbours import neighbours, taken
from benchmarks.suite.noise import During, look_reasons
from benchmarks.suite.publish import keep_logs
from benchmarks.suite.ran import Ran, case_json, check
from benchmarks.suite.result import Value
from profiles import machine
from profiles.errors import OomproofError

SETTLE_S = 1.0
QUIET_WITHIN_S = 30.0
"""How long a case waits for a quiet moment before it begins all the same."""
CASE_WITHIN_S = 1800.0
"""The longest that a case may take: five times what the full form of one is meant to."""
_END_WITHIN_S = 5.0


@dataclass(frozen=True)
class Plan:
    """What is to be run.

    Attributes:
        effort: how much is put into it.
        measures: the cases, in order.
        kept: cases of an earlier result, as `bench.json` has them.
        order: of all cases there are.
        command: as it was called.
    """

    effort: Effort
    measures: Mapping[str, Measure]
    kept: Sequence[Value]
    order: Sequence[str]
    command: str

    @property
    def form(self) -> str:
        """The form's name."""
        return "full" if self.effort.full else "short"


def run(plan: Plan, value: Value, aside: Path, tell: Tell, save: Callable[[Value], None]) -> Value:
    """Measure all cases, and return the value of `bench.json`; `save` is called with it as far as it is after each.

    `value` is what `begun` returned.

    What keeps a case from being measured is told in its place, and the others go on.

    Raises:
        OSError: nothing can be written beside.
    """
    measured_at = {"commit": value["commit"], "form": plan.form, "command": plan.command}
    after: Look | None = None
    for number, (name, measure) in enumerate(plan.measures.items(), 1):
        say = _prefixed(tell, f"[{number}/{len(plan.measures)}] {name}: ")
        before = after if after is not None and not look_reasons(after, "") else quiet_look(say)
        ran = run_case(name, measure, plan.effort, aside, before, say)
        after = ran.after
        cases = [*value["cases"], case_json(ran, measured_at)]
        value = {**value, "cases": result.in_order(cases, plan.order)}
        save(value)
        say(_told(ran))
    return {**value, "ended_at": _now()}


def begun(plan: Plan) -> dict[str, Any]:
    """Return the value before any case, with all that is known of the machine."""
    there = {*plan.measures, *(case["name"] for case in plan.kept)}
    return {
        "format": result.FORMAT,
        "form": plan.form,
        "created_at": _now(),
        "ended_at": None,
        "command": plan.command,
        "commit": commit(),
        "machine": machine.describe(),
        "versions": conditions.versions(),
        "limits": conditions.limits(),
        "left_out": [name for name in plan.order if name not in there],
        "cases": list(plan.kept),
    }


def run_case(name: str, measure: Measure, effort: Effort, aside: Path, before: Look, tell: Tell) -> Ran:
    """Measure one case in a folder of its own, which is removed; of one that fails the logs are kept."""
    work = aside / "work" / name
    work.mkdir(parents=True)
    others, ticks = neighbours(), ticks_now()
    began_at, began_s = _now(), time.monotonic()
    measured: Measured | None = None
    error: str | None = None
    tell("begins")
    try:
        with bounded(CASE_WITHIN_S):
            measured = measure(effort, work, tell)
        check(measured)
    except (BenchmarkError, OomproofError, OSError, subprocess.SubprocessError) as failed:
        measured, error = None, " ".join(str(failed).split()) or type(failed).__name__
        keep_logs(work, aside / f"{name}-logs")
    finally:
        left = end_what_is_left()
        shutil.rmtree(work, ignore_errors=True)
    took_s = time.monotonic() - began_s
    during = During(stolen(ticks, ticks_now()), taken(others, neighbours(), took_s))
    return Ran(name, measured, error, began_at, took_s, before, settled_look(), during, left)


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Let what is done inside take so long at most; only for the main thread, where signals arrive.

    Raises:
        BenchmarkError: it took longer.
    """

    def late(*_: object) -> None:
        raise BenchmarkError(f"not done within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def quiet_look(tell: Tell) -> Look:
    """Return a look at a machine that has become quiet, or is not within half a minute."""
    deadline = time.monotonic() + QUIET_WITHIN_S
    while True:
        found = settled_look()
        if not (why := look_reasons(found, "now")) or time.monotonic() > deadline:
            return found
        tell(f"waits for a quieter machine: {why[0]}")


def settled_look() -> Look:
    """Return a look at the machine when what is written has reached the disk."""
    os.sync()
    time.sleep(SETTLE_S)
    return look()


def end_what_is_left() -> tuple[str, ...]:
    """End every process that descends from this one, and return their names."""
    left = psutil.Process().children(recursive=True)
    names = tuple(_name(process) for process in left)
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            try:
                end(process)
            except psutil.NoSuchProcess:
                continue
        _, left = psutil.wait_procs(left, timeout=_END_WITHIN_S)
    return names


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()[:4]) or process.name()
    except psutil.Error:
        return f"process {process.pid}"


def _told(ran: Ran) -> str:
    if ran.error is not None:
        return f"not measured: {ran.error}"
    noisy = f"; too noisy to publish: {ran.noise[0]}" if ran.noise else ""
    return f"measured in {ran.took_s:.0f} s{noisy}"


def _prefixed(tell: Tell, prefix: str) -> Tell:
    return lambda line: tell(prefix + line)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
