"""The cases of the suite, in the order in which they are measured."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from benchmarks.suite.measured import Measure

CASES = (
    "chunk_serving",
    "slow_listeners",
    "first_audio",
    "pregeneration",
    "store_scale",
    "splitter",
    "watching",
    "load_generator",
    "gate_power",
)
"""Each is a module of this package with a function `measure`."""


def measures(names: Sequence[str]) -> dict[str, Measure]:
    """Return what measures each of these cases; loaded here, so that a mistake in one is met before any is measured."""
    return {name: importlib.import_module(f"benchmarks.suite.{name}").measure for name in names}
