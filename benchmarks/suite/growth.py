"""`python -m benchmarks.suite.growth`: put what the published benchmark says of growth where the docs quote it.

A quotation is `<!--growth WHAT-->`, what is replaced, and `<!--/growth-->`, each on a line of its own; WHAT is
`one-more`, `formulas`, `picture`, `prediction` or `conditions`. What is not measured stands there as "not measured
yet".

Exit codes: 0 written, 2 a page or `bench.json` cannot be read, or a quotation names nothing there is.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.suite import growth_inputs, result
from benchmarks.suite.growth_known import Known
from benchmarks.suite.growth_words import SAID

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guide" / "how-cost-grows.md"
PUBLISHED = ROOT / "reports" / "bench"
_QUOTATION = re.compile(r"(<!--growth (\S+)-->\n).*?(<!--/growth-->)", re.DOTALL)


def quoted(text: str, known: Known) -> str:
    """Return a page with every quotation as the figures have it.

    Raises:
        BenchmarkError: a quotation names nothing that there is.
    """

    def put(found: re.Match[str]) -> str:
        start, what, end = found.groups()
        if what not in SAID:
            raise BenchmarkError(f"quotation {what}: no such part. Use one of {', '.join(SAID)}.")
        return f"{start}\n{SAID[what](known)}\n\n{end}"

    return _QUOTATION.sub(put, text)


def known_of(published: Path) -> Known:
    """Return what is known of growth; `published` is a folder with `bench.json`, or none.

    Raises:
        BenchmarkError: `bench.json` is there and cannot be read.
        OSError: the published size of a chunk cannot be read.
        ValueError: nor understood.
    """
    there = (published / result.FILE).exists()
    return Known(result.read(published) if there else None, growth_inputs.block_bytes())


def main(argv: Sequence[str] | None = None) -> int:
    """Rewrite the page; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite.growth",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pages", nargs="*", type=Path, default=[PAGE], help="where (default: the docs)")
    parser.add_argument("--published", type=Path, default=PUBLISHED, help="the folder of bench.json")
    options = parser.parse_args(argv)
    try:
        known = known_of(options.published)
        for page in options.pages:
            text = page.read_text(encoding="utf-8")
            if (new := quoted(text, known)) != text:
                page.write_text(new, encoding="utf-8")
                print(f"{page}: figures renewed")
    except (BenchmarkError, OSError, ValueError) as error:
        print(f"benchmarks.suite.growth: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
