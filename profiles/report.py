"""Runs in, report out: everything that is written about a comparison, from one call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from profiles.comparison import Comparison, compare, save_comparison
from profiles.heap_pages import RunHeap, html_of_runs, markdown_of_runs
from profiles.heap_record import read_heap
from profiles.memory_trace import MemoryTrace, read_memory_trace
from profiles.plots import write_memory_figure
from profiles.report_html import html_page
from profiles.report_markdown import markdown
from profiles.report_terminal import print_table
from profiles.report_text import status
from profiles.run_folder import RunFolder
from profiles.verdict_record import VerdictRecord

__all__ = ["print_table", "write_report"]


def write_report(folders: Sequence[Path], out_dir: Path) -> Comparison:
    """Write comparison.json, report.md, report.html, memory.svg and memory.png into `out_dir`.

    Args:
        folders: judged run folders, in the order they shall be shown.
        out_dir: made when it is missing; the files of an earlier report are replaced.

    Raises:
        ComparisonError: a run was not judged, or its verdict cannot be read.
        RunFolderError: a file of a run is damaged.
    """
    runs = [RunFolder(folder) for folder in folders]
    comparison = compare(runs)
    traces = [_trace(run, outcome) for run, outcome in zip(runs, comparison.outcomes, strict=True)]
    out_dir.mkdir(parents=True, exist_ok=True)
    save_comparison(comparison, out_dir / "comparison.json")
    write_memory_figure(traces, out_dir / "memory.svg", out_dir / "memory.png")
    heaps = _heaps(runs, comparison, out_dir)
    (out_dir / "report.md").write_text(markdown(comparison, markdown_of_runs(heaps)), encoding="utf-8")
    (out_dir / "report.html").write_text(html_page(comparison, traces, html_of_runs(heaps)), encoding="utf-8")
    return comparison


def _heaps(runs: Sequence[RunFolder], comparison: Comparison, out_dir: Path) -> list[RunHeap]:
    return [
        RunHeap(outcome.scenario, os.path.relpath(run.path, out_dir), heap)
        for run, outcome in zip(runs, comparison.outcomes, strict=True)
        if (heap := read_heap(run.path)) is not None
    ]


def _trace(run: RunFolder, outcome: VerdictRecord) -> MemoryTrace:
    return read_memory_trace(
        run,
        name=outcome.scenario,
        subtitle=status(outcome),
        limit_mb=outcome.vm_memory_mb,
        budget_mb=outcome.budget_mb,
    )
