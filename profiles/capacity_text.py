"""The words of a capacity report, the same on terminal, Markdown and page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from profiles.capacity import Capacity
from profiles.capacity_cause import Resource
from profiles.capacity_outcome import Aim, Outcome
from profiles.report_text import NONE, count, number

TITLE = "How many readers a small VM carries"
_PICTURE = (
    "Every mark is a run, and a line joins the worst run of each number of readers. Green was carried, red was not. "
    "Below: the share of blocks that were waited for in silence. All panels have the same axes."
)
AT_PACE_1 = "At pace 1: as many readers at pace 1 ask the server for as much work per second."
SHORT: dict[Resource, str] = {
    "memory": "memory",
    "CPU": "CPU",
    "none": "too late, with memory and CPU to spare",
    "server": "the server did not serve",
    "upstream": "faults ordered of the upstream",
}
COLUMNS = ("readers", "at pace 1", "result", "anonymous", "tree RSS", "stalls", "VM CPUs")

_IN_A_CELL: dict[Resource, str] = {
    **SHORT,
    "none": "too late",
    "server": "not served",
    "upstream": "ordered faults",
}
_FIRST: dict[Resource, str] = {
    "memory": "memory ran out first",
    "CPU": "CPU ran out first",
    "none": "blocks came too late, with memory and CPU to spare",
    "server": "the server did not serve",
    "upstream": "faults that were ordered of the upstream came first",
}
_NOT_THE_VMS = {"generator": "the load generator", "machine": "this machine's CPU"}


def headline(capacities: Sequence[Capacity]) -> str:
    """Return the result in one sentence, with the conditions that all share."""
    if not any(capacity.outcomes for capacity in capacities):
        return "Nothing was measured."
    found = "; ".join(f"{capacity.scenario} {result(capacity)}" for capacity in capacities)
    return f"{_shared(capacities)}{found}."


def result(capacity: Capacity) -> str:
    """Return what was found for a scenario: `carries 4 readers, not 5 (memory)`."""
    known = capacity.bounds
    asides = list(_asides(capacity))
    if known.carried is None and known.failed is None:
        said = "was not measured"
    elif known.carried is None:
        said = "carries not even 1 reader" if known.failed == 1 else f"does not carry {_people(known.failed)}"
    elif known.failed is None:
        said = f"carries at least {_people(known.carried)}"
    else:
        said = f"carries {_people(known.carried)}, not {known.failed:,}"
    return f"{said} ({'; '.join(asides)})" if asides else said


def picture(aim: Aim) -> str:
    """Return what the picture shows, mark by mark."""
    chance = " Above the line of stalls, one stall in all is carried too." if aim.stalls_below > 0 else ""
    return f"{_PICTURE}{chance} A diamond is a run whose limit was not the VM's."


def reasons(capacity: Capacity) -> list[str]:
    """Return, a line each, why it was not more: the limits passed in the order of time, or what ended the search."""
    known = capacity.bounds
    lines = []
    for readers in (known.failed, known.generator, known.machine, known.broken):
        deciding = capacity.deciding(readers)
        if readers is not None and deciding is not None:
            lines.append(f"{_people(readers)}: {why(deciding)}.")
    if not lines and capacity.finished:
        lines.append(f"{_people(capacity.aim.plan.most)} were the most to be tried (--most).")
    if not capacity.finished:
        lines.append("the search was broken off: it could say more.")
    return lines


def why(outcome: Outcome) -> str:
    """Return what a run showed, in words, with its evidence."""
    if outcome.showed == "carried":
        return "carried"
    if outcome.showed in _NOT_THE_VMS:
        why_so = outcome.why or "; ".join(limit.text for limit in outcome.passed)
        return f"{_NOT_THE_VMS[outcome.showed]} was the limit: {why_so}"
    if outcome.showed == "invalid":
        return f"invalid: {outcome.why}"
    first, *then = outcome.limits
    texts = [first.text, *(f"then {limit.text}" for limit in then)]
    texts += [f"beside {limit.text}" for limit in outcome.passed if limit not in outcome.limits]
    return f"{_FIRST[first.resource]} ({'; '.join(texts)})"


def told(outcome: Outcome) -> str:
    """Return what a run showed in one line, for who watches it."""
    said = f"{_people(outcome.readers)}: {why(outcome)}"
    if outcome.showed != "carried":
        return said
    return f"{said}, process tree {number(outcome.record.peak_tree_rss_mb, 'MB')}, stalls {_stalls(outcome)}"


def table_rows(capacity: Capacity) -> list[tuple[str, ...]]:
    """Return a row for each run, fewest readers first; the cells belong to COLUMNS."""
    runs = sorted(capacity.outcomes, key=lambda outcome: outcome.readers)
    return [_cells(run) for run in runs]


def _asides(capacity: Capacity) -> Iterator[str]:
    known = capacity.bounds
    deciding = capacity.deciding(known.failed)
    if deciding is not None and deciding.limits:
        yield SHORT[deciding.limits[0].resource]
    if known.odd is not None:
        yield f"although {known.odd:,} were"
    for limited, name in ((known.generator, "generator"), (known.machine, "machine")):
        if limited is not None:
            yield f"{_NOT_THE_VMS[name]} was the limit at {limited:,}"
    if known.broken is not None:
        yield f"nothing valid was measured at {known.broken:,}"
    if not capacity.finished:
        yield "broken off"
    elif known.carried == capacity.aim.plan.most:
        yield "the most tried"


def _people(readers: int | None) -> str:
    return count(readers or 0, "reader", "readers")


def _shared(capacities: Sequence[Capacity]) -> str:
    records = [outcome.record for capacity in capacities for outcome in capacity.outcomes]
    loads = {(record.vm_memory_mb, record.pace) for record in records}
    if len(loads) != 1:
        return ""
    memory_mb, pace = next(iter(loads))
    limit = " (emulated limit)" if any(record.vm_emulated for record in records) else ""
    return f"On a VM of {number(memory_mb, 'MB')}{limit} at pace {pace:g}, {runs(capacities[0].aim)}: "


def runs(aim: Aim) -> str:
    """Return `one run of each number`."""
    return "one run of each number" if aim.runs == 1 else f"{aim.runs} runs of each number"


def _cells(outcome: Outcome) -> tuple[str, ...]:
    record = outcome.record
    equal = record.pace1_equivalent_readers
    used = record.cpu_s / record.duration_s if record.cpu_s is not None and record.duration_s else None
    return (
        f"{outcome.readers:,}",
        number(equal),
        _short_result(outcome),
        number(record.peak_anon_mb, "MB"),
        number(record.peak_tree_rss_mb, "MB"),
        _stalls(outcome),
        number(used, digits=2),
    )


def _short_result(outcome: Outcome) -> str:
    if outcome.cut_off:
        return "cut off"
    if outcome.showed == "failed":
        return f"not: {_IN_A_CELL[outcome.limits[0].resource]}"
    return f"{outcome.showed}'s limit" if outcome.showed in _NOT_THE_VMS else outcome.showed


def _stalls(outcome: Outcome) -> str:
    if outcome.stall_share is None or not outcome.record.blocks_played:
        return NONE
    return f"{outcome.record.stalls:,}, {outcome.stall_share:.1%}" if outcome.record.stalls else "none"
