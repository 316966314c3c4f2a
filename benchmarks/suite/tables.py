"""Markdown that reads well as it is: padded tables no wider than a terminal, and wrapped items."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from benchmarks.suite.result import Value
from profiles.report_text import NONE

WIDTH = 118
"""Columns of text; a table that would be wider is told in several."""
_KEYS = 2
"""The first columns of a table of figures, repeated where it goes on."""


def number(value: float) -> str:
    """Return a number in three digits, or all of those before the point: `0.0123`, `1.23`, `12.3`, `1,234`."""
    size = abs(value)
    if size >= 100 or value == 0:
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.1f}" if size >= 10 else f"{value:.2f}"
    return f"{value:#.3g}"


def spread(one: Value) -> str:
    """Return the value in the middle, with the smallest and the largest; the value alone where all are told alike."""
    middle, low, high = (number(one[name]) for name in ("median", "low", "high"))
    return middle if low == high else f"{middle} ({low} to {high})"


def named(quantity: str, unit: str) -> str:
    """Return what a column or a panel is called: the quantity, with its unit unless the name has it."""
    return quantity if unit == "1" or quantity.endswith("/s") else f"{quantity} ({unit})"


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


def figures_tables(figures: Sequence[Value]) -> list[str]:
    """Return the figures of a case: a row for each setting and subject, a column for each quantity.

    One table, or as many as its columns need, each with the same rows.
    """
    keys = list(dict.fromkeys((one["setting"], one["subject"]) for one in figures))
    columns = list(dict.fromkeys((one["quantity"], one["unit"]) for one in figures))
    cells = {(one["setting"], one["subject"], one["quantity"], one["unit"]): spread(one) for one in figures}
    made = [
        [named(quantity, unit), *(cells.get((*key, quantity, unit), NONE) for key in keys)]
        for quantity, unit in columns
    ]
    begin = [["setting", *(setting for setting, _ in keys)], ["subject", *(subject for _, subject in keys)]]
    return [_of_columns([*begin, *group]) for group in _groups(begin, made)]


def _without_repeats(words: Sequence[str]) -> list[str]:
    return [word if not at or words[at - 1] != word else "" for at, word in enumerate(words)]


def _groups(begin: Sequence[Sequence[str]], columns: Sequence[list[str]]) -> list[list[list[str]]]:
    """The columns, in as few groups as fit beside the first ones; each has one at least."""
    taken = sum(_width(column) for column in begin) + 1
    groups: list[list[list[str]]] = [[]]
    room = WIDTH - taken
    for column in columns:
        if groups[-1] and _width(column) > room:
            groups.append([])
            room = WIDTH - taken
        groups[-1].append(column)
        room -= _width(column)
    return groups


def _width(column: Sequence[str]) -> int:
    return max(map(len, column)) + len("|  ")


def _of_columns(columns: Sequence[Sequence[str]]) -> str:
    """A table of these columns, without the rows that say nothing in any of them."""
    head, *rows = zip(*columns, strict=True)
    told = [row for row in rows if any(cell != NONE for cell in row[_KEYS:])]
    settings = _without_repeats([row[0] for row in told])
    return table(
        head, [[setting, *row[1:]] for setting, row in zip(settings, told, strict=True)], numbers_from=_KEYS
    )
