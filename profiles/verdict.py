"""The verdict: what a run showed, from its folder alone, so that an old run can be judged again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from profiles import figures
from profiles.death import deaths
from profiles.generator import generator_figures, processes_of
from profiles.growth import growth_figures
from profiles.kills import kill_figures
from profiles.listener_figures import listener_figures
from profiles.listeners import LISTENERS_FILE, Listener, read_listeners, write_listeners
from profiles.load import NO_UPSTREAM
from profiles.read_figures import read_figures
from profiles.request_figures import request_figures
from profiles.rules import decide, unmet
from profiles.run_folder import RunFolder, RunFolderError
from profiles.service import READING_KINDS
from profiles.unmeasured import lost_samples, unmeasured
from profiles.verdict_record import VerdictRecord

BUDGET_MB = 2048.0
"""The plan's line: memory should stay below 2 GB."""


def judge(path: Path) -> VerdictRecord:
    """Compute the verdict of the run in folder `path`; write it to `verdict.json` there, and `listeners.csv`.

    Raises:
        RunFolderError: the folder holds something that no run writes.
    """
    record, listeners = _judged(RunFolder(path))
    if listeners:
        write_listeners(listeners, path / LISTENERS_FILE)
    aside = path / "verdict.json.tmp"
    aside.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
    aside.replace(path / "verdict.json")
    return record


def verdict_of(folder: RunFolder) -> VerdictRecord:
    """Return the verdict without writing it.

    Raises:
        RunFolderError: the folder holds something that no run writes.
    """
    return _judged(folder)[0]


def _judged(folder: RunFolder) -> tuple[VerdictRecord, list[Listener]]:
    try:
        conditions, expected = _conditions(folder)
    except (KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(
            f"{folder.path / 'run.json'}: {error} is missing or is not what a run writes."
        ) from None
    # Before readers had a mix they did not say which blocks they read without their words' times.
    reading = conditions["load_kind"] in READING_KINDS
    listeners = (
        read_listeners(folder, tell_highlighting=conditions["mix"] is not None)
        if reading
        else list[Listener]()
    )
    died = {"deaths": tuple(asdict(death) for death in deaths(folder))}
    values = {**conditions, **kill_figures(folder), **died, **_figures(folder, conditions, listeners)}
    verdict, evidence = decide(folder, values)
    missed = unmet(expected, {**values, "verdict": verdict})
    record = VerdictRecord(
        **values,
        verdict=verdict,
        evidence=(*evidence, *lost_samples(folder), *missed),
        expected=expected,
        met=not missed,
    )
    return record, listeners


def _figures(
    folder: RunFolder, conditions: Mapping[str, Any], listeners: Sequence[Listener]
) -> dict[str, Any]:
    with_readers = conditions["load_kind"] == "readers"
    reading = conditions["load_kind"] in READING_KINDS
    readers = conditions["readers"] if with_readers else None
    session_wall_s = conditions["session_s"] / conditions["pace"] if with_readers else None
    felt = listener_figures(folder, listeners, session_wall_s)
    memory = figures.memory(folder, readers)
    return {
        **memory,
        **read_figures(folder),
        **growth_figures(folder, memory["growth_mb_per_hour"]),
        **request_figures(folder, reading=reading),
        **(felt if reading else dict.fromkeys(felt)),
        **figures.upstream(folder),
        **generator_figures(processes_of(folder), readers),
        "unmeasured": unmeasured(folder),
    }


def _conditions(folder: RunFolder) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the conditions of a run and what it was expected to show."""
    run: Any = folder.run
    scenario, vm = run["scenario"], run["vm"]
    load = scenario["load"]
    reading = load["kind"] in READING_KINDS
    told = str(run.get("upstream"))
    others_upstream = "://" in told or told == NO_UPSTREAM  # by its address: our stand-in has none
    upstream = {} if others_upstream else scenario.get("upstream") or {}
    conditions = {
        "scenario": scenario["name"],
        "description": scenario["description"],
        "load_kind": load["kind"],
        **{key: load[key] if reading else None for key in ("mode", "readers", "pace", "session_s")},
        "sessions": load.get("sessions", 1) if reading else None,
        "pace1_equivalent_readers": load["readers"] * load["pace"] if reading else None,
        "mix": load.get("mix") if reading else None,
        "load_processes": load.get("processes") if reading else None,
        "upstream_latency": upstream.get("latency"),
        "upstream_faults": upstream.get("faults"),
        "ended_because": next((event.text("reason") for event in folder.named("load_ended")), None),
        "vm_memory_mb": vm["memory_mb"],
        "vm_cpu": vm["cpus"],
        "vm_share_of_core": vm["share_of_core"],
        "vm_backend": vm.get("backend"),
        "vm_emulated": vm.get("emulated"),
        "profiled": run.get("memray"),
        "vm_cpu_limited": vm.get("cpu_limited"),
        "vm_swap_mb": vm.get("swap_mb"),
        "budget_mb": BUDGET_MB if reading else None,
        "document_sha256": run.get("document_sha256"),
        "document_pages": run.get("document_pages"),
    }
    return conditions, {key: value for key, value in scenario["expect"].items() if value is not None}
