"""What `verdict.json` holds, and what reports read."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class VerdictRecord(BaseModel):
    """One run's verdict with its figures.

    MB are MiB, times wall seconds from the load's start. None: not measured, or not known to the version that judged.
    """

    model_config = ConfigDict(frozen=True)

    scenario: str
    verdict: str
    description: str = ""
    load_kind: str = "readers"
    mode: str | None = None
    evidence: tuple[str, ...] = ()
    ended_because: str | None = None
    killed_after_s: float | None = None
    first_kill_s: float | None = None
    victim: str | None = None
    victim_role: str | None = None
    held_at_kill: dict[str, Any] = {}
    server_kills: int | None = 0
    child_kills: int | None = 0
    oom_kills: int | None = 0
    deaths: tuple[dict[str, Any], ...] | None = None
    restarts: int = 0
    served_again: bool = False
    readers: int | None = None
    pace: float | None = None
    pace1_equivalent_readers: float | None = None
    session_s: float | None = None
    sessions: int | None = None
    mix: str | None = None
    duration_s: float | None = None
    vm_memory_mb: float | None = None
    vm_cpu: float | None = None
    vm_share_of_core: float | None = None
    vm_backend: str | None = None
    profiled: bool | None = None
    vm_emulated: bool | None = None
    vm_cpu_limited: bool | None = None
    vm_swap_mb: float | None = None
    budget_mb: float | None = None
    cpu_s: float | None = None
    throttled_s: float | None = None
    balance_left_s: float | None = None
    document_sha256: str | None = None
    document_pages: int | None = None
    upstream_latency: str | None = None
    upstream_faults: tuple[str, ...] | None = None
    peak_vm_mb: float | None = None
    kernel_peak_vm_mb: float | None = None
    kernel_peak_server_rss_mb: float | None = None
    peak_anon_mb: float | None = None
    peak_server_rss_mb: float | None = None
    peak_tree_rss_mb: float | None = None
    vm_mb_per_reader: float | None = None
    peak_children: int | None = None
    peak_swap_mb: float | None = None
    limit_hits: int | None = None
    peak_vm_psi_full: float | None = None
    peak_server_fds: int | None = None
    peak_server_threads: int | None = None
    server_read_mb: float | None = None
    server_storage_read_mb: float | None = None
    page_cache_share: float | None = None
    steady_rss_mb: float | None = None
    growth: str | None = None
    growth_reason: str | None = None
    growth_over: str | None = None
    growth_measured_by: str | None = None
    growth_bytes_per_session: float | None = None
    growth_bytes_per_session_low: float | None = None
    growth_bytes_per_session_high: float | None = None
    growth_mb_per_hour: float | None = None
    growth_mb_per_hour_low: float | None = None
    growth_mb_per_hour_high: float | None = None
    hours_to_limit: float | None = None
    hours_to_limit_low: float | None = None
    hours_to_limit_high: float | None = None
    returned_on_trim_mb: float | None = None
    trim: str | None = None
    chunk_p50_ms: float | None = None
    chunk_p95_ms: float | None = None
    chunk_p99_ms: float | None = None
    tts_p50_ms: float | None = None
    tts_p95_ms: float | None = None
    first_audio_p50_ms: float | None = None
    first_audio_p95_ms: float | None = None
    first_audio_max_ms: float | None = None
    asked_wait_p50_ms: float | None = None
    asked_wait_p95_ms: float | None = None
    blocks_played: int | None = None
    blocks_by_source: dict[str, int] | None = None
    readers_heard: int | None = None
    readers_with_stalls: int | None = None
    stalls: int | None = None
    stall_s: float | None = None
    worst_reader_silence_s: float | None = None
    silence_share: float | None = None
    timings_too_late: int | None = None
    unhighlighted_s: float | None = None
    fallbacks: int | None = None
    timings_refused: int | None = None
    requests: int | None = None
    requests_per_reader: float | None = None
    failures: int | None = None
    failures_by_status: dict[str, int] | None = None
    audio_requests: int | None = None
    audio_failures: int | None = None
    upstream_requests: float | None = None
    upstream_late: float | None = None
    load_processes: int | None = None
    load_cpu_share: float | None = None
    load_processes_cpu_share_max: float | None = None
    load_late_p99_ms: float | None = None
    load_loop_lag_p99_ms: float | None = None
    load_open_files_peak: int | None = None
    load_peak_rss_mb: float | None = None
    load_mb_per_reader: float | None = None
    recorder_cpu_share: float | None = None
    longest_sample_gap_s: float | None = None
    samples: int | None = None
    unmeasured: dict[str, str] = {}
    expected: dict[str, Any] = {}
    met: bool | None = None
