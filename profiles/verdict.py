"""The verdict: what a run showed, from its folder alone, so that an old run can be judged again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from profiles import figures
from profiles.kills import kill_figures
from profiles.rules import decide, unmet
from profiles.run_folder import RunFolder, RunFolderError
from profiles.verdict_record import VerdictRecord

BUDGET_MB = 2048.0
"""The plan's line: memory should stay below 2 GB."""


def judge(path: Path) -> VerdictRecord:
    """Compute the verdict of the run in folder `path` and write it to `verdict.json` there.

    Raises:
        RunFolderError: the folder holds something that no run writes.
    """
    record = verdict_of(RunFolder(path))
    aside = path / "verdict.json.tmp"
    aside.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    aside.replace(path / "verdict.json")
    return record


def verdict_of(folder: RunFolder) -> VerdictRecord:
    """Return the verdict without writing it.

    Raises:
        RunFolderError: the folder holds something that no run writes.
    """
    try:
        conditions, expected = _conditions(folder)
    except (KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(
            f"{folder.path / 'run.json'}: {error} is missing or is not what a run writes."
        ) from None
    values = {
        **conditions,
        **kill_figures(folder),
        **figures.memory(folder),
        **figures.requests(folder),
        **figures.upstream(folder),
    }
    verdict, evidence = decide(folder, values)
    missed = unmet(expected, {**values, "verdict": verdict})
    return VerdictRecord(
        **values, verdict=verdict, evidence=tuple(evidence + missed), expected=expected, met=not missed
    )


def _conditions(folder: RunFolder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the conditions of a run and what it was expected to show."""
    run: Any = folder.run
    scenario, vm = run["scenario"], run["vm"]
    load = scenario["load"]
    conditions = {
        "scenario": scenario["name"],
        "description": scenario["description"],
        "load_kind": load["kind"],
        **{key: load[key] for key in ("mode", "readers", "pace", "session_s")},
        "pace1_equivalent_readers": load["readers"] * load["pace"],
        "ended_because": next((event.text("reason") for event in folder.named("load_ended")), None),
        "vm_memory_mb": vm["memory_mb"],
        "vm_cpu": vm["cpus"],
        "vm_share_of_core": vm["share_of_core"],
        "vm_backend": vm.get("backend"),
        "budget_mb": BUDGET_MB,
        "document_sha256": run.get("document_sha256"),
        "document_pages": run.get("document_pages"),
    }
    return conditions, {key: value for key, value in scenario["expect"].items() if value is not None}
