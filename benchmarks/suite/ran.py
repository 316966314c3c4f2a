"""A case that was run, and what `bench.json` has of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.suite import noise
from benchmarks.suite.idle import Look
from benchmarks.suite.measured import Figure, Measured, Promise, Ratio
from benchmarks.suite.noise import During
from benchmarks.suite.result import Value

_ROOT = Path(__file__).resolve().parents[2]
_DIGITS = 6


@dataclass(frozen=True)
class Ran:
    """One case that was run.

    Attributes:
        name: of the case.
        measured: what it measured; None where it could not be.
        error: why not, in one line.
        began_at: when, as ISO 8601 in UTC.
        took_s: how long.
        before: the look at the machine before it.
        after: and after it.
        during: what was seen of the machine while it ran.
        left_running: programs that it had not ended, and that were ended for it.
    """

    name: str
    measured: Measured | None
    error: str | None
    began_at: str
    took_s: float
    before: Look
    after: Look
    during: During
    left_running: tuple[str, ...] = ()

    @property
    def noise(self) -> list[str]:
        """Return what speaks against publishing it."""
        figures = self.measured.figures if self.measured else ()
        return noise.reasons(self.before, self.after, self.during, figures)


def case_json(ran: Ran, conditions: Value) -> dict[str, Any]:
    """Return a case as `bench.json` has it; `conditions` are those that another run's cases may not share."""
    found = ran.measured
    return {
        "name": ran.name,
        "title": found.title if found else ran.name.replace("_", " ").capitalize(),
        "began_at": ran.began_at,
        "took_s": round(ran.took_s, 1),
        **conditions,
        "error": None if ran.error is None else from_the_root(ran.error),
        "left_running": [from_the_root(command) for command in ran.left_running],
        "figures": [_figure_json(figure) for figure in found.figures] if found else [],
        "ratios": [_ratio_json(ratio) for ratio in found.ratios] if found else [],
        "promises": [_promise_json(promise) for promise in found.promises] if found else [],
        "notes": [from_the_root(note) for note in found.notes] if found else [],
        "versions": dict(found.versions) if found else {},
        "noise": {
            "reasons": ran.noise,
            "stolen_share": round(ran.during.stolen_share, 5),
            "neighbours_share": round(ran.during.neighbours_share, 5),
            "before": ran.before.to_json(),
            "after": ran.after.to_json(),
        },
    }


def from_the_root(text: str) -> str:
    """Return a text with the files of this repository told from its root: a result is read elsewhere too."""
    return text.replace(f"{_ROOT}/", "")


def check(measured: Measured) -> None:
    """Refuse what cannot be told: a figure or ratio without a round, or with a value that is no number.

    Raises:
        BenchmarkError: there is one.
    """
    told: tuple[Figure | Ratio, ...] = (*measured.figures, *measured.ratios)
    for one in told:
        if not one.values or not all(map(math.isfinite, one.values)):
            raise BenchmarkError(
                f"{one.quantity} of {one.subject}, {one.setting}: {one.values} is no measurement"
            )


def _figure_json(figure: Figure) -> dict[str, Any]:
    return {
        "subject": figure.subject,
        "setting": figure.setting,
        "quantity": figure.quantity,
        "unit": figure.unit,
        **_values_json(figure.values, figure.median),
    }


def _promise_json(promise: Promise) -> dict[str, Any]:
    return {**asdict(promise), "measured": from_the_root(promise.measured)}


def _ratio_json(ratio: Ratio) -> dict[str, Any]:
    return {
        "quantity": ratio.quantity,
        "setting": ratio.setting,
        "subject": ratio.subject,
        "peer": ratio.peer,
        **_values_json(ratio.values, ratio.median),
    }


def _values_json(values: Sequence[float], middle: float) -> dict[str, Any]:
    told = {"median": middle, "low": min(values), "high": max(values)}
    return {
        **{name: _rounded(value) for name, value in told.items()},
        "values": [_rounded(v) for v in values],
    }


def _rounded(value: float) -> float:
    """To six digits, so that nothing measured is lost and a file can be compared with the one before."""
    return float(f"{value:.{_DIGITS}g}")
