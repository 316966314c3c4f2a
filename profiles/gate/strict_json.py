"""JSON that people read and a program can trust: what belongs together on one line, and nothing taken on faith."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, ValidationError

WIDTH = 140
"""What fits stands on one line, such as the figures of a run."""
_STEP = 2
_VALUE_SHOWN = 60


class Part(BaseModel):
    """A part of a file: no unknown key, no value taken for another type, no number that is none."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def to_text(value: object, indent: int = 0, before: int = 0) -> str:
    """Return JSON in which all that is short has a line of its own, and so has a list of lists, such as a curve.

    `indent` is that of the line on which it begins, `before` how much of that line its key takes.

    Raises:
        ValueError: a number is not finite.
    """
    flat = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not value or indent + before + len(flat) < WIDTH or _is_curve(value):
        return flat
    inner = indent + _STEP
    if isinstance(value, Mapping):
        keys = [f"{json.dumps(key, ensure_ascii=False)}: " for key in value]
        parts = [key + to_text(part, inner, len(key)) for key, part in zip(keys, value.values(), strict=True)]
    elif isinstance(value, Sequence) and not isinstance(value, str):
        parts = [to_text(part, inner) for part in value]
    else:
        return flat
    return "\n".join(
        [flat[0], ",\n".join(f"{' ' * inner}{part}" for part in parts), f"{' ' * indent}{flat[-1]}"]
    )


def parse(text: str) -> object:
    """Return what JSON text holds, which has no null and no key twice.

    Raises:
        ValueError: it is something else; says what and where in one line.
    """
    try:
        found: object = json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise ValueError(_broken(text.rstrip(), error)) from None
    except RecursionError:
        raise ValueError("not JSON that anybody wrote: nested too deep") from None
    return found


def mistake(error: ValidationError) -> str:
    """Return the first mistake in one short line: the place, the value, and what it should be."""
    first = error.errors()[0]
    place = _printable(".".join(str(part) for part in first["loc"]))
    if first["type"] == "missing":
        return f"{place}: is missing"
    if first["type"] == "value_error" and isinstance(first["input"], Mapping):  # it says itself which key
        return f"{place}: {first['msg'].removeprefix('Value error, ')}"
    value = repr(first["input"])
    shown = value if len(value) <= _VALUE_SHOWN else f"{value[:_VALUE_SHOWN]}…"
    return f"{place}: {shown}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")


def _printable(key: str) -> str:
    return key if key.isprintable() else key.encode("unicode_escape").decode()


def _broken(text: str, error: json.JSONDecodeError) -> str:
    if not text:
        return "is empty"
    unfinished = error.pos >= len(text) or error.msg.startswith("Unterminated") or not text.endswith("}")
    if text.startswith("{") and unfinished:
        return f"cut off in line {len(text.splitlines())}"
    return f"line {error.lineno}, column {error.colno}: not JSON ({error.msg})"


def _is_curve(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(row, list | tuple) for row in value)


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict[str, object]()
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r}: stands twice in one place")
        if value is None:
            raise ValueError(f"{key!r}: null, where what was not measured is left out")
        found[key] = value
    return found
