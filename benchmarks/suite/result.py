"""`bench.json`: every value that a run of the suite measured, and the conditions it was measured under.

Pages, pictures and the docs are made from this value alone, so that they can be made again from what is published.
"""

from __future__ import annotations

import json
import math
import os
import platform
import resource
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.suite import noise
from benchmarks.suite.idle import Look
from benchmarks.suite.measured import Figure, Measured, Ratio

Value = Mapping[str, Any]
"""What `bench.json` holds, or one case of it."""

FILE = "bench.json"
FORMAT = 1
"""Counted up when what is written could be misread by whoever knows the one before."""
VERSIONED = ("starlette", "uvicorn", "httptools", "locust", "pypdfium2", "psutil", "memray")
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
        stolen_share: of the cores' working time while it ran, taken by the host.
        left_running: programs that it had not ended, and that were ended for it.
    """

    name: str
    measured: Measured | None
    error: str | None
    began_at: str
    took_s: float
    before: Look
    after: Look
    stolen_share: float
    left_running: tuple[str, ...] = ()

    @property
    def noise(self) -> list[str]:
        """Return what speaks against publishing it."""
        figures = self.measured.figures if self.measured else ()
        return noise.reasons(self.before, self.after, self.stolen_share, figures)


def case_json(ran: Ran, conditions: Value) -> dict[str, Any]:
    """Return a case as `bench.json` has it; `conditions` are those that another run's cases may not share."""
    found = ran.measured
    return {
        "name": ran.name,
        "title": found.title if found else ran.name.replace("_", " ").capitalize(),
        "began_at": ran.began_at,
        "took_s": round(ran.took_s, 1),
        **conditions,
        "error": ran.error,
        "left_running": list(ran.left_running),
        "figures": [_figure_json(figure) for figure in found.figures] if found else [],
        "ratios": [_ratio_json(ratio) for ratio in found.ratios] if found else [],
        "promises": [asdict(promise) for promise in found.promises] if found else [],
        "notes": list(found.notes) if found else [],
        "versions": dict(found.versions) if found else {},
        "noise": {
            "reasons": ran.noise,
            "stolen_share": round(ran.stolen_share, 5),
            "before": ran.before.to_json(),
            "after": ran.after.to_json(),
        },
    }


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


def is_good(case: Value) -> bool:
    """Whether a case was measured, on a machine that was quiet enough."""
    return case["error"] is None and not case["noise"]["reasons"]


def held(case: Value) -> dict[bool | None, int]:
    """Return how many of a case's promises are held, not held, and not told."""
    answers = [promise["holds"] for promise in case["promises"]]
    return {word: answers.count(word) for word in (True, False, None)}


def headline(case: Value) -> list[Value]:
    """Return the ratio that a case tells first, and the same quantity, under the same setting, to its other peers."""
    ratios: Sequence[Value] = case["ratios"]
    same = ("quantity", "setting", "subject")
    return [one for one in ratios if all(one[key] == ratios[0][key] for key in same)]


def why_not(value: Value) -> list[str]:
    """Return what speaks against publishing a run, a line each with the case's name; none when it was quiet."""
    return [f"{case['name']}: {reason}" for case in value["cases"] for reason in case["noise"]["reasons"]]


def versions() -> dict[str, str]:
    """Return what the measured programs' packages call themselves."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in VERSIONED}}


def limits() -> dict[str, Any]:
    """Return what was allowed to us: cores, open files, and what the load was before."""
    return {
        "cores": sorted(os.sched_getaffinity(0)),
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "load_average_before": round(os.getloadavg()[0], 2),
    }


def kept_of(earlier: Value, names: Iterable[str], form: str, machine: Value) -> list[Value]:
    """Return the good cases of an earlier result but those named, which are measured anew.

    Raises:
        BenchmarkError: it was measured on another machine, or in the other form.
    """
    if earlier["machine"] != machine:
        raise BenchmarkError("--keep: was measured on another machine. Measure all cases here.")
    if earlier["form"] != form:
        raise BenchmarkError(
            f"--keep: is of the {earlier['form']} form. Give the same form, or measure all cases."
        )
    again = set(names)
    return [case for case in earlier["cases"] if is_good(case) and case["name"] not in again]


def in_order(cases: Sequence[Value], order: Sequence[str]) -> list[Value]:
    """Return cases in the suite's order."""
    return sorted(cases, key=lambda case: order.index(case["name"]))


def read(folder: Path) -> Value:
    """Return what a folder's `bench.json` holds.

    Raises:
        BenchmarkError: there is none that can be read.
    """
    path = folder / FILE
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchmarkError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise BenchmarkError(f"{path}: not JSON: {error}") from None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise BenchmarkError(f"{path}: not a result that this version of the suite wrote. Measure anew.")
    return value


def _figure_json(figure: Figure) -> dict[str, Any]:
    return {
        "subject": figure.subject,
        "setting": figure.setting,
        "quantity": figure.quantity,
        "unit": figure.unit,
        **_values_json(figure.values, figure.median),
    }


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
