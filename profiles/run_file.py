"""`run.json`: the conditions of a run, written before it starts and completed as they become known."""

from __future__ import annotations

import importlib.metadata
import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from profiles import machine
from profiles.scenario import Scenario
from profiles.vm_size import VmSize

RUN_FILE = "run.json"
VERSIONED = (
    "oomproof",
    "starlette",
    "uvicorn",
    "faster-whisper",
    "ctranslate2",
    "locust",
    "psutil",
    "memray",
)


def write_run(folder: Path, scenario: Scenario, size: VmSize, upstream: str, *, memray: bool) -> None:
    """Write what is known before the run starts."""
    vm = {**asdict(size), "balance_at_start_s": scenario.vm.balance_s}
    _write(folder, scenario.model_dump(), vm, upstream=upstream, memray=memray)


def write_watched_run(
    folder: Path, scenario: dict[str, object], vm: dict[str, object], **facts: object
) -> None:
    """Write what is known before something that runs already is watched; `facts` say what that is."""
    _write(folder, scenario, vm, upstream="none", memray=False, **facts)


def _write(folder: Path, scenario: dict[str, object], vm: dict[str, object], **facts: object) -> None:
    known = {
        "scenario": scenario,
        "versions": {name: importlib.metadata.version(name) for name in VERSIONED},
        "machine": machine.describe(),
        "vm": vm,
        **facts,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "started_monotonic_s": time.monotonic(),
    }
    _replace(folder / RUN_FILE, known)


def update_run(folder: Path, **facts: object) -> None:
    """Add facts; a table is merged into the one that is there."""
    path = folder / RUN_FILE
    known = json.loads(path.read_text(encoding="utf-8"))
    for key, value in facts.items():
        known[key] = {**known[key], **value} if isinstance(value, dict) and key in known else value
    _replace(path, known)


def finish_run(folder: Path) -> None:
    """Note when the run ended."""
    update_run(folder, ended_at=datetime.now(UTC).isoformat(timespec="seconds"))


def _replace(path: Path, facts: dict[str, object]) -> None:
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path)
