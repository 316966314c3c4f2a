"""Synthetic run folders: small, believable and wholly invented. No figure in them was measured."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from profiles.run_folder import REQUEST_COLUMNS, SAMPLE_COLUMNS

MIB = 1024 * 1024
START_S = 1000.0  # the invented monotonic clock when the first sample is taken
ZERO_S = START_S + 8.0  # and when the load starts

MakeRun = Callable[..., Path]

VERDICT: dict[str, Any] = {
    "scenario": "cached",
    "description": "invented",
    "load_kind": "readers",
    "mode": "cached",
    "verdict": "survived",
    "evidence": ["no kill in the kernel log", "the server answered until the load ended"],
    "killed_after_s": None,
    "first_kill_s": None,
    "victim": None,
    "victim_role": None,
    "held_at_kill": {},
    "server_kills": 0,
    "child_kills": 0,
    "oom_kills": 0,
    "deaths": [],
    "restarts": 0,
    "served_again": False,
    "readers": 32,
    "pace": 5.0,
    "pace1_equivalent_readers": 160.0,
    "session_s": 600.0,
    "sessions": 1,
    "mix": "steady",
    "duration_s": 124.0,
    "vm_memory_mb": 4096,
    "vm_cpu": 2.0,
    "vm_share_of_core": 0.125,
    "vm_backend": "cgroup v1",
    "vm_emulated": False,
    "vm_cpu_limited": True,
    "vm_swap_mb": 0,
    "profiled": False,
    "budget_mb": 2048,
    "cpu_s": 21.4,
    "throttled_s": 0.0,
    "balance_left_s": 493.2,
    "document_sha256": "5e" * 32,
    "document_pages": 184,
    "upstream_latency": "2-5",
    "upstream_faults": [],
    "peak_vm_mb": 1310.5,
    "kernel_peak_vm_mb": 1402.0,
    "peak_anon_mb": 171.0,
    "peak_server_rss_mb": 118.2,
    "kernel_peak_server_rss_mb": 118.4,
    "peak_swap_mb": 0.0,
    "limit_hits": 0,
    "peak_vm_psi_full": None,
    "peak_server_fds": 41,
    "peak_server_threads": 6,
    "unmeasured": {},
    "peak_tree_rss_mb": 118.2,
    "vm_mb_per_reader": 1.5,
    "peak_children": 0,
    "server_read_mb": 2410.0,
    "server_storage_read_mb": 96.4,
    "page_cache_share": 0.96,
    "steady_rss_mb": 112.0,
    "growth": "flat",
    "growth_reason": "no growth after the warm-up that would matter",
    "growth_over": "session time",
    "growth_measured_by": "tree RSS and VM anonymous",
    "growth_bytes_per_session": 3200.0,
    "growth_bytes_per_session_low": -900.0,
    "growth_bytes_per_session_high": 7300.0,
    "growth_mb_per_hour": 3.1,
    "growth_mb_per_hour_low": -0.9,
    "growth_mb_per_hour_high": 7.0,
    "hours_to_limit": None,
    "hours_to_limit_low": None,
    "hours_to_limit_high": None,
    "returned_on_trim_mb": None,
    "trim": "not offered",
    "chunk_p50_ms": 6.1,
    "chunk_p95_ms": 19.4,
    "chunk_p99_ms": 31.0,
    "tts_p50_ms": None,
    "tts_p95_ms": None,
    "first_audio_p50_ms": 8.2,
    "first_audio_p95_ms": 17.0,
    "first_audio_max_ms": 19.1,
    "asked_wait_p50_ms": None,
    "asked_wait_p95_ms": None,
    "blocks_played": 702,
    "blocks_by_source": {"chunk": 512, "live": 0, "cache": 190, "fallback": 0},
    "readers_heard": 32,
    "readers_with_stalls": 0,
    "stalls": 0,
    "stall_s": 0.0,
    "worst_reader_silence_s": 0.0,
    "silence_share": 0.0,
    "timings_too_late": 0,
    "unhighlighted_s": 0.4,
    "timings_refused": 0,
    "requests": 1424,
    "requests_per_reader": 44.5,
    "failures": 0,
    "failures_by_status": {},
    "load_cpu_share": 0.11,
    "load_processes": 1,
    "load_processes_cpu_share_max": 0.14,
    "load_loop_lag_p99_ms": 3.0,
    "load_open_files_peak": 75,
    "load_mb_per_reader": 0.6,
    "load_peak_rss_mb": 90.0,
    "recorder_cpu_share": 0.02,
    "longest_sample_gap_s": 0.1,
    "samples": 1380,
    "ended_because": "the sessions' end",
    "fallbacks": 0,
    "audio_requests": 712,
    "audio_failures": 0,
    "upstream_requests": 0.0,
    "upstream_late": 0.0,
    "load_late_p99_ms": 14.0,
    "expected": {"verdict": "survived", "peak_tree_rss_mb_below": 2048, "stalls": 0},
    "met": True,
}

DIED: dict[str, Any] = {
    "scenario": "live",
    "mode": "live",
    "verdict": "oom_killed",
    "evidence": [
        "Memory cgroup out of memory: Killed process 4242 (python) total-vm:991232kB, anon-rss:352256kB",
        "Memory cgroup out of memory: Killed process 4250 (python) total-vm:812000kB, anon-rss:262144kB",
    ],
    "killed_after_s": 24.3,
    "first_kill_s": 24.3,
    "victim": "python (344.0 MB)",
    "victim_role": "server",
    "held_at_kill": {
        "server": {"processes": 1, "rss_mb": 344.1},
        "reference_server.align": {"processes": 28, "rss_mb": 4776.0},
    },
    "server_kills": 1,
    "child_kills": 2,
    "oom_kills": 3,
    "restarts": 1,
    "cpu_s": 92.0,
    "balance_left_s": 408.0,
    "peak_vm_mb": 4096.0,
    "kernel_peak_vm_mb": 4096.0,
    "peak_anon_mb": 4071.3,
    "peak_server_rss_mb": 344.1,
    "peak_tree_rss_mb": 5120.7,
    "peak_children": 28,
    "chunk_p50_ms": None,
    "chunk_p95_ms": None,
    "chunk_p99_ms": None,
    "tts_p50_ms": 912.0,
    "tts_p95_ms": 2430.0,
    "first_audio_p50_ms": 760.5,
    "first_audio_p95_ms": 2204.0,
    "first_audio_max_ms": 2648.0,
    "blocks_played": 93,
    "blocks_by_source": {"chunk": 0, "live": 93, "cache": 0, "fallback": 0},
    "readers_with_stalls": 30,
    "stalls": 61,
    "stall_s": 188.4,
    "worst_reader_silence_s": 22.4,
    "silence_share": 0.31,
    "timings_too_late": 58,
    "unhighlighted_s": 301.0,
    "requests": 240,
    "requests_per_reader": 8.0,
    "failures": 41,
    "load_cpu_share": 0.24,
    "samples": 520,
    "expected": {"verdict": "oom_killed"},
    "met": True,
}

LETTER: dict[str, Any] = {
    **DIED,
    "scenario": "cached-to-the-letter",
    "mode": "cached-to-the-letter",
    "killed_after_s": 37.9,
    "first_kill_s": 37.9,
    "victim_role": "child",
    "server_kills": 0,
    "child_kills": 3,
    "restarts": 0,
}


def _memory_mb(name: str, t_s: float) -> tuple[float, float]:
    """Server and children, in MB, of the invented run `name`, `t_s` seconds into the load."""
    if name == "cached" or t_s < 0:
        return 70 + 42 * (1 - math.exp(-max(t_s, 0) / 20)) + 4 * math.sin(t_s), 0.0
    died_s = 24.3 if name == "live" else 37.9
    if t_s < died_s or name != "live":
        grown = min(t_s / died_s, 1.0)
        return 90 + 254 * grown, 3620 * grown**1.4 + 60 * math.sin(3 * t_s) * grown
    back_s = t_s - died_s
    return (0.0, 0.0) if back_s < 2 else (80 + 3 * back_s, 90 * (back_s - 2))


def _sample_row(name: str, t_s: float) -> list[object]:
    server_mb, children_mb = _memory_mb(name, t_s)
    anon, file = (server_mb + children_mb) * 0.99 * MIB, (40 + max(t_s, 0) * 1.5) * MIB
    kernel = 22 * MIB
    row = {
        "t": round(ZERO_S + t_s, 3),
        "vm_bytes": int(anon + file + kernel),
        "anon_bytes": int(anon),
        "file_bytes": int(file),
        "kernel_bytes": kernel,
        "server_rss_bytes": int(server_mb * MIB),
        "children_rss_bytes": int(children_mb * MIB),
        "processes": 1 + int(children_mb // 130),
        "cpu_s": round((t_s + 8) * (0.2 if name == "cached" else 1.9), 3),
        "throttled_s": 0,
        "balance_s": round(500 - max(t_s, 0) * 0.1, 2),
        "late_s": 0.001,
        "load_cpu_s": round(max(t_s, 0) * 0.11, 3),
        "load_rss_bytes": 90 * MIB,
        "recorder_cpu_s": round((t_s + 8) * 0.02, 3),
    }
    return [row.get(column, "") for column in SAMPLE_COLUMNS]


def _events(name: str, length_s: float) -> list[dict[str, object]]:
    events: list[dict[str, object]] = [
        {"t": START_S, "event": "started", "pid": 4242},
        {"t": START_S + 1.2, "event": "ready"},
        {"t": ZERO_S, "event": "load_started"},
    ]
    if name == "live":
        kill = {"event": "oom_kill", "comm": "python"}
        events += [
            {"t": ZERO_S + 24.3, "pid": 4242, "role": "server", "anon_rss_mb": 344.0, **kill},
            {"t": ZERO_S + 24.5, "pid": 4250, "role": "child", "anon_rss_mb": 256.0, **kill},
            {"t": ZERO_S + 25.1, "pid": 4251, "role": "child", "anon_rss_mb": 255.0, **kill},
            {"t": ZERO_S + 26.3, "event": "restarted", "pid": 4300},
            {"t": ZERO_S + 31.0, "event": "serving_again"},
        ]
    if name == "cached-to-the-letter":
        events += [
            {"t": ZERO_S + at, "event": "oom_kill", "comm": "python", "role": "child", "anon_rss_mb": 255.0}
            for at in (37.9, 39.0, 41.5)
        ]
    return [
        *events,
        {"t": ZERO_S + length_s, "event": "load_ended"},
        {"t": ZERO_S + length_s, "event": "stopped"},
    ]


def _write_csv(path: Path, columns: tuple[str, ...], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """A function that writes one synthetic run folder and returns its path; `changes` go into its verdict."""

    def make(name: str = "cached", *, length_s: float | None = None, **changes: object) -> Path:
        base = {"live": DIED, "cached-to-the-letter": LETTER}.get(name, {})
        verdict = {**VERDICT, **base, "scenario": name, **changes}
        length_s = length_s or (45.0 if base else 124.0)
        folder = tmp_path / f"synthetic-{name}"
        folder.mkdir()
        run = {
            "scenario": {
                "name": name,
                "load": {"mode": verdict["mode"], "chapters": 8, "blocks": 20, "seed": 1},
                "target": {"environment": {} if base else {"ALIGNERS": "1"}},
            },
            "versions": {"oomproof": "0.1.0", "faster-whisper": "1.2.1"},
            "machine": {
                "cpu_model": "Invented CPU",
                "cpus": 2,
                "memory_mb": 24105,
                "kernel": "6.1",
                "python": "3.11",
            },
            "vm": {
                "backend": "cgroup v1",
                "memory_mb": 4096,
                "cpus": 2,
                "share_of_core": 0.125,
                "balance_at_start_s": 500,
            },
            "upstream": "the project's own stand-in",
            "document_sha256": verdict["document_sha256"],
            "started_at": "2026-11-23T01:00:00+00:00",
            "ended_at": "2026-11-23T01:02:20+00:00",
            "started_monotonic_s": START_S,
        }
        (folder / "run.json").write_text(json.dumps(run))
        (folder / "verdict.json").write_text(json.dumps(verdict))
        samples = [_sample_row(name, step / 10) for step in range(-80, int(length_s * 10))]
        _write_csv(folder / "samples.csv", SAMPLE_COLUMNS, samples)
        requests: list[list[object]] = [
            [ZERO_S + 1, "r1", "chunk", 200, 513000, 0.008, 0.001, ""],
            [ZERO_S + 1.01, "r1", "play", "", "", "", 0.01, "first:chunk"],
            [ZERO_S + 7, "r1", "play", "", "", "", 0.4, "chunk"],
        ]
        _write_csv(folder / "requests.csv", REQUEST_COLUMNS, requests)
        lines = [json.dumps(event) + "\n" for event in _events(name, length_s)]
        (folder / "events.jsonl").write_text("".join(lines))
        return folder

    return make


@pytest.fixture
def synthetic_runs(make_run: MakeRun) -> list[Path]:
    """Three synthetic run folders: live dies, the letter of the plan dies, cached lives."""
    return [make_run("live"), make_run("cached-to-the-letter"), make_run("cached")]
