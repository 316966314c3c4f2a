"""A gate's outcome on a terminal or in a CI's log: 80 columns, no colour needed, the verdict in the last line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from profiles.gate.outcome import GateOutcome, ScenarioDecision
from profiles.gate.report_text import (
    budget_title,
    headline,
    medians,
    notes,
    printable,
    shift_within,
    short_title,
    sides,
    told,
)

_STYLES = {
    "pass": "green",
    "regressed": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
}
"""Beside the word, never instead of it."""
_INDENT = "  "


def print_gate(outcome: GateOutcome, console: Console) -> None:
    """Print each scenario's metrics, reasons, budget and ways out, then the verdict with its exit code."""
    _print_lines(console, sides(outcome), "")
    for decision in outcome.scenarios:
        _print_scenario(decision, console)
    style = _STYLES[outcome.word]
    # Not wrapped: who looks for it in a log finds all of it in the last line.
    console.print(Text(f"{headline(outcome)} (exit code {outcome.exit_code})", style=style), soft_wrap=True)


def _print_scenario(decision: ScenarioDecision, console: Console) -> None:
    name, reason = printable(decision.scenario), printable(decision.reason)
    console.print()
    _print_lines(console, f"{name}: {decision.word}: {reason}", "", _STYLES[decision.word])
    if decision.metrics:
        console.print(Padding(_table(decision), (0, 0, 0, len(_INDENT)), expand=False))
    for line in _remarks(decision):
        _print_lines(console, printable(line), _INDENT)
    _print_lines(console, budget_title(decision.budget), _INDENT)
    for line in decision.budget.lines:
        _print_lines(console, printable(line), 2 * _INDENT)
    for line in decision.ways_out:
        _print_lines(console, f"What to do: {printable(line)}", _INDENT)


def _table(decision: ScenarioDecision) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("metric", "median base -> head", "shift", "verdict"):
        table.add_column(name, no_wrap=name != "metric", overflow="fold")
    for found in decision.metrics:
        cells = (short_title(found.metric), medians(found), shift_within(found))
        table.add_row(*map(Text, cells), Text(found.word, style=_STYLES.get(found.word, "")))
    return table


def _remarks(decision: ScenarioDecision) -> Iterator[str]:
    for found in told(decision):
        yield found.reason
    for note in notes(decision):
        yield f"Note: {note}"


def _print_lines(console: Console, text: str, indent: str, style: str = "") -> None:
    """Print text wrapped to the console, its second line and all later ones a little further in."""
    lines = textwrap.wrap(
        text,
        max(20, console.width),
        initial_indent=indent,
        subsequent_indent=indent + _INDENT,
        break_on_hyphens=False,
    )
    for line in lines:
        console.print(Text(line, style=style), soft_wrap=True)
