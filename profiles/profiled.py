"""Runs whose server was under memray: they tell who held the memory, and measure nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from profiles.verdict_record import VerdictRecord


def is_profiled(record: VerdictRecord) -> bool:
    """Return whether the server ran under memray; no gate may compare such a run."""
    return record.profiled is True


def profiled_warning(outcomes: Iterable[VerdictRecord]) -> list[str]:
    """Return what a report must say where servers were profiled; nothing where none was."""
    names = [outcome.scenario for outcome in outcomes if is_profiled(outcome)]
    if not names:
        return []
    return [f"Run under memray, which costs CPU and memory, so no measurement: {', '.join(names)}."]
