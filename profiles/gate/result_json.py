"""`gate.json`: all that a gate found, for machines."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from profiles.gate.outcome import GateOutcome

RESULT_FILE = "gate.json"
FORMAT = 1
"""Grows when a reader of an older format would misread the file; a key more is no reason."""


def result(outcome: GateOutcome, out: Path) -> dict[str, Any]:
    """Return everything in the outcome, with its word and exit code, as JSON has it.

    Folders are named from `out`. An end of an interval that is infinite, and a figure that nobody has, is None.
    """
    found = _plain(outcome, out)
    assert isinstance(found, dict)
    return {"format": FORMAT, "word": outcome.word, "exit_code": outcome.exit_code, **found}


def save_result(outcome: GateOutcome, out: Path) -> Path:
    """Write `gate.json` into `out`, aside and renamed, so that no reader finds half of it; return its path.

    Raises:
        OSError: it cannot be written.
    """
    path, aside = out / RESULT_FILE, out / f"{RESULT_FILE}.tmp"
    text = json.dumps(result(outcome, out), indent=2, ensure_ascii=False, allow_nan=False)
    # What no text can hold (half of a surrogate pair, in a name that is no UTF-8) becomes JSON's own escape.
    aside.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")
    aside.replace(path)
    return path


def _plain(value: object, out: Path) -> object:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name), out) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(part, out) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part, out) for part in value]
    if isinstance(value, Path):
        return os.path.relpath(value, out)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
