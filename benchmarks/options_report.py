"""`python -m benchmarks.options_report`: what the runs of `benchmarks.options` show, as figures, tables and pictures.

Reads every finished run below `--out` and writes `options.json`, `options.md`, `options.html` and the pictures there,
or into `--to`. What is not there is told as missing, so it may be called while runs are still being made.

Exit codes: 0 written, 2 wrong use, no run or one that cannot be read.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.options import ROOT
from benchmarks.options_conditions import UNKNOWN, conditions
from benchmarks.options_figures import to_json
from benchmarks.options_heap import CapturedRun, captured_runs, explanation, heap_json, rss_sentences
from benchmarks.options_heap_plot import rss_figure
from benchmarks.options_overview import overview_figure
from benchmarks.options_page import Picture, Report, html_page, markdown
from benchmarks.options_plot import memory_figure, save
from benchmarks.options_runs import Found, read_runs
from profiles.errors import OomproofError
from profiles.heap_pages import RunHeap

_OVERVIEW = (
    "The highest RSS of the process tree of every run and its VM's highest anonymous memory, with the VM's limit and "
    "the plan's 2 GB. RSS counts shared pages once for each process, and so may pass the limit."
)
_OVER_TIME = (
    "A panel an option, a line a run, {balance:g} s of CPU balance at the start. All panels have the same memory axis; "
    "each time axis is as long as its longest run."
)
_RSS = (
    "The server's RSS as the recorder sampled it and as memray saw it, and its heap. memray costs CPU and memory: "
    "these runs measure nothing else."
)


def result_of(found: Found, captured: Sequence[CapturedRun], commit: str | None = None) -> dict[str, Any]:
    """Return the value of `options.json`; `commit` is the measured state where the caller knows it."""
    result = to_json(found, conditions(found, commit))
    for entry in result["heap_captures"]:
        heap = heap_json([run for run in captured if run.name == entry["option"]])
        entry["figures"].update(heap.pop("figures"))
        entry.update(heap)
    return result


def write_report(found: Found, to: Path, commit: str | None = None) -> dict[str, Any]:
    """Write everything into folder `to` and return the value of `options.json`."""
    to.mkdir(parents=True, exist_ok=True)
    captured = captured_runs(found)
    result = result_of(found, captured, commit)
    result["commits"] = _remembered(result["commits"], to / "options.json")
    report = Report(
        result,
        _pictures(found, to),
        [RunHeap(run.name, os.path.relpath(run.run.path, to), run.record) for run in captured],
        [*_heap_said(captured), *explanation(captured)],
        _drawn(captured, to),
    )
    for name, text in (
        ("options.json", json.dumps(result, indent=1, ensure_ascii=False) + "\n"),
        ("options.md", markdown(report)),
        ("options.html", html_page(report)),
    ):
        aside = to / f"{name}.tmp"
        aside.write_text(text, encoding="utf-8")
        aside.replace(to / name)
    return result


def _remembered(commits: list[str], earlier: Path) -> list[str]:
    """The commits, those that nobody knows replaced by what an earlier report there was told."""
    if UNKNOWN not in commits or not earlier.exists():
        return commits
    told = json.loads(earlier.read_text(encoding="utf-8")).get("commits", [])
    return sorted({*commits, *told} - {UNKNOWN}) or commits


def _pictures(found: Found, to: Path) -> list[Picture]:
    groups = found.groups()
    if not groups:
        return []
    title = "Peak memory of the process tree by option"
    pictures = [Picture("peaks", title, _OVERVIEW, save(to / "peaks", lambda: overview_figure(found)))]
    for balance_s in dict.fromkeys(group.balance_s for group in groups):
        same = [group for group in groups if group.balance_s == balance_s]
        stem = f"memory-balance-{balance_s:g}"
        svg = save(to / stem, lambda same=same: memory_figure(same, found))  # type: ignore[misc]  # a default is no guess
        title = f"Memory over time, {balance_s:g} s of balance"
        pictures.append(Picture(stem, title, _OVER_TIME.format(balance=balance_s), svg))
    return pictures


def _drawn(captured: Sequence[CapturedRun], to: Path) -> Picture | None:
    drawn = [run for run in captured if run.record.timeline]
    if not drawn:
        return None
    return Picture(
        "rss", "RSS by memray and by the recorder", _RSS, save(to / "rss", lambda: rss_figure(drawn))
    )


def _heap_said(captured: Sequence[CapturedRun]) -> list[str]:
    return [f"{run.name}: {sentence}" for run in captured for sentence in rss_sentences(run)]


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the report; returns the exit code."""
    options = _options(sys.argv[1:] if argv is None else argv)
    try:
        found = _runs_in(options.out)
        write_report(found, options.to or options.out, options.commit)
    except (OomproofError, OSError, ValueError) as error:
        print(f"options_report: {error}", file=sys.stderr)
        return 2
    print(f"{len(found.runs)} runs, {len(found.missing)} missing: {options.to or options.out}/options.md")
    return 0


def _runs_in(out: Path) -> Found:
    found = read_runs(out)
    if not found.runs:
        raise OomproofError(f"--out {out}: no finished run in it. Make some: make options.")
    return found


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.options_report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--out", type=Path, default=ROOT / "reports" / "options", help="where the runs are")
    add("--to", type=Path, help="where the report goes (default: where the runs are)")
    add("--commit", metavar="REV", help="the measured state, where git does not tell it")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
