"""`oomproof profile`: a scenario played twice with its server under memray, and who held the memory."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from profiles.compare import Options, benches, run_once
from profiles.errors import EXIT_INVALID, EXIT_OK, OomproofError
from profiles.heap import report_heap
from profiles.heap_capture import CAPTURE_FILE, captured
from profiles.heap_pages import MARKDOWN_FILE, PAGE_FILE
from profiles.heap_record import HeapRecord, read_heap
from profiles.heap_text import (
    NOT_QUIET,
    NOTHING_GREW,
    explained,
    grown_rows,
    late_waves,
    not_heap,
    shown_sites,
    site_rows,
)
from profiles.progress import Progress
from profiles.report_text import verdict_text
from profiles.scenario import Scenario
from profiles.verdict_record import VerdictRecord

WAVES = 2
SHOWN_SITES = 8
WAVED = ("readers", "command")
"""Loads that can be played twice: pre-generation finds its work done the second time, and a probe has no sessions."""
EXAMPLES = """examples:
  oomproof profile cached                                 who holds the memory, and what two waves leave behind
  oomproof profile live --readers 4 --session-s 120       a short one
  oomproof profile cached --env PYTHONMALLOC=malloc       every small object at its own line; slower
  oomproof profile --again reports/runs/x/cached          read an old capture again"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add the command; the options of a run are the caller's to add."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "profile",
        help="find who holds the server's memory, with memray",
        description=(
            "Plays a scenario twice with the server under memray: what each line of its code held at the "
            "peak, and what each wave of sessions left behind. The run is no measurement: memray costs CPU and memory."
        ),
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenarios", nargs="?", metavar="SCENARIO", help="a scenario, or a .toml file")
    parser.add_argument(
        "--again", type=Path, metavar="FOLDER", help="read the capture in a run's folder again"
    )
    return parser


def run(scenario: Scenario, options: Options, console: Console) -> int:
    """Profile the scenario and return the exit code: 0 profiled, 4 nothing valid was captured.

    Raises:
        OomproofError: a mistake, or a machine that cannot; nothing is left running.
    """
    if scenario.target.command is not None:
        captured(scenario.target.command, Path(CAPTURE_FILE))  # told before anything starts
    options = replace(options, memray=True)
    with (
        Progress(console) as progress,
        contextlib.closing(benches([scenario], options, ends_at_death=True)) as plan,
    ):
        for planned, bench in plan:
            captures = planned.name == scenario.name
            waves = WAVES if captures and planned.load.kind in WAVED else 1
            progress.stage(planned.name)
            progress.line(f"{planned.name}: {_what(planned, captured=captures, waves=waves)}")
            own = replace(bench, memray=captures, waves=waves)
            record = run_once(planned, own, options.out / planned.name, progress)
            if not captures and record.verdict != "survived":
                progress.line("There is no store to read from: nothing was profiled.")
                return EXIT_INVALID
    return _tell(record, options.out / scenario.name, console)


def again(folder: Path, console: Console) -> int:
    """Read the capture of a run folder again and return the exit code, as `run` does.

    Raises:
        OomproofError: the folder holds no capture.
    """
    if not (folder / CAPTURE_FILE).is_file():
        raise OomproofError(f"--again {folder}: no {CAPTURE_FILE} in it. Give the folder of a profiled run.")
    with Progress(console) as progress:
        progress.stage(folder.name)
        heap = report_heap(folder, progress.tell)
    return _tell_heap(heap, folder, console)


def _what(scenario: Scenario, *, captured: bool, waves: int) -> str:
    if not captured:
        return scenario.description
    times = "played twice, " if waves > 1 else ""
    return f"{times}with the server under memray, which costs it CPU and memory"


def _tell(record: VerdictRecord, folder: Path, console: Console) -> int:
    after = (
        ""
        if record.killed_after_s is None
        else f" after {record.killed_after_s:g} s ({record.victim_role}: {record.victim})"
    )
    console.print(f"{record.scenario}: {verdict_text(record)}{after}", highlight=False, soft_wrap=True)
    if record.verdict == "invalid":
        for line in record.evidence:
            console.print(f"  {line}", highlight=False, soft_wrap=True)
    heap = read_heap(folder)
    if heap is None:
        console.print(f"No heap was captured; see {folder}.", highlight=False, soft_wrap=True)
        return EXIT_INVALID
    code = _tell_heap(heap, folder, console)
    whole = record.verdict != "invalid" or heap.waves is not None  # a busy machine spoils figures, not a heap
    return code if whole else EXIT_INVALID


def _tell_heap(heap: HeapRecord, folder: Path, console: Console) -> int:
    for line in (explained(heap), not_heap(heap), *heap.notes):
        if line:
            console.print(line, highlight=False)
    if heap.sites:
        rows = [
            (held, share, line)
            for held, share, _, line, _ in site_rows(shown_sites(heap)[:SHOWN_SITES], heap.peak_bytes)
        ]
        _print(console, "At the heap's peak", ("held", "share", "line"), rows)
    if heap.waves is not None:
        if not all(heap.waves.quiet):
            console.print(NOT_QUIET.format(late_waves(heap.waves)), highlight=False)
        grown = [
            (a, b, c, course, line)
            for _, a, b, c, course, line, _ in grown_rows(heap.waves.sites[:SHOWN_SITES])
        ]
        if not grown:
            console.print(NOTHING_GREW, highlight=False)
        else:
            _print(console, "Left behind", ("wave 1", "wave 2", "a session", "course", "line"), grown)
    elif heap.no_waves:
        console.print(f"What waves leave behind is not known: {heap.no_waves}.", highlight=False)
    page = folder / (PAGE_FILE if (folder / PAGE_FILE).exists() else MARKDOWN_FILE)
    console.print(f"Report: {page}", soft_wrap=True, highlight=False)
    return EXIT_OK if heap.sites else EXIT_INVALID


def _print(console: Console, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in head:
        last = name == head[-1]
        table.add_column(
            name, justify="left" if last or name == "course" else "right", overflow="fold", no_wrap=not last
        )
    for row in rows:
        table.add_row(*row)
    console.print(table, highlight=False)
