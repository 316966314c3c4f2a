"""The rows of a report: one measure each, a cell for every scenario, every number with its unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from profiles.comparison import Comparison, Outcome
from profiles.report_text import NONE, expectation, number

Row = tuple[str, tuple[str, ...]]


def table_rows(comparison: Comparison) -> list[Row]:
    """Return label and cells of every measure, in the order a reader asks."""
    return [(label, tuple(cell(outcome) for outcome in comparison.outcomes)) for label, cell in _MEASURES]


def condition_rows(comparison: Comparison) -> list[Row]:
    """Return label and values of every condition: one value where all scenarios share it, else one each."""
    rows: list[Row] = []
    for label, say in _CONDITIONS:
        pairs = zip(comparison.outcomes, comparison.runs, strict=True)
        values = {outcome.scenario: say(outcome, run) for outcome, run in pairs}
        if len(set(values.values())) <= 1:
            rows.append((label, tuple(values.values())[:1]))
        else:
            rows.append((label, tuple(f"{name}: {value}" for name, value in values.items())))
    return rows


def warnings(comparison: Comparison) -> list[str]:
    """Return what a reader must know before comparing: conditions that are not the same on all sides."""
    same = ("Readers", "Session", "VM", "CPU", "Document")
    differing = [label for label, values in condition_rows(comparison) if label in same and len(values) > 1]
    if not differing:
        return []
    return [f"The scenarios do not share these conditions, so compare with care: {', '.join(differing)}."]


def _met(outcome: Outcome) -> str:
    wanted = expectation(outcome.expected)
    return {True: "yes", False: f"NO: {wanted}", None: NONE}[outcome.met]


def _pair(low: float | None, high: float | None, unit: str) -> str:
    return NONE if low is None and high is None else f"{number(low)} / {number(high)} {unit}"


def _stalls(outcome: Outcome) -> str:
    if outcome.stalls is None:
        return NONE
    return "none" if not outcome.stalls else f"{outcome.stalls:,}, {number(outcome.stall_s, 's', 1)}"


_MEASURES: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
    ("verdict", lambda o: o.verdict),
    ("as expected", _met),
    ("killed after", lambda o: number(o.killed_after_s, "s", 1)),
    ("server kills", lambda o: number(o.server_kills)),
    ("child kills", lambda o: number(o.child_kills)),
    ("peak VM memory", lambda o: number(o.peak_vm_mb, "MB")),
    ("peak anonymous", lambda o: number(o.peak_anon_mb, "MB")),
    ("peak tree RSS", lambda o: number(o.peak_tree_rss_mb, "MB")),
    ("peak server RSS", lambda o: number(o.peak_server_rss_mb, "MB")),
    ("peak children", lambda o: number(o.peak_children, "at once")),
    ("chunk p50 / p95", lambda o: _pair(o.chunk_p50_ms, o.chunk_p95_ms, "ms")),
    ("tts p50 / p95", lambda o: _pair(o.tts_p50_ms, o.tts_p95_ms, "ms")),
    ("first audio p50", lambda o: number(o.first_audio_p50_ms, "ms")),
    ("stalls, silence", _stalls),
    ("requests", lambda o: number(o.requests)),
    ("failures", lambda o: number(o.failures)),
    ("VM CPU used", lambda o: number(o.cpu_s, "s", 1)),
    ("VM throttled", lambda o: number(o.throttled_s, "s", 1)),
    ("CPU balance left", lambda o: number(o.balance_left_s, "s", 1)),
    ("load generator", lambda o: NONE if o.load_cpu_share is None else f"{o.load_cpu_share:.2f} cores"),
)


def _readers(outcome: Outcome, run: Mapping[str, Any]) -> str:
    if outcome.readers is None or outcome.pace is None:
        return NONE
    equal = outcome.pace1_equivalent_readers or outcome.readers * outcome.pace
    text = f"{outcome.readers:,} at pace {outcome.pace:g}"
    load = _part(_part(run, "scenario"), "load")
    layout = (
        f"; {load['chapters']} chapters of about {load['blocks']} blocks, seed {load['seed']}"
        if {"chapters", "blocks", "seed"} <= load.keys()
        else ""
    )
    return f"{text} (asks the server for the work of {equal:,.0f} at pace 1){layout}"


def _session(outcome: Outcome, _: Mapping[str, Any]) -> str:
    if outcome.session_s is None:
        return NONE
    wall = "" if not outcome.pace else f", {number(outcome.session_s / outcome.pace, 's')} by the clock"
    return f"{number(outcome.session_s, 's')} of reading{wall}"


def _vm(outcome: Outcome, run: Mapping[str, Any]) -> str:
    cpus = _part(run, "vm").get("cpus")
    vcpus = "" if cpus is None else f", {cpus} vCPUs"
    return f"{number(outcome.vm_memory_mb, 'MB')}{vcpus}, made with {outcome.vm_backend or NONE}"


def _cpu(outcome: Outcome, run: Mapping[str, Any]) -> str:
    vm = _part(run, "vm")
    share = vm.get("share_of_core", outcome.vm_cpu)
    text = f"{share:.1%} of one core" if isinstance(share, float | int) else str(share or NONE)
    balance = vm.get("balance_at_start_s")
    return (
        text
        if balance is None
        else f"{text} once the balance is spent; {balance:g} s of balance at the start"
    )


def _budget(outcome: Outcome, _: Mapping[str, Any]) -> str:
    return number(outcome.budget_mb, "MB")


def _document(outcome: Outcome, _: Mapping[str, Any]) -> str:
    pages = "" if outcome.document_pages is None else f"{outcome.document_pages:,} pages, "
    return f"{pages}SHA-256 {outcome.document_sha256 or NONE}"


def _machine(_: Outcome, run: Mapping[str, Any]) -> str:
    machine = _part(run, "machine")
    parts = [
        str(machine.get("cpu_model") or ""),
        f"{machine['cpus']} CPUs" if "cpus" in machine else "",
        number(machine.get("memory_mb"), "MB of memory") if "memory_mb" in machine else "",
        f"Linux {machine['kernel']}" if "kernel" in machine else "",
        f"Python {machine['python']}" if "python" in machine else "",
    ]
    return ", ".join(part for part in parts if part) or NONE


def _versions(_: Outcome, run: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in _part(run, "versions").items()) or NONE


def _measured(_: Outcome, run: Mapping[str, Any]) -> str:
    return f"{run.get('started_at') or NONE} to {run.get('ended_at') or NONE}"


def _part(whole: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = whole.get(key)
    return found if isinstance(found, dict) else {}


_CONDITIONS: tuple[tuple[str, Callable[[Outcome, Mapping[str, Any]], str]], ...] = (
    ("Readers", _readers),
    ("Session", _session),
    ("VM", _vm),
    ("CPU", _cpu),
    ("Budget", _budget),
    ("Document", _document),
    ("Machine", _machine),
    ("Versions", _versions),
    ("Measured", _measured),
)
