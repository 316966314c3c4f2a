"""The report on a terminal: the sentence, then a table that fits 80 columns and needs no colour."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from profiles.comparison import Comparison
from profiles.report_conditions import warnings
from profiles.report_listeners import LISTENERS_TITLE, heard_by, listener_rows
from profiles.report_table import Row, table_rows
from profiles.report_text import headline
from profiles.verdict_record import VerdictRecord

_SCENARIOS_IN_A_ROW = 4
_NAME_WIDTH = 12  # characters; a longer name breaks at its hyphens


def print_table(comparison: Comparison, console: Console) -> None:
    """Print the result, a warning if the scenarios are not alike, the figures, and what the listeners felt."""
    console.print(Text(headline(comparison), style="bold"))
    for warning in warnings(comparison):
        console.print(Text(f"Warning: {warning}", style="yellow"))
    _print_rows(comparison.outcomes, table_rows(comparison), console)
    felt = listener_rows(comparison)
    if felt:
        console.print(Text(LISTENERS_TITLE, style="bold"))
        _print_rows(heard_by(comparison), felt, console)


def _print_rows(outcomes: Sequence[VerdictRecord], rows: Sequence[Row], console: Console) -> None:
    """Print a table, four scenarios at a time."""
    for start in range(0, len(outcomes), _SCENARIOS_IN_A_ROW):
        shown = slice(start, start + _SCENARIOS_IN_A_ROW)
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("", no_wrap=True)
        for outcome in outcomes[shown]:
            name = textwrap.fill(outcome.scenario, _NAME_WIDTH)
            table.add_column(Text(name, style=_style(outcome)), justify="right", overflow="fold")
        for label, cells in rows:
            table.add_row(label, *(Text(cell) for cell in cells[shown]))
        console.print(table)


def _style(outcome: VerdictRecord) -> str:
    return {True: "bold green", False: "bold red", None: "bold"}[outcome.met]
