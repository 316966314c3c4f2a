"""Capacities in, report out: everything that is written about a search, from one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from profiles.capacity import Capacity
from profiles.capacity_html import html_page
from profiles.capacity_json import save_capacities
from profiles.capacity_markdown import markdown
from profiles.capacity_plot import write_capacity_figure
from profiles.capacity_text import COLUMNS, headline, reasons, table_rows


def write_capacity_report(capacities: Sequence[Capacity], out_dir: Path) -> None:
    """Write capacity.json, capacity.md, capacity.html, capacity.svg and capacity.png into `out_dir`.

    It is made when it is missing; the files of an earlier report are replaced.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    save_capacities(capacities, out_dir / "capacity.json")
    write_capacity_figure(capacities, out_dir / "capacity.svg", out_dir / "capacity.png")
    (out_dir / "capacity.md").write_text(markdown(capacities), encoding="utf-8")
    (out_dir / "capacity.html").write_text(html_page(capacities), encoding="utf-8")


def print_capacities(capacities: Sequence[Capacity], console: Console) -> None:
    """Print the result in one sentence, why it was not more, and every run, in 80 columns."""
    console.print(Text(headline(capacities), style="bold"))
    for capacity in capacities:
        for line in reasons(capacity):
            console.print(Text(f"{capacity.scenario}, {line}"))
    for capacity in capacities:
        table = Table(
            title=capacity.scenario, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
        )
        for column in COLUMNS:
            words = column == "result"
            table.add_column(column, justify="left" if words else "right", no_wrap=not words, overflow="fold")
        for cells in table_rows(capacity):
            table.add_row(*map(Text, cells))
        console.print(table)
