"""Markdown that reads well as it is: padded tables no wider than a terminal, and wrapped items."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.suite.result import Value
from profiles.report_text import NONE

WIDTH = 118
"""Columns of text; a table that would be wider is told in several."""


def number(value: float) -> str:
    """Return a number in three digits, or all of those before the point: `0.0123`, `1.23`, `12.3`, `1,234`."""
    size = abs(value)
    if size >= 100 or value == 0:
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.1f}" if size >= 10 else f"{value:.2f}"
    return f"{value:#.3g}"


def short(value: float) -> str:
    """Return a number for an axis, where there is little room: `0.25`, `500`, `20k`, `1.5M`."""
    for unit, size in (("M", 1e6), ("k", 1e4)):
        if abs(value) >= size:
            return f"{value / (1e6 if unit == 'M' else 1e3):.3g}{unit}"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"


def spread(one: Value) -> str:
    """Return the value in the middle, with the smallest and the largest; the value alone where all are told alike."""
    middle, low, high = (number(one[name]) for name in ("median", "low", "high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def named(quantity: str, unit: str) -> str:
    """Return what a column or a panel is called: the quantity, with its unit unless the name has it."""
    return quantity if unit in {"1", "1/s"} or quantity.endswith("/s") else f"{quantity} ({unit})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, numbers_from: int = 1) -> str:
    """Return a table, its columns padded; those from `numbers_from` on are set to the right."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(head))]

    def padded(cells: Sequence[str]) -> str:
        told = [
            cell.rjust(width) if column >= numbers_from else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(told)} |"

    rule = [
        "-" * (width - 1) + ":" if column >= numbers_from else "-" * width
        for column, width in enumerate(widths)
    ]
    return "\n".join([padded(lines[0]), f"| {' | '.join(rule)} |", *(padded(line) for line in lines[1:])])


def items(sentences: Iterable[str]) -> str:
    """Return a list, each item wrapped."""
    return "\n".join(
        textwrap.fill(
            sentence,
            WIDTH,
            initial_indent="- ",
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for sentence in sentences
    )


def figures_tables(figures: Sequence[Value]) -> Iterator[str]:
    """Yield the figures of a case: a row for each setting and subject, a column for each quantity."""
    settings = list(dict.fromkeys(one["setting"] for one in figures))
    found = dict.fromkeys((one["setting"], one["subject"]) for one in figures)
    keys = sorted(found, key=lambda key: settings.index(key[0]))
    cells = {(one["setting"], one["subject"], one["quantity"], one["unit"]): spread(one) for one in figures}
    columns = [
        [named(quantity, unit), *(cells.get((*key, quantity, unit), NONE) for key in keys)]
        for quantity, unit in dict.fromkeys((one["quantity"], one["unit"]) for one in figures)
    ]
    begin = [["setting", *(setting for setting, _ in keys)], ["subject", *(subject for _, subject in keys)]]
    return side_by_side(begin, columns)


def side_by_side(begin: Sequence[Sequence[str]], columns: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield a table of these columns beside two that begin it, or as many tables as the width asks for.

    A column begins with its head. Rows that say nothing in a table are left out of it, and what stands in the first
    column is not repeated below itself.
    """
    groups: list[list[Sequence[str]]] = []
    for column in columns:
        if not groups or _taken([*begin, *groups[-1], column]) > WIDTH:
            groups.append([])
        groups[-1].append(column)
    for group in groups:
        head, *rows = zip(*begin, *group, strict=True)
        told = [row for row in rows if any(cell != NONE for cell in row[len(begin) :])]
        firsts = _without_repeats([row[0] for row in told])
        lines = [[first, *row[1:]] for first, row in zip(firsts, told, strict=True)]
        yield table(head, lines, numbers_from=len(begin))


def _without_repeats(words: Sequence[str]) -> list[str]:
    return [word if not at or words[at - 1] != word else "" for at, word in enumerate(words)]


def _taken(columns: Sequence[Sequence[str]]) -> int:
    """How wide a table of these is, where all rows stand in it."""
    return sum(max(map(len, column)) + len("|  ") for column in columns) + len("|")
