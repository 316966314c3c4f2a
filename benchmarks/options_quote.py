"""`python -m benchmarks.options_quote`: put the published figures of the options where the docs quote them.

A quotation is `<!--q OPTION@BALANCE WHAT [UNIT [DIGITS]]-->...<!--/q-->`; what stands between is replaced. WHAT is
`end`, `victims`, `runs` or a figure of `options.json`, told lowest to highest; `A@500/B@500 FIGURE` tells how many
times B's median A's is. Where the option is not measured yet, "not measured yet" stands.

Exit codes: 0 written, 2 a page or `options.json` cannot be read, or a quotation names nothing there is.
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.options import NAMES, ROOT
from benchmarks.options_figures import EVERY
from benchmarks.options_words import Entry, cell, verdicts, victims
from profiles.errors import OomproofError
from profiles.report_text import NONE, number

DOCS = ROOT / "docs"
PAGES = (DOCS / "verification.md", DOCS / "measurements.md", DOCS / "guide" / "operations.md")
RESULT = ROOT / "reports" / "options" / "options.json"
LATER = "not measured yet"
_QUOTATION = re.compile(r"(<!--q (\S+) (\w+)(?: (\S+?))?(?: (\d))?-->).*?(<!--/q-->)", re.DOTALL)
_OPTION = re.compile(rf"({'|'.join(sorted(NAMES, key=len, reverse=True))})@(\d+)")
_WORDS: Mapping[str, Callable[[Entry], str]] = {
    "end": verdicts,
    "victims": victims,
    "runs": lambda entry: str(entry["repetitions"]),
}


def quoted(text: str, result: Mapping[str, Any]) -> str:
    """Return a page with every quotation as `result` has it, the value of `options.json`.

    Raises:
        OomproofError: a quotation names an option or a figure that there is not.
    """

    def put(found: re.Match[str]) -> str:
        start, whose, what, unit, digits, end = found.groups()
        return f"{start}{_told(result, whose, what, unit or '', int(digits or 0))}{end}"

    return _QUOTATION.sub(put, text)


def _told(result: Mapping[str, Any], whose: str, what: str, unit: str, digits: int) -> str:
    if what not in _WORDS and what not in EVERY:
        raise OomproofError(
            f"quotation {whose} {what}: no such figure. Use one of {', '.join((*_WORDS, *EVERY))}."
        )
    entries = [_entry(result, name) for name in whose.split("/")]
    if None in entries:
        return LATER
    known = [entry for entry in entries if entry is not None]
    if len(known) == 2:
        return _times(known[0], known[1], what)
    return _WORDS[what](known[0]) if what in _WORDS else cell(known[0], what, unit, digits)


def _entry(result: Mapping[str, Any], name: str) -> Entry | None:
    option = _OPTION.fullmatch(name)
    if option is None:
        raise OomproofError(f"quotation {name}: no option at a balance. Write such as {NAMES[0]}@500.")
    entries: Sequence[Entry] = [*result.get("options", ()), *result.get("heap_captures", ())]
    wanted = (option[1], float(option[2]))
    return next((entry for entry in entries if (entry["option"], entry["balance_s"]) == wanted), None)


def _times(entry: Entry, base: Entry, what: str) -> str:
    medians = [found["figures"].get(what, {}).get("median") for found in (entry, base)]
    return NONE if None in medians or not medians[1] else number(medians[0] / medians[1])


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrites the pages; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.options_quote",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pages", nargs="*", type=Path, default=PAGES, help="where (default: the docs)")
    parser.add_argument("--result", type=Path, default=RESULT, help="options.json")
    options = parser.parse_args(argv)
    try:
        result = json.loads(options.result.read_text(encoding="utf-8"))
        for page in options.pages:
            text = page.read_text(encoding="utf-8")
            if (new := quoted(text, result)) != text:
                page.write_text(new, encoding="utf-8")
                print(f"{page}: figures renewed")
    except (OomproofError, OSError, ValueError) as error:
        print(f"options_quote: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
