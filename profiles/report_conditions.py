"""The conditions of a report: no number stands without them, and sides that differ in them are told so."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from profiles.comparison import Comparison
from profiles.profiled import profiled_warning
from profiles.report_table import Row
from profiles.report_text import NONE, count, number
from profiles.verdict_record import VerdictRecord


def condition_rows(comparison: Comparison) -> list[Row]:
    """Return label and values of every condition: one value where all scenarios share it, else one each."""
    rows: list[Row] = []
    for label, say in _CONDITIONS:
        pairs = zip(comparison.outcomes, comparison.runs, strict=True)
        values = {outcome.scenario: value for outcome, run in pairs if (value := say(outcome, run))}
        if len(set(values.values())) <= 1:
            rows += [(label, tuple(values.values())[:1])] if values else []
        else:
            rows.append((label, tuple(f"{name}: {value}" for name, value in values.items())))
    return rows


def warnings(comparison: Comparison) -> list[str]:
    """Return what a reader must know before comparing: a limit that is not the kernel's, conditions that differ."""
    same = (
        "Readers",
        "Behaviour",
        "Session",
        "VM",
        "CPU",
        "Document",
        "Speech upstream",
        "Upstream's faults",
    )
    differing = [label for label, values in condition_rows(comparison) if label in same and len(values) > 1]
    lines = [f"The scenarios do not share these conditions, so compare with care: {', '.join(differing)}."]
    return [*_emulated(comparison), *profiled_warning(comparison.outcomes), *(lines if differing else [])]


def _emulated(comparison: Comparison) -> list[str]:
    """No kill by a program is taken for the kernel's, whatever page it is read on."""
    names = [outcome.scenario for outcome in comparison.outcomes if outcome.vm_emulated]
    if not names:
        return []
    line = (
        f"The limit of {', '.join(names)} is emulated: a watchdog kept it, not the kernel. It can be late, and counts "
        "neither page cache nor the kernel's own memory: how memory grows is shown, and no kernel kill is proved."
    )
    return [line]


def _readers(outcome: VerdictRecord, run: Mapping[str, Any]) -> str:
    if outcome.load_kind != "readers" or outcome.readers is None or outcome.pace is None:
        return ""
    equal = outcome.pace1_equivalent_readers or outcome.readers * outcome.pace
    text = f"{outcome.readers:,} at pace {outcome.pace:g}"
    load = _part(_part(run, "scenario"), "load")
    layout = (
        f"; {load['chapters']} chapters of about {load['blocks']} blocks, seed {load['seed']}"
        if {"chapters", "blocks", "seed"} <= load.keys()
        else ""
    )
    return f"{text} (asks the server for the work of {equal:,.0f} at pace 1){layout}"


def _mix(outcome: VerdictRecord, _: Mapping[str, Any]) -> str:
    return (outcome.mix or "") if outcome.load_kind == "readers" else ""


def _generator(outcome: VerdictRecord, _: Mapping[str, Any]) -> str:
    if outcome.load_kind != "readers" or outcome.load_processes is None:
        return ""
    return count(outcome.load_processes, "process", "processes")


def _session(outcome: VerdictRecord, _: Mapping[str, Any]) -> str:
    if outcome.load_kind != "readers" or outcome.session_s is None:
        return ""
    wall = "" if not outcome.pace else f", {number(outcome.session_s / outcome.pace, 's')} by the clock"
    times = f", {outcome.sessions} times each" if (outcome.sessions or 1) > 1 else ""
    return f"{number(outcome.session_s, 's')} of reading{wall}{times}"


def _target(outcome: VerdictRecord, run: Mapping[str, Any]) -> str:
    if what := _part(run, "target").get("what"):
        read = _part(run, "target").get("kind") == "soak" and outcome.load_kind != "none"
        return f"{what}" if read else f"{what}, only watched"
    return shlex.join(_part(_part(run, "scenario"), "target").get("command") or [])


def _load(_: VerdictRecord, run: Mapping[str, Any]) -> str:
    return shlex.join(_part(_part(run, "scenario"), "load").get("command") or [])


def _vm(outcome: VerdictRecord, run: Mapping[str, Any]) -> str:
    if _part(run, "target"):  # only watched: the limit is the one that was found
        found = "no limit" if outcome.vm_memory_mb is None else number(outcome.vm_memory_mb, "MB")
        return f"{found} found, {outcome.vm_backend or NONE}"
    cpus = _part(run, "vm").get("cpus", outcome.vm_cpu)
    emulated = " (emulated: a program kept the limit, not the kernel)" if outcome.vm_emulated else ""
    vcpus = "" if cpus is None else f", {cpus:g} vCPUs"
    swap = f" and {number(outcome.vm_swap_mb, 'MB')} of swap" if outcome.vm_swap_mb else ""
    return (
        f"{number(outcome.vm_memory_mb, 'MB')}{swap}{vcpus}, made with {outcome.vm_backend or NONE}{emulated}"
    )


def _cpu(outcome: VerdictRecord, run: Mapping[str, Any]) -> str:
    vm = _part(run, "vm")
    if _part(run, "target"):
        return ""
    if outcome.vm_cpu_limited is False:
        return "not limited: the VM had this machine's CPUs"
    share = vm.get("share_of_core", outcome.vm_share_of_core)
    text = NONE if share is None else f"{share:.1%} of one core"
    balance = vm.get("balance_at_start_s")
    return (
        text
        if balance is None
        else f"{text} once the balance is spent; {balance:g} s of balance at the start"
    )


def _budget(outcome: VerdictRecord, _: Mapping[str, Any]) -> str:
    return number(outcome.budget_mb, "MB") if outcome.budget_mb is not None else ""


def _document(outcome: VerdictRecord, _: Mapping[str, Any]) -> str:
    if outcome.load_kind in ("command", "none"):
        return ""
    pages = "" if outcome.document_pages is None else f"{outcome.document_pages:,} pages, "
    return f"{pages}SHA-256 {outcome.document_sha256 or NONE}"


def _settings(_: VerdictRecord, run: Mapping[str, Any]) -> str:
    environment = _part(_part(_part(run, "scenario"), "target"), "environment")
    if _part(run, "target"):
        return ""
    return ", ".join(f"{name}={value}" for name, value in environment.items()) or "as deployed"


def _upstream(outcome: VerdictRecord, run: Mapping[str, Any]) -> str:
    latency = f", answers after {outcome.upstream_latency} s" if outcome.upstream_latency else ""
    paced = f", divided by pace {outcome.pace:g}" if latency and outcome.pace not in (None, 1) else ""
    return f"{run.get('upstream') or ''}{latency}{paced}"


def _faults(outcome: VerdictRecord, _: Mapping[str, Any]) -> str:
    if outcome.upstream_faults is None:
        return ""
    return ", ".join(outcome.upstream_faults) or "none"


def _heap(_: VerdictRecord, run: Mapping[str, Any]) -> str:
    return "captured with memray, which costs the server CPU and memory" if run.get("memray") else ""


def _machine(_: VerdictRecord, run: Mapping[str, Any]) -> str:
    machine = _part(run, "machine")
    parts = [
        str(machine.get("cpu_model") or ""),
        f"{machine['cpus']} CPUs" if "cpus" in machine else "",
        number(machine.get("memory_mb"), "MB of memory") if "memory_mb" in machine else "",
        f"Linux {machine['kernel']}" if "kernel" in machine else "",
        f"Python {machine['python']}" if "python" in machine else "",
    ]
    return ", ".join(part for part in parts if part) or NONE


def _versions(_: VerdictRecord, run: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in _part(run, "versions").items()) or NONE


def _measured(_: VerdictRecord, run: Mapping[str, Any]) -> str:
    return f"{run.get('started_at') or NONE} to {run.get('ended_at') or NONE}"


def _part(whole: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = whole.get(key)
    return found if isinstance(found, dict) else {}


_CONDITIONS: tuple[tuple[str, Callable[[VerdictRecord, Mapping[str, Any]], str]], ...] = (
    ("Readers", _readers),
    ("Behaviour", _mix),
    ("Session", _session),
    ("Load generator", _generator),
    ("Target", _target),
    ("Load", _load),
    ("VM", _vm),
    ("CPU", _cpu),
    ("Budget", _budget),
    ("Document", _document),
    ("Server settings", _settings),
    ("Speech upstream", _upstream),
    ("Upstream's faults", _faults),
    ("Heap", _heap),
    ("Machine", _machine),
    ("Versions", _versions),
    ("Measured", _measured),
)
