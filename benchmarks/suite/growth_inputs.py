"""What the page on growth takes from a result: the cost of one reader, block, page, hour and chunk stored."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from benchmarks.suite.growth_fit import Law
from benchmarks.suite.growth_prediction import Cost
from benchmarks.suite.growth_series import series_of
from benchmarks.suite.noise import OURS
from benchmarks.suite.result import Value

READING = Path(__file__).resolve().parents[2] / "reports" / "bench-readers" / "result.json"
"""Where the size of a real chunk is published: the median of 1,000, of real speech."""

CPU = ("chunk_serving", "16 connections, one request each", "CPU a request", "us")
"""A block plays longer than an idle connection is kept, so each comes over a new one."""
STREAM_CORES = ("slow_listeners", "5,000 streams", "share of a core", "1")
STREAMS = 5000
STREAM_RSS = ("slow_listeners", "5,000 streams", "RSS a stream", "kB")
STREAM_KERNEL = ("slow_listeners", "5,000 streams", "kernel's buffers a stream", "kB")
IN_ALL = "RSS in all, at most"
BLOCK_CPU = ("pregeneration", "4 at once, latency 0.5 s, with aligner", "CPU a block", "ms")
BLOCK_CPU_BARE = ("pregeneration", "4 at once, latency 0.5 s, without aligner", "CPU a block", "ms")
PAGES = ("splitter", "with the process that reads it, pages/s", "1/s")
PEAK = "peak RSS of the server"
SCAN = "start-up scan, cold"
SWEEP = "sweep, CPU"

Name = tuple[str, str, str, str]
"""Case, setting, quantity, unit: a figure of ours."""


def figure(value: Value, name: Name) -> float | None:
    """Return the median of a figure of ours; None where it is not measured."""
    case, setting, quantity, unit = name
    wanted = {"subject": OURS, "setting": setting, "quantity": quantity, "unit": unit}
    return next((one["median"] for one in _figures(value, case) if wanted.items() <= one.items()), None)


def last_figure(value: Value, case: str, quantity: str, unit: str) -> float | None:
    """Return the median of a quantity of ours under its last setting, the largest; None where it is not measured."""
    wanted = {"subject": OURS, "quantity": quantity, "unit": unit}
    found = [one["median"] for one in _figures(value, case) if wanted.items() <= one.items()]
    return found[-1] if found else None


def law(value: Value, quantity: str) -> Law | None:
    """Return the formula of a quantity of ours over a number; None where it is not measured."""
    return next(
        (one.law for one in series_of(value) if (one.subject, one.quantity) == (OURS, quantity)), None
    )


def cost_of(value: Value, block_bytes: float) -> Cost | None:
    """Return what a reader takes; None where a part of it is not measured."""
    names = (CPU, STREAM_CORES, STREAM_RSS, STREAM_KERNEL)
    cpu_us, cores, rss_kb, underway_kb = (figure(value, name) for name in names)
    in_all = law(value, IN_ALL)
    if cpu_us is None or cores is None or rss_kb is None or underway_kb is None or in_all is None:
        return None
    return Cost(cpu_us, cores / STREAMS, block_bytes, in_all.at(0), rss_kb, underway_kb)


def block_bytes(published: Path = READING) -> float:
    """Return the size of a chunk of real speech in the middle.

    Raises:
        OSError: the file cannot be read.
        ValueError: it does not tell.
    """
    try:
        return float(json.loads(published.read_text(encoding="utf-8"))["chunks"]["median_bytes"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{published}: no size of a chunk in it") from error


def _figures(value: Value, case: str) -> Iterable[Value]:
    return next((one["figures"] for one in value["cases"] if one["name"] == case), ())
