"""`python -m benchmarks.gate_page`: the gate's operating characteristic, from what `benchmarks.gate` measured.

Reads `runs.jsonl` and `conditions.json` in `--out` and writes `characteristic.json`, `characteristic.md`, `power.svg`
and `power.png` beside them; where they are the published ones, also the part of the docs that quotes them. Measures
nothing. The same runs give the same files. Some minutes on two cores.

Exit codes: 0 written, 2 wrong use, or no runs.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.gate import ROOT
from benchmarks.gate_characteristic import Gates, characteristic
from benchmarks.gate_markdown import markdown, sentences
from benchmarks.gate_plot import power_figure
from benchmarks.gate_quote import renew
from benchmarks.gate_runs import read
from benchmarks.options_plot import save
from profiles.errors import EXIT_OK, OomproofError

FOLDER = ROOT / "reports" / "gate"
DOCS = ROOT / "docs" / "measurements.md"
VALUE_FILE, PAGE_FILE, PICTURE = "characteristic.json", "characteristic.md", "power"


def write(value: Mapping[str, Any], folder: Path) -> None:
    """Write the figures, the page and the picture into the folder."""
    (folder / VALUE_FILE).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / PAGE_FILE).write_text(markdown(value), encoding="utf-8")
    if value["power"]:
        save(folder / PICTURE, lambda: power_figure(value))


def main(argv: Sequence[str] | None = None) -> int:
    """Makes the page and prints its sentences; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gate_page",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--out", type=Path, default=FOLDER, help="where the runs are, and the page goes")
    add(
        "--equal",
        type=int,
        default=Gates.equal,
        metavar="GATES",
        help="simulated gates on equal states (20000)",
    )
    add(
        "--regressed",
        type=int,
        default=Gates.regressed,
        metavar="GATES",
        help="and on each regression (2000)",
    )
    add("--workers", type=int, help="processes that compute; 0: this one alone (a process a core)")
    chosen = parser.parse_args(argv)
    if min(chosen.equal, chosen.regressed) < 1:
        parser.error("--equal and --regressed: give at least 1")
    try:
        value = characteristic(read(chosen.out), Gates(chosen.equal, chosen.regressed), chosen.workers)
    except OomproofError as error:
        print(f"gate_page: {error}", file=sys.stderr)
        return error.exit_code
    write(value, chosen.out)
    if chosen.out.resolve() == FOLDER:
        renew(DOCS, value)
    print(*sentences(value), f"The page is {chosen.out / PAGE_FILE}.", sep="\n")
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
