"""Made results: cases as `bench.json` has them, with looks at a machine that is quiet, or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from benchmarks.suite.idle import CoreWork, Look
from benchmarks.suite.measured import Figure, Measured, Promise, Ratio
from benchmarks.suite.noise import During
from benchmarks.suite.ran import Ran, case_json
from benchmarks.suite.result import FORMAT

EVEN_MS = (5.0,) * 40
QUIET = Look(
    busy_share=0.005, stolen_share=0.0, work=(CoreWork(0, EVEN_MS), CoreWork(1, EVEN_MS)), together=1.01
)
BUSY = replace(QUIET, busy_share=0.2)
CALM = During(stolen_share=0.0, neighbours_share=0.004)
CONDITIONS = {"commit": "abc1234", "form": "full", "command": "python -m benchmarks.suite --full"}
MACHINE = {"cpu_model": "Some Processor", "cpus": 2, "memory_mb": 4096, "kernel": "6.1", "python": "3.11.7"}

SERVED = Measured(
    title="Chunk serving",
    figures=(
        Figure("oomproof", "16 connections", "requests/s", "1/s", (3000.0, 3100.0, 3200.0)),
        Figure("nginx", "16 connections", "requests/s", "1/s", (5000.0, 5100.0, 5200.0)),
        Figure("oomproof", "16 connections", "CPU a request", "us", (310.0, 320.0, 330.0)),
    ),
    ratios=(Ratio("requests/s", "16 connections", "oomproof", "nginx", (0.6, 0.61, 0.62)),),
    promises=(
        Promise("At least 0.5 of nginx's requests/s.", "0.61", holds=True),
        Promise("At least 5 times FileResponse's.", "4.9", holds=False),
        Promise("It holds on Sundays.", "it is Monday", holds=None),
    ),
    notes=("The chunks are a stand-in.",),
    versions=(("nginx", "1.22.1"),),
)
STORED = Measured(
    title="Store at scale",
    figures=tuple(
        Figure("oomproof", f"{chunks:,} chunks", "start-up scan, cold", "ms", (20 + chunks / 50,) * 3)
        for chunks in (100, 10_000, 200_000)
    ),
)


def ran(name: str, measured: Measured | None = SERVED, error: str | None = None, after: Look = QUIET) -> Ran:
    """A case that was run, on a machine that was quiet before it."""
    return Ran(name, measured, error, "2026-01-31T12:00:00+00:00", 61.0, QUIET, after, CALM)


def case(name: str, measured: Measured | None = SERVED, error: str | None = None, after: Look = QUIET) -> Any:
    """The same as `bench.json` has it."""
    return case_json(ran(name, measured, error, after), CONDITIONS)


def result(cases: Sequence[Any] | None = None, **more: Any) -> dict[str, Any]:
    """A result of these cases."""
    return {
        "format": FORMAT,
        "form": "full",
        "created_at": "2026-01-31T12:00:00+00:00",
        "ended_at": "2026-01-31T13:00:00+00:00",
        "command": "python -m benchmarks.suite --full",
        "commit": "abc1234",
        "machine": MACHINE,
        "versions": {"python": "3.11.7", "uvicorn": "0.54.0"},
        "limits": {"cores": [0, 1], "open_files": 20000, "load_average_before": 0.1},
        "left_out": [],
        "cases": [case("chunk_serving")] if cases is None else list(cases),
        **more,
    }
