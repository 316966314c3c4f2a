"""The part of the docs that quotes the gate's operating characteristic: put in from `characteristic.json` alone.

A quotation is `<!--gate WHAT-->`, what is replaced, and `<!--/gate-->`, each on a line of its own; WHAT is `sentences`,
`required` or `conditions`. Until there are figures it says so.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.gate_markdown import conditions, items, rows, sentences
from benchmarks.gate_tables import required
from profiles.errors import OomproofError

LATER = "Not measured yet."
_QUOTATION = re.compile(r"(<!--gate (\S+)-->\n).*?(<!--/gate-->)", re.DOTALL)
_SAID: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "sentences": lambda value: items(sentences(value)),
    "required": lambda value: rows(required(value)),
    "conditions": lambda value: items(conditions(value)),
}


def quoted(text: str, value: Mapping[str, Any] | None) -> str:
    """Return a page with every quotation as the figures have it; `value` is that of `characteristic.json`.

    Raises:
        OomproofError: a quotation names nothing that there is.
    """

    def put(found: re.Match[str]) -> str:
        start, what, end = found.groups()
        if what not in _SAID:
            raise OomproofError(f"quotation {what}: no such part. Use one of {', '.join(_SAID)}.")
        said = LATER if value is None else _SAID[what](value)
        return f"{start}\n{said}\n\n{end}"

    return _QUOTATION.sub(put, text)


def renew(page: Path, value: Mapping[str, Any]) -> None:
    """Write the figures into the page.

    Raises:
        OomproofError: as `quoted`.
    """
    page.write_text(quoted(page.read_text(encoding="utf-8"), value), encoding="utf-8")
