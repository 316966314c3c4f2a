"""The words of a report, the same on terminal, Markdown and page; every one is drawn from the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from profiles.comparison import Comparison
from profiles.verdict_record import VerdictRecord

NONE = "–"  # noqa: RUF001 - an en dash: nothing was measured, or nothing happened

_ENDS = {
    "crashed": "crashed by itself",
    "killed": "was killed, but not for memory",
    "unhealthy": "stayed alive but did not serve",
    "invalid": "is invalid, so it shows nothing",
}


def number(value: float | None, unit: str = "", digits: int = 0) -> str:
    """Return a number with its unit; a dash when there is none."""
    if value is None:
        return NONE
    text = f"{value:,.{digits}f}"
    return f"{text} {unit}" if unit else text


def count(value: int, one: str, many: str) -> str:
    """Return `no stall`, `1 stall`, `2 stalls`."""
    return f"no {one}" if value == 0 else f"1 {one}" if value == 1 else f"{value:,} {many}"


def headline(comparison: Comparison) -> str:
    """Return the result in one sentence: whether it is what was expected, then each scenario's end."""
    outcomes = comparison.outcomes
    if not outcomes:
        return "Nothing was measured."
    invalid = [o.scenario for o in outcomes if o.verdict == "invalid"]
    missed = [o.scenario for o in outcomes if o.met is False and o.verdict != "invalid"]
    if invalid:
        lead = f"Invalid ({', '.join(invalid)})"
    elif missed:
        lead = f"Not as expected ({', '.join(missed)})"
    elif all(o.met for o in outcomes):
        lead = "As expected"
    else:
        lead = "Measured"
    return f"{lead}{_shared_load(outcomes)}: {'; '.join(_end(o) for o in outcomes)}."


def status(outcome: VerdictRecord) -> str:
    """Return the few words that stand under a scenario's name in the picture."""
    if outcome.verdict == "survived":
        return f"{verdict_text(outcome)}, process tree at most {number(outcome.peak_tree_rss_mb, 'MB')}"
    if outcome.verdict == "oom_killed":
        return f"{verdict_text(outcome)}, {kills(outcome)}"
    return verdict_text(outcome)


def verdict_text(outcome: VerdictRecord) -> str:
    """Return the verdict's word, with `(emulated)` where no kernel kept the limit."""
    return f"{outcome.verdict} (emulated)" if outcome.vm_emulated else outcome.verdict


def killer(outcome: VerdictRecord) -> str:
    """Return who kills in this VM: the kernel, or the watchdog of an emulated limit."""
    return "the watchdog of an emulated limit" if outcome.vm_emulated else "the kernel"


def kills(outcome: VerdictRecord) -> str:
    """Return who was killed, the server first: `server and 2 children`."""
    servers, children = outcome.server_kills or 0, outcome.child_kills or 0
    times = "" if servers < 2 else f" {servers} times"
    others = (outcome.oom_kills or 0) - servers - children
    parts = [
        f"server{times}" if servers else "",
        count(children, "child", "children") if children else "",
        count(others, "other process", "other processes") if others > 0 else "",
    ]
    return " and ".join(part for part in parts if part) or "victim unknown"


def held(outcome: VerdictRecord) -> str:
    """Return what held the memory at the kill, the largest first."""
    by_name = {str(name): found for name, found in outcome.held_at_kill.items() if isinstance(found, dict)}
    largest_first = sorted(by_name.items(), key=lambda item: -float(item[1].get("rss_mb", 0)))
    return ", ".join(
        f"{found.get('processes', 0):g} × {name} {number(found.get('rss_mb'), 'MB')}"  # noqa: RUF001 - a times sign
        for name, found in largest_first
    )


def expectation(expected: Mapping[str, Any]) -> str:
    """Return an expectation in words: `survived, process tree below 2,048 MB, no stall`."""
    words: dict[str, Callable[[Any], str]] = {
        "verdict": str,
        "peak_tree_rss_mb_below": lambda mb: f"process tree below {number(mb, 'MB')}",
        "stalls": lambda stalls: count(stalls, "stall", "stalls"),
        "server_killed": lambda killed: (
            "server among the victims" if killed else "server not among the victims"
        ),
    }
    parts = [
        words[key](value) if key in words else f"{key} {value}"
        for key, value in expected.items()
        if value is not None
    ]
    return ", ".join(parts) or NONE


def picture_text(comparison: Comparison) -> str:
    """Return what the picture shows, for those who cannot see it."""
    ends = "; ".join(f"{outcome.scenario}: {status(outcome)}" for outcome in comparison.outcomes)
    return f"Memory over time, and below it the share of the readers who wait for a block. {ends}"


def evidence_lines(outcome: VerdictRecord) -> list[str]:
    """Return what the verdict rests on, a line each; last what held the memory at the kill."""
    holding = held(outcome)
    lines = [*outcome.evidence, *([f"held at the kill: {holding}"] if holding else [])]
    return lines or ["none"]


def _shared_load(outcomes: Iterable[VerdictRecord]) -> str:
    loads = {(o.readers, o.pace, o.vm_memory_mb) for o in outcomes if o.load_kind == "readers"}
    if len(loads) != 1:
        return ""
    readers, pace, memory_mb = next(iter(loads))
    if readers is None or pace is None or memory_mb is None:
        return ""
    return (
        f", with {count(readers, 'reader', 'readers')} at pace {pace:g} on a VM of {number(memory_mb, 'MB')}"
    )


def _end(outcome: VerdictRecord) -> str:
    missed = f" (expected: {expectation(outcome.expected)})" if outcome.met is False else ""
    if outcome.verdict == "oom_killed":
        return f"{_killed(outcome)}{missed}"
    if outcome.verdict == "survived":
        stalls = "" if not outcome.blocks_played else f", {count(outcome.stalls or 0, 'stall', 'stalls')}"
        limit = " under an emulated limit" if outcome.vm_emulated else ""
        peak = f"process tree peak {number(outcome.peak_tree_rss_mb, 'MB')}"
        return f"{outcome.scenario} survived{_session(outcome)}{limit} ({peak}{stalls}){missed}"
    return f"{outcome.scenario} {_ENDS.get(outcome.verdict, outcome.verdict)}{missed}"


def _killed(outcome: VerdictRecord) -> str:
    """The server's death is the reader's end; killed children alone are not, and are told apart."""
    peak = f"VM peak {number(outcome.peak_vm_mb, 'MB')}"
    after_s = outcome.killed_after_s
    if outcome.server_kills:
        after = "" if after_s is None else f" after {number(after_s, 's', 1)}"
        return f"{outcome.scenario} was killed by {killer(outcome)}{after} ({kills(outcome)}; {peak})"
    after = "" if after_s is None else f", the first after {number(after_s, 's', 1)}"
    total = outcome.oom_kills or 0
    if (outcome.child_kills or 0) < total:
        lost = count(total, "process", "processes")
        return f"{outcome.scenario} lost {lost} to {killer(outcome)}{after} (not all are known; {peak})"
    return f"{outcome.scenario} lost {kills(outcome)} to {killer(outcome)}{after} (the server not; {peak})"


def _session(outcome: VerdictRecord) -> str:
    if outcome.load_kind != "readers" or outcome.session_s is None:
        return ""
    if outcome.sessions == 0 and outcome.duration_s is not None:  # a soak's follow each other
        hours = outcome.duration_s / 3600
        return f" {number(hours, 'h', 1) if hours >= 1 else number(outcome.duration_s, 's')} of sessions"
    return f" {number(outcome.session_s, 's')} of reading"
