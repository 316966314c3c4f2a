"""The report as one Markdown page, with the picture beside it as `memory.svg`."""

from __future__ import annotations

from collections.abc import Sequence

from profiles.comparison import Comparison
from profiles.growth_text import growth_lines
from profiles.report_conditions import condition_rows, warnings
from profiles.report_limits import OTHER_LOADS, SOAK, limits
from profiles.report_listeners import LISTENERS_TITLE, heard_by, listener_rows
from profiles.report_table import Row, table_rows
from profiles.report_text import evidence_lines, headline, picture_text
from profiles.verdict_record import VerdictRecord

PICTURE_NOTE = (
    "Every panel has the same memory axis; each time axis is as long as its run. Times are by the clock. "
    "Below the memory stands the share of the readers who waited for a block."
)


def title(comparison: Comparison) -> str:
    """Return what the report is about, by the loads that were sent."""
    kinds = load_kinds(comparison)
    if kinds == {SOAK}:
        return "Memory of a server far away while documents are read aloud"
    if kinds - OTHER_LOADS:
        return "Memory on a small VM while a document is read aloud"
    return "Memory of a server" if kinds == {"none"} else "Memory of a server on a small VM"


def load_kinds(comparison: Comparison) -> set[str]:
    """Return the kinds of all loads; readers who were sent at a server far away are a soak's."""
    targets = [run.get("target") or {} for run in comparison.runs]
    pairs = zip(comparison.outcomes, targets, strict=True)
    return {
        SOAK if target.get("kind") == SOAK and outcome.load_kind == "readers" else outcome.load_kind
        for outcome, target in pairs
    }


def markdown(comparison: Comparison, heap: Sequence[str] = ()) -> str:
    """Return the report as GitHub-flavoured Markdown; `heap` is its part on the servers' heaps."""
    parts = [
        f"# {title(comparison)}",
        f"**{plain(headline(comparison))}**",
        *(f"> **Warning:** {plain(warning)}" for warning in warnings(comparison)),
        f"![{plain(picture_text(comparison))}](memory.svg)",
        PICTURE_NOTE,
        "## Figures",
        _table(comparison.outcomes, table_rows(comparison)),
        *_listeners(comparison),
        *heap,
        "## Conditions",
        "\n".join(condition(label, values) for label, values in condition_rows(comparison)),
        "## Evidence",
        *(_evidence(outcome) for outcome in comparison.outcomes),
        "## What these numbers cannot tell",
        "\n".join(f"- {limit}" for limit in limits(load_kinds(comparison))),
        f"Made {comparison.created_at} from the verdicts in [comparison.json](comparison.json).",
    ]
    return "\n\n".join(parts) + "\n"


def _listeners(comparison: Comparison) -> list[str]:
    rows = listener_rows(comparison)
    return [f"## {LISTENERS_TITLE}", _table(heard_by(comparison), rows)] if rows else []


def _table(outcomes: Sequence[VerdictRecord], rows: Sequence[Row]) -> str:
    head = ["", *(outcome.scenario for outcome in outcomes)]
    lines = [_line(head), _line(["---", *("---:" for _ in head[1:])])]
    return "\n".join([*lines, *(_line([label, *cells]) for label, cells in rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell if cell.startswith('---') else plain(cell) for cell in cells)} |"


def condition(label: str, values: Sequence[str]) -> str:
    """Return a condition as a list item, its values below it where there are several."""
    if len(values) == 1:
        return f"- {label}: {plain(values[0])}"
    return "\n".join([f"- {label}:", *(f"  - {plain(value)}" for value in values)])


def _evidence(outcome: VerdictRecord) -> str:
    # Four backticks: a kernel line may hold anything that a process chose as its name.
    lines = "\n".join([*evidence_lines(outcome), *growth_lines(outcome)])
    return f"{plain(outcome.scenario)}:\n\n````text\n{lines}\n````"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is: a scenario's name or a CPU's is no markup."""
    for mark in "\\`*_[]<>|":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
