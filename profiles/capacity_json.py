"""`capacity.json`: every run of a search with its figures and conditions, and the bounds found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from profiles.capacity import Capacity
from profiles.capacity_conditions import carries
from profiles.capacity_outcome import Outcome
from profiles.capacity_text import headline, reasons, result


def save_capacities(capacities: Sequence[Capacity], path: Path) -> None:
    """Write what was found, aside and renamed, so that no reader finds half of it."""
    runs = [outcome.run for capacity in capacities for outcome in capacity.outcomes]
    document = {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": next((run["machine"] for run in runs if "machine" in run), {}),
        "found": headline(capacities),
        "aim": asdict(capacities[0].aim) if capacities else {},
        "carries": carries(capacities[0].aim) if capacities else "",
        "scenarios": [_scenario(capacity) for capacity in capacities],
    }
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path)


def _scenario(capacity: Capacity) -> dict[str, object]:
    known = capacity.bounds
    deciding = capacity.deciding(known.failed)
    return {
        "scenario": capacity.scenario,
        "found": result(capacity),
        "carried": known.carried,
        "not_carried": known.failed,
        "ran_out_first": None if deciding is None else deciding.limits[0].resource,
        "generator_limit": known.generator,
        "machine_limit": known.machine,
        "not_valid": known.broken,
        "finished": capacity.finished,
        "reasons": reasons(capacity),
        "runs": [_run(outcome) for outcome in capacity.outcomes],
    }


def _run(outcome: Outcome) -> dict[str, object]:
    return {
        "folder": outcome.folder,
        "readers": outcome.readers,
        "showed": outcome.showed,
        "why": outcome.why,
        "stall_share": outcome.stall_share,
        "limits_passed": [asdict(limit) for limit in outcome.passed],
        "verdict": outcome.record.model_dump(mode="json", exclude_unset=True),
        "run": outcome.run,
    }
