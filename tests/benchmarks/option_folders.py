"""Made-up run folders of the options, where `benchmarks.options` would put them. No figure in them was measured."""

import csv
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from profiles.run_folder import REQUEST_COLUMNS, SAMPLE_COLUMNS

MIB = 2**20
ZERO_S = 1000.0
BEGAN = datetime.fromisoformat("2026-11-23T01:00:00+00:00")
CHILD, SERVER = "child", "server"
SURVIVED: dict[str, Any] = {
    "scenario": "cached", "verdict": "survived", "load_kind": "readers", "mode": "cached", "evidence": ["invented"],
    "readers": 32, "pace": 1.0, "session_s": 600.0, "mix": "steady", "load_processes": 1, "duration_s": 60.0,
    "vm_memory_mb": 4096.0, "vm_cpu": 2.0, "vm_share_of_core": 0.125, "vm_backend": "cgroup v1", "budget_mb": 2048.0,
    "vm_cpu_limited": True, "document_sha256": "5e" * 32, "document_pages": 142, "upstream_latency": "2-5",
    "upstream_faults": [], "peak_vm_mb": 105.4, "peak_anon_mb": 50.4, "peak_tree_rss_mb": 65.8,
    "peak_server_rss_mb": 65.8, "peak_children": 0, "blocks_played": 904, "stalls": 0, "stall_s": 0.0,
    "first_audio_p50_ms": 5.6, "chunk_p95_ms": 30.8, "cpu_s": 4.2, "throttled_s": 0.0, "met": True,
}  # fmt: skip
KILLED: dict[str, Any] = {
    **SURVIVED, "scenario": "live", "verdict": "oom_killed", "mode": "live", "killed_after_s": 31.1,
    "first_kill_s": 26.8, "victim_role": SERVER, "server_kills": 1, "child_kills": 2, "oom_kills": 3, "restarts": 1,
    "peak_vm_mb": 4096.0, "peak_anon_mb": 4045.7, "peak_tree_rss_mb": 5205.2, "peak_server_rss_mb": 253.5,
    "peak_children": 35, "stalls": 9, "stall_s": 69.1, "first_audio_p50_ms": 4268.0, "chunk_p95_ms": None,
    "cpu_s": 62.79,
}  # fmt: skip
CHILDREN_ONLY = {
    **KILLED,
    "killed_after_s": 299.6,
    "victim_role": CHILD,
    "server_kills": 0,
    "child_kills": 17,
    "oom_kills": 17,
}


def make_run(
    out: Path, name: str, base: dict[str, Any] = SURVIVED, *, minute: float = 0, **changes: Any
) -> Path:
    """Write a run such as `balance-500/live-1`, which took that minute; `changes` are its verdict's."""
    path = out / name
    path.mkdir(parents=True)
    verdict = {**base, "scenario": path.name.rpartition("-")[0], **changes}
    began = BEGAN + timedelta(minutes=minute)
    run = {
        "scenario": {
            "load": {"chapters": 8, "blocks": 20, "seed": 1},
            "target": {"environment": {"ALIGNERS": "0" if verdict["mode"] == "live" else "1"}},
        },
        "versions": {"oomproof": "0.1.0"},
        "machine": {"cpu_model": "Invented", "cpus": 2, "memory_mb": 24105, "kernel": "6.1", "python": "3.11"},
        "vm": {
            "backend": "cgroup v1", "memory_mb": verdict["vm_memory_mb"], "cpus": verdict["vm_cpu"],
            "share_of_core": verdict["vm_share_of_core"],
            "balance_at_start_s": float(path.parent.name.removeprefix("balance-")),
        },
        "upstream": "the project's own stand-in (espeak-ng)",
        "started_at": began.isoformat(),
        "ended_at": (began + timedelta(minutes=1)).isoformat(),
    }  # fmt: skip
    (path / "run.json").write_text(json.dumps(run))
    (path / "verdict.json").write_text(json.dumps(verdict))
    write_samples(path, [(t / 2, (60 + t) * MIB) for t in range(-4, 120)])
    _write_csv(path / "requests.csv", REQUEST_COLUMNS, [])
    write_events(path, verdict)
    return path


def write_samples(path: Path, server: list[tuple[float, float | None]]) -> None:
    """Write samples whose server had such RSS, by seconds since the load's start; the rest follows from it."""
    rows = []
    for t_s, rss in server:
        row = {
            "t": ZERO_S + t_s, "vm_bytes": 2 * (rss or 0), "anon_bytes": rss or 0,
            "server_rss_bytes": "" if rss is None else rss,
            "children_rss_bytes": 0, "processes": 1, "cpu_s": 0.1 * t_s, "load_cpu_s": 0.05 * t_s,
            "recorder_cpu_s": 0.01 * t_s, "host_psi_some": 7.5 if t_s == 10 else 0.5,
            "machine_cpu_s": 100 + 1.66 * t_s if t_s == int(t_s) else "",
        }  # fmt: skip
        rows.append([row.get(column, "") for column in SAMPLE_COLUMNS])
    _write_csv(path / "samples.csv", SAMPLE_COLUMNS, rows)


def write_events(path: Path, verdict: dict[str, Any]) -> None:
    """Write the load's start and end, and the kills that the verdict counts."""
    roles = [CHILD] * (verdict.get("child_kills") or 0) + [SERVER] * (verdict.get("server_kills") or 0)
    events: list[dict[str, Any]] = [{"t": ZERO_S, "event": "load_started"}]
    events += [{"t": ZERO_S + 20 + at, "event": "oom_kill", "role": role} for at, role in enumerate(roles)]
    events += [{"t": ZERO_S + 59, "event": "load_ended", "reason": "the sessions' end"}]
    (path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def _write_csv(path: Path, columns: tuple[str, ...], rows: list[list[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
