"""The page of the gate's operating characteristic, made from `characteristic.json` alone."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks import gate_words as said
from benchmarks.gate_required import one, percent, required_effects, simulated
from benchmarks.gate_tables import Table, required, tables
from profiles.report_markdown import plain
from profiles.report_text import number

Value = Mapping[str, Any]


def markdown(value: Value) -> str:
    """Return the page as GitHub-flavoured Markdown, with the picture beside it."""
    parts = [
        f"# {said.TITLE}",
        f"**{plain(' '.join(sentences(value)))}**",
        *(f"> **Note:** {plain(note)}" for note in notes(value)),
        *_part(required(value)),
        *([f"![{said.PICTURE}](power.svg)", said.PICTURE_SAID] if value["power"] else []),
    ]
    for table in tables(value):
        parts += _part(table)
    parts += ["## Conditions", items(conditions(value))]
    parts += ["## What these numbers cannot tell", items(said.LIMITS)]
    parts.append(
        "Made from [characteristic.json](characteristic.json), and that from [runs.jsonl](runs.jsonl)."
    )
    return "\n\n".join(parts) + "\n"


def sentences(value: Value) -> list[str]:
    """Return the result in a few sentences, which the docs quote word for word."""
    alarms, passed = (value["real"]["all"][word] for word in ("regressed", "pass"))
    real = (
        f"Of {alarms['of']} gates on equal states, as measured, {passed['hits']} passed and {alarms['hits']} said "
        f"regressed: false alarms in at most {percent(alarms['at_most'])} of such gates (one-sided, 95 %)."
    )
    told = [real]
    if equal := one(value["equal_sides"], way="relabelled", runs=value["runs_a_side"]):
        told.append(
            f"Of {equal['gates']:,} gates put together anew from the same runs {simulated(equal)} said regressed, "
            f"and {percent(equal['inconclusive']['share'])} could not tell."
        )
    for name, called in required_effects(value).items():
        if found := one(value["power"], effect=name, runs=value["runs_a_side"]):
            told.append(f"{called}: found in {simulated(found)} of simulated gates.")
    return told


def notes(value: Value) -> Iterator[str]:
    """Yield what must be known before any figure; `notes` in `conditions.json` are written by people."""
    known = value["conditions"]
    others = [f"{times} {verdict}" for verdict, times in known["verdicts"].items() if verdict != "survived"]
    if others:
        runs = f"Of {known['runs_measured']} runs {', '.join(others)}"
        yield f"{runs}. They count as the gate counts them: where they are head's, the budget is not kept."
    if known["left_out"]:
        yield f"Not whole, and left out: {', '.join(known['left_out'])}."
    yield from known.get("notes", ())


def conditions(value: Value) -> list[str]:
    """Return the conditions, a line each."""
    known = value["conditions"]
    machine, vm, load = known["machine"], known["vm"], known["scenario"]["load"]
    at_once = (f"{pairs} pairs with {runs} at once" for runs, pairs in known["pairs_at_once"].items())
    measured = (
        f"Measured {known['from']} to {known['to']} by python -m benchmarks.gate at commit {known['commit']}: "
        f"{known['runs_measured']} runs, of them {known['pairs']} identical pairs."
    )
    psi = (
        "Waiting for memory (PSI, the highest share of 10 s in a run): median "
        f"{number(known['psi_some_median'], '%', 1)}, highest {number(known['psi_some_highest'], '%', 1)}."
    )
    machines = (
        f"{machine['cpus']} cores ({machine['cpu_model'] or 'unknown model'}), {machine['memory_gb']} GB, Linux "
        f"{machine['kernel']}, {machine['vm_backend']}; Python {known['python']}; "
        f"{', '.join(f'{name} {version}' for name, version in known['versions'].items())}."
    )
    readers = (
        f"{load['readers']} readers of mode {load['mode']}, {load['sessions']} sessions each at pace "
        f"{load['pace']:g}; a session asks for {known['chunks_per_session']:g} chunks. Alpha {value['alpha']:g}."
    )
    size = f"VM of {vm['memory_mb']} MB, {vm['cpus']} vCPUs of {vm['share_of_core']:g} of a core each."
    return [
        measured,
        f"Runs at once, as each command was told: {', '.join(at_once)}.",
        psi,
        machines,
        size,
        readers,
    ]


def _part(table: Table) -> list[str]:
    below = [items(table.below)] if table.below else []
    return [f"## {table.title}", *map(plain, table.above), rows(table), *below]


def items(lines: Sequence[str]) -> str:
    """Return a list."""
    return "\n".join(f"- {plain(line)}" for line in lines)


def rows(table: Table) -> str:
    """Return a table's head and rows."""
    head, *others = [[plain(cell) for cell in row] for row in (table.head, *table.rows)]
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *others))
