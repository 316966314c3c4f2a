"""A window in which psutil polls a target, and what the poller used in it."""

from __future__ import annotations

from pathlib import Path

import psutil

from benchmarks.errors import BenchmarkError
from benchmarks.servers import within
from benchmarks.suite.psutil_poll import Call
from benchmarks.watched_target import SETTLE_S, Look, Target, Window, cost_of
from profiles import processes


def polled(watched: Target, call: Call, hz: float, seconds: float, folder: Path) -> Window:
    """Take a window in which psutil polls the target's processes so many times a second.

    Raises:
        BenchmarkError: the server, the client or the poller failed.
    """
    out, log = folder / "polled.csv", folder / "polled.log"
    out.unlink(missing_ok=True)
    command = processes.python_module("benchmarks.suite.psutil_poll", out, hz, call, *map(str, watched.pids))
    poller = processes.start(command, log)
    try:
        within(30.0, f"{call}: nothing was polled", lambda: poller.poll() is not None or bool(looks_in(out)))
        skipped = len(looks_in(out)) + round(SETTLE_S * hz)
        latencies_us = watched.latencies_us(seconds)
        looks = looks_in(out)[skipped:]
        if poller.poll() is not None or len(looks) < 2:
            raise BenchmarkError(f"{call}: {log}: {processes.last_line(log)}")
        rss_bytes = psutil.Process(poller.pid).memory_info().rss
    finally:
        processes.stop(poller)
    return Window(latencies_us, cost_of(looks, rss_bytes))


def looks_in(file: Path) -> list[Look]:
    """Return what the poller wrote of itself so far; nothing where it has not begun, and never half a row."""
    if not file.exists():
        return []
    whole, _, _ = file.read_text(encoding="ascii").rpartition("\n")
    cells = (line.split(",") for line in whole.splitlines())
    return [Look(float(t), float(cpu_s)) for t, cpu_s, _ in cells]
