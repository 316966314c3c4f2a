"""The rows of a gate's report: its conditions, and every run's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel

from profiles.gate.metrics import Metric
from profiles.gate.outcome import GateRun, ScenarioDecision
from profiles.gate.report_text import figure, printable, short_title
from profiles.report_text import NONE, number

_ABBREVIATIONS = {
    "api": "API",
    "cpu": "CPU",
    "cpus": "CPUs",
    "gb": "GB",
    "mb": "MB",
    "rss": "RSS",
    "sha256": "SHA-256",
    "vm": "VM",
}


def condition_rows(conditions: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return label and value of every condition; a table within has a row with all of its values."""
    return [(_label(key), _value(value)) for key, value in conditions.items()]


def _label(key: object) -> str:
    words = printable(str(key)).replace("_", " ").split(" ")
    return " ".join(_ABBREVIATIONS.get(word, word) for word in words)


def _value(value: object) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return ", ".join(f"{_label(key)} {_value(part)}" for key, part in value.items()) or NONE
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or NONE
    return NONE if value is None else printable(f"{value:g}" if isinstance(value, float) else str(value))


def run_rows(decision: ScenarioDecision) -> Iterator[tuple[str, ...]]:
    """Yield every run's figures, base first, each side's first tries last; the first row is the head of the table."""
    metrics = [found.metric for found in decision.metrics]
    shown = [f"{short_title(metric)}, {metric.unit}" for metric in metrics]
    vm = ("peak VM, MB", "without cache, MB")
    yield ("run", "verdict", *shown, *vm, "load, s", "host memory pressure, %", "started")
    for side, runs, first_tries in (
        ("base", decision.base_runs, decision.base_retried),
        ("head", decision.head_runs, decision.head_retried),
    ):
        for position, run in enumerate(runs, 1):
            yield _row(f"{side} {position}", run, metrics)
        for run in first_tries:
            where = f" ({printable(run.folder.name)})" if run.folder else ""
            yield _row(f"{side}, first try{where}", run, metrics)


def _row(name: str, run: GateRun, metrics: Sequence[Metric]) -> tuple[str, ...]:
    return (
        name,
        printable(run.verdict) + {True: "", False: ", not as expected", None: ""}[run.met],
        *(figure(run.figures.get(metric.name)) for metric in metrics),
        figure(run.peak_vm_mb),
        figure(run.peak_vm_kept_mb),
        figure(run.duration_s),
        number(run.host_psi_some, "", 2),
        printable(run.started_at) or NONE,
    )
