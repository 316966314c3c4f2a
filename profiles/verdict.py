"""The verdict: what a run showed, computed from its folder alone, so that an old run can be judged again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from profiles import figures
from profiles.run_folder import Event, RunFolder

BUDGET_MB = 2048.0
"""The plan's line: memory should stay below 2 GB."""
MOST_LOAD_CPU_SHARE = 0.5
"""A generator that needs more than half a core no longer plays its readers in time."""
LONGEST_GAP_S = 2.0
"""Samples further apart than this leave too much unseen."""
MOST_FAILED_SHARE = 0.01
"""More failed audio requests than this, without a kill, is an unhealthy server."""
SIGKILL = -9


@dataclass(frozen=True)
class VerdictRecord:
    """What `verdict.json` holds. MB are MiB, times wall seconds from the load's start; None: unknown."""

    scenario: str
    description: str
    load_kind: str
    mode: str
    verdict: str
    evidence: list[str]
    killed_after_s: float | None
    first_kill_s: float | None
    victim: str | None
    victim_role: str | None
    held_at_kill: dict[str, Any]
    server_kills: int
    child_kills: int
    oom_kills: int
    restarts: int
    served_again: bool
    readers: int
    pace: float
    pace1_equivalent_readers: float
    session_s: float
    duration_s: float | None
    vm_memory_mb: int
    vm_cpu: float
    vm_share_of_core: float
    vm_backend: str
    budget_mb: float
    cpu_s: float | None
    throttled_s: float | None
    balance_left_s: float | None
    document_sha256: str | None
    document_pages: int | None
    peak_vm_mb: float | None
    kernel_peak_vm_mb: float | None
    peak_anon_mb: float | None
    peak_server_rss_mb: float | None
    peak_tree_rss_mb: float | None
    peak_children: int | None
    steady_rss_mb: float | None
    growth_mb_per_hour: float | None
    chunk_p50_ms: float | None
    chunk_p95_ms: float | None
    chunk_p99_ms: float | None
    tts_p50_ms: float | None
    tts_p95_ms: float | None
    first_audio_p50_ms: float | None
    blocks_played: int
    stalls: int
    stall_s: float
    timings_refused: int
    requests: int
    failures: int
    load_cpu_share: float | None
    load_peak_rss_mb: float | None
    recorder_cpu_share: float | None
    longest_sample_gap_s: float | None
    samples: int
    expected: dict[str, Any]
    met: bool


def judge(path: Path) -> VerdictRecord:
    """Compute the verdict of the run in folder `path` and write it to `verdict.json` there.

    Raises:
        RunFolderError: the folder holds something that no run writes.
    """
    folder = RunFolder(path)
    record = _record(folder)
    aside = path / "verdict.json.tmp"
    aside.write_text(json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    aside.replace(path / "verdict.json")
    return record


def _record(folder: RunFolder) -> VerdictRecord:
    run: Mapping[str, Any] = folder.run
    scenario = run["scenario"]
    load, expect, vm = scenario["load"], scenario["expect"], run["vm"]
    values: dict[str, Any] = {
        "scenario": scenario["name"],
        "description": scenario["description"],
        "load_kind": load["kind"],
        "mode": load["mode"],
        **{key: load[key] for key in ("readers", "pace", "session_s")},
        "pace1_equivalent_readers": load["readers"] * load["pace"],
        "vm_memory_mb": vm["memory_mb"],
        "vm_cpu": vm["cpus"],
        "vm_share_of_core": vm["share_of_core"],
        "vm_backend": vm.get("backend", "none"),
        "budget_mb": BUDGET_MB,
        "document_sha256": run.get("document_sha256"),
        "document_pages": run.get("document_pages"),
        **_kills(folder),
        **figures.memory(folder),
        **figures.requests(folder),
    }
    verdict, evidence = _decide(folder, values)
    expected = {key: value for key, value in expect.items() if value is not None}
    unmet = _unmet(expected, {**values, "verdict": verdict})
    return VerdictRecord(
        **values, verdict=verdict, evidence=evidence + unmet, expected=expected, met=not unmet
    )


def _kills(folder: RunFolder) -> dict[str, Any]:
    zero = folder.time_zero_s or 0.0
    kills = _events(folder, "oom_kill")
    server = [kill for kill in kills if kill.text("role") == "server"]
    first = next(iter(server or kills), None)
    counted = [event.facts.get("oom_kills") for event in folder.events if "oom_kills" in event.facts]
    total = max([len(kills), *(count for count in counted if isinstance(count, int))])
    return {
        "killed_after_s": None if first is None else round(first.t - zero, 1),
        "first_kill_s": round(kills[0].t - zero, 1) if kills else None,
        "victim": None if first is None else f"{first.text('comm')} ({first.text('anon_rss_mb')} MB)",
        "victim_role": None if first is None else first.text("role"),
        "held_at_kill": {} if first is None else first.facts.get("held", {}),
        "server_kills": len(server),
        "child_kills": total - len(server),
        "oom_kills": total,
        "restarts": len(_events(folder, "restarted")),
        "served_again": bool(_events(folder, "serving_again")),
    }


def _decide(folder: RunFolder, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the verdict and its evidence; the first rule that holds decides."""
    invalid = _reasons_invalid(folder, values)
    kill_lines = [kill.text("line") for kill in _events(folder, "oom_kill")]
    if invalid:
        return "invalid", invalid + kill_lines
    if values["oom_kills"]:
        counter = f"the kernel counted {values['oom_kills']} kills in this VM"
        return "oom_killed", [counter, *kill_lines]
    statuses = [exit_.facts.get("returncode") for exit_ in _events(folder, "exited")]
    if statuses:
        verdict = "killed" if SIGKILL in statuses else "crashed"
        return verdict, [f"server: ended with status {status}, no kernel kill" for status in statuses]
    if not any(event.facts.get("ok") for event in _events(folder, "health")):
        return "unhealthy", ["server: did not answer /api/health after the load"]
    if values["failures"] > MOST_FAILED_SHARE * values["requests"]:
        return "unhealthy", [f"{values['failures']} of {values['requests']} requests failed"]
    return "survived", ["no kill, no restart, healthy after the load"]


def _reasons_invalid(folder: RunFolder, values: Mapping[str, Any]) -> list[str]:
    reasons = [event.text("reason") for event in _events(folder, "failed")]
    ended = _events(folder, "load_ended")
    if not ended:
        return [*reasons, "the load never ended: the run was cut off"]
    if ended[-1].facts.get("returncode") not in (0, None) or ended[-1].text("reason") == "it took too long":
        reasons.append(f"load: ended with status {ended[-1].text('returncode')} ({ended[-1].text('reason')})")
    share, gap = values["load_cpu_share"], values["longest_sample_gap_s"]
    if share is not None and share > MOST_LOAD_CPU_SHARE:
        reasons.append(f"load: used {share:.2f} of a core, more than {MOST_LOAD_CPU_SHARE:g}: fewer readers")
    if values["samples"] == 0:
        reasons.append("recorder: no samples")
    elif gap is not None and gap > LONGEST_GAP_S:
        reasons.append(f"recorder: {gap:.1f} s without a sample: the machine was starved")
    if values["load_kind"] != "pregenerate" and values["blocks_played"] == 0:
        reasons.append("readers: not one block was played")
    return reasons


def _unmet(expected: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """Return a line for each expectation that the run did not meet."""
    found: dict[str, bool] = {
        "verdict": values["verdict"] == expected.get("verdict"),
        "server_killed": (values["server_kills"] > 0) == expected.get("server_killed"),
        "peak_tree_rss_mb_below": (values["peak_tree_rss_mb"] or float("inf"))
        < expected.get("peak_tree_rss_mb_below", 0),
        "stalls": values["stalls"] == expected.get("stalls"),
    }
    actual = {
        "verdict": values["verdict"],
        "server_killed": values["server_kills"] > 0,
        "peak_tree_rss_mb_below": values["peak_tree_rss_mb"],
        "stalls": values["stalls"],
    }
    return [
        f"expected {key} = {wanted}, found {actual[key]}"
        for key, wanted in expected.items()
        if not found[key]
    ]


def _events(folder: RunFolder, name: str) -> Sequence[Event]:
    return [event for event in folder.events if event.event == name]
