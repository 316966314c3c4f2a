"""`bench.json`: every value that a run of the suite measured, and the conditions it was measured under.

Pages, pictures and the docs are made from this value alone, so that they can be made again from what is published.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError

Value = Mapping[str, Any]
"""What `bench.json` holds, or one case of it."""

FILE = "bench.json"
FORMAT = 1
"""Counted up when what is written could be misread by whoever knows the one before."""


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
