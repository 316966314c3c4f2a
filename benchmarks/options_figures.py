"""`options.json`: of each option and balance every repetition's end, and each figure's lowest, median and highest."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.options_runs import PLAN, Found, Group, OptionRun
from profiles.run_folder import Sample
from profiles.verdict_record import VerdictRecord

FIGURES = (
    "duration_s",
    "peak_vm_mb", "peak_anon_mb", "peak_tree_rss_mb", "peak_server_rss_mb", "peak_children",
    "blocks_played", "stalls", "stall_s", "silence_share", "fallbacks", "timings_refused", "failures",
    "first_audio_p50_ms", "first_audio_p95_ms", "chunk_p50_ms", "chunk_p95_ms", "tts_p50_ms", "tts_p95_ms",
    "cpu_s", "throttled_s", "balance_left_s",
)  # fmt: skip
"""The fields of a verdict that are published of each option."""
HOST_PSI, BESIDE, OTHERS = "host_psi_some_max", "runs_beside", "others_cores"
CAPTURED = ("heap_peak_mb", "heap_peak_rss_mb", "rss_readings", "rss_readings_within")
"""The figures that only a run with a capture has."""
EVERY = (*FIGURES, HOST_PSI, BESIDE, OTHERS, *CAPTURED)

Spread = Mapping[str, Any]
"""`low`, `median`, `high` of the repetitions that have the figure, and their `values` in order."""


def to_json(found: Found, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that is published; `conditions` are added as they are."""
    return {
        **conditions,
        "options": [group_json(group, found) for group in found.groups()],
        "heap_captures": [group_json(group, found) for group in found.groups(memray=True)],
        "missing": [{"run": name, "why": why} for name, why in found.missing],
    }


def group_json(group: Group, found: Found) -> dict[str, Any]:
    """Return one option at one balance."""
    first = group.records[0]
    return {
        "option": group.option,
        "plan": PLAN[group.option],
        "balance_s": group.balance_s,
        "vm_memory_mb": first.vm_memory_mb,
        "vm_vcpus": first.vm_cpu,
        "budget_mb": first.budget_mb,
        "more_vcpus_than_cores": group.more_vcpus_than_cores,
        "repetitions": len(group.runs),
        "runs": [_end(run) for run in group.runs],
        "figures": figures(group, found),
    }


def figures(group: Group, found: Found) -> dict[str, Spread]:
    """Return the spread of every figure that at least one repetition has."""
    readings: dict[str, Callable[[OptionRun], float | None]] = {
        **{name: _field(name) for name in FIGURES},
        HOST_PSI: highest_psi,
        BESIDE: found.beside,
        OTHERS: others_cores,
    }
    spreads = {name: spread([read(run) for run in group.runs]) for name, read in readings.items()}
    return {name: found for name, found in spreads.items() if found is not None}


def spread(values: Sequence[float | None]) -> Spread | None:
    """Return lowest, median and highest of the values that are known; None where none is."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"low": min(known), "median": round(median(known), 4), "high": max(known), "values": known}


def highest_psi(run: OptionRun) -> float | None:
    """Return the highest share of 10 s, in percent, that a process of the host waited for memory under load."""
    start, end = run.folder.load_span
    shares = [
        s.host_psi_some for s in run.folder.samples if start <= s.t <= end and s.host_psi_some is not None
    ]
    return max(shares, default=None)


def others_cores(run: OptionRun) -> float | None:
    """Return how many cores all but the VM, the load and the recorder used while the run was under load.

    The speech upstream's stand-in is among them, and so are other runs and whatever else the machine did.
    """
    start, end = run.folder.load_span
    known = [s for s in run.folder.samples if start <= s.t <= end and s.machine_cpu_s is not None]
    if len(known) < 2 or known[-1].t == known[0].t:
        return None
    rises = [_cpu_s(sample) for sample in (known[0], known[-1])]
    return round((rises[1] - rises[0]) / (known[-1].t - known[0].t), 3)


def _cpu_s(sample: Sample) -> float:
    own = (sample.cpu_s, sample.load_cpu_s, sample.recorder_cpu_s)
    return (sample.machine_cpu_s or 0.0) - sum(part for part in own if part is not None)


def _field(name: str) -> Callable[[OptionRun], float | None]:
    def read(run: OptionRun) -> float | None:
        if run.record.load_kind == "pregenerate" and name in _OF_READING:
            return None  # nobody listened: its 0 stalls are no praise
        value: float | None = getattr(run.record, name)
        return value

    return read


_OF_READING = frozenset(
    {"blocks_played", "stalls", "stall_s", "silence_share", "fallbacks", "timings_refused"}
)


def _end(run: OptionRun) -> dict[str, Any]:
    record: VerdictRecord = run.record
    kept = (
        "verdict", "killed_after_s", "first_kill_s", "victim_role", "server_kills", "child_kills", "oom_kills",
        "restarts", "duration_s",
    )  # fmt: skip
    return {"run": run.name, **{key: getattr(record, key) for key in kept}}
