"""memray's own flame graphs of a capture, as pages that ask nobody for anything; bounded in time and size."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from profiles import processes

PEAK_PAGE = "heap-flame.html"
OVER_TIME_PAGE = "heap-flame-over-time.html"
WITHIN_S = 300.0
MOST_CAPTURE_BYTES = 500 * 2**20
"""Of a larger capture the flame graph over time is left out: it holds every lifetime that was seen."""
MOST_PAGE_BYTES = 60 * 2**20
"""A larger page is left out again: no browser shows it."""
_LOG = "memray.log"


def draw_flame_graphs(
    folder: Path, capture: Path, tell: Callable[[str], None]
) -> tuple[list[str], list[str]]:
    """Draw the heap's flame graph at its peak and over time; return the pages, and why one is missing."""
    pages, missing = [], []
    for page, options in ((PEAK_PAGE, []), (OVER_TIME_PAGE, ["--temporal"])):
        reason = _draw(folder, capture, page, options, tell)
        if reason is None:
            pages.append(page)
        else:
            missing.append(f"{page}: left out: {reason}.")
            (folder / page).unlink(missing_ok=True)
    return pages, missing


def _draw(
    folder: Path, capture: Path, page: str, options: list[str], tell: Callable[[str], None]
) -> str | None:
    size = capture.stat().st_size
    if options and size > MOST_CAPTURE_BYTES:
        return f"the capture has {size / 2**20:,.0f} MB, more than {MOST_CAPTURE_BYTES / 2**20:,.0f}"
    out = folder / page
    command = processes.python_module("memray", "flamegraph", "--no-web", "-f", *options, "-o", out, capture)
    status = run_within(
        command, folder / _LOG, WITHIN_S, lambda spent: tell(f"drawing {page} ({spent:.0f} s)")
    )
    if status is None:
        return f"it took longer than {WITHIN_S:g} s"
    if status != 0:
        return f"memray ended with status {status}: {processes.last_line(folder / _LOG)}"
    if out.stat().st_size > MOST_PAGE_BYTES:
        return f"it has {out.stat().st_size / 2**20:,.0f} MB, more than a browser shows"
    return None


def run_within(command: list[str], log: Path, within_s: float, tell: Callable[[float], None]) -> int | None:
    """Run a command, telling how long it has taken; return its exit status, None when it took too long."""
    process = processes.start(command, log)
    since = time.monotonic()
    try:
        while (spent_s := time.monotonic() - since) < within_s:
            tell(spent_s)
            try:
                return process.wait(0.5)
            except subprocess.TimeoutExpired:
                continue
        return None
    finally:
        processes.stop(process)
