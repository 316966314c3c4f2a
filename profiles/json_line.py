"""JSON objects among the lines of a log, each on a line of its own or spread over several."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

JsonObject = Mapping[str, Any]

MOST_LINES = 200
"""An object with more lines is none of a log's; `flyctl` spreads an entry over about forty."""


def parse_json(text: str) -> JsonObject | None:
    """Return the JSON object that a line is, or None."""
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def joined(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines, each object that is spread over several (`{` to `}` at a line's start) as one.

    What was begun and never closed comes as the lines that it was.
    """
    begun: list[str] = []
    for line in lines:
        if not begun and line.rstrip() != "{":
            yield line
            continue
        begun.append(line)
        if line.rstrip() == "}":
            yield " ".join(part.strip() for part in begun)
            begun = []
        elif len(begun) > MOST_LINES:
            yield from begun
            begun = []
    yield from begun
