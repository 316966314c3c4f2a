"""The difference of two heaps in words and tables, for Markdown and for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from profiles.gate.heap_difference import HeapDifference, SiteDifference, SiteSide
from profiles.gate.report_text import printable
from profiles.heap_sites import SMALLEST_BYTES
from profiles.report_markdown import plain
from profiles.report_text import count, number
from profiles.vm_size import MIB

TITLE = "What head's heap holds more than base's"
MOST_SITES = 12
"""Of what rose, and as many of what fell: the rest is counted."""
_KIB = 1024
_BY_CHANCE = "Each side is one run: what differs by chance differs here too."
_POOLS = (
    "Python takes memory for small objects in pools of 1 MiB, which stand at the line that needed a new one: 1 MB more "
    "at one place and less at another is chance. With --env PYTHONMALLOC=malloc every object has its own line."
)
_MOVED = "A function that was renamed or moved to another file stands there twice: as fallen, and as risen."


def heap_difference_markdown(difference: HeapDifference) -> str:
    """Return it as GitHub-flavoured Markdown."""
    shown = shown_sites(difference)
    parts = [
        f"## {TITLE}: {_text(difference.scenario)}",
        f"**{_text(summary(difference))}**",
        *(f"> **Note:** {_text(note)}" for note in difference.notes),
    ]
    if shown:
        head = ("rise", "base", "head", "allocations", "function", "lines that held it")
        rows = [_markdown_row(site, difference) for site in shown]
        rule = ("---:", "---:", "---:", "---:", "---", "---")
        parts.append("\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *rows)))
    limits = "\n".join(f"- {_text(limit)}" for limit in (_BY_CHANCE, _POOLS, _MOVED))
    parts += [rest(difference, shown), limits]
    return "\n\n".join(parts) + "\n"


def heap_difference_text(difference: HeapDifference, columns: int = 80) -> str:
    """Return it as plain text of so many columns."""
    out = io.StringIO()
    print_heap_difference(difference, Console(file=out, width=columns, color_system=None))
    return out.getvalue()


def print_heap_difference(difference: HeapDifference, console: Console) -> None:
    """Print it in 80 columns, without colour."""
    console.print(Text(f"{TITLE}: {printable(difference.scenario)}", style="bold"))
    console.print(Text(printable(summary(difference))))
    for note in difference.notes:
        console.print(Text(f"Note: {printable(note)}"))
    shown = shown_sites(difference)
    if shown:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for name in ("rise", "base", "head"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("function (lines)", overflow="fold")
        for site in shown:
            rise, base, head = _sizes(site, difference)
            table.add_row(rise, base, head, Text(f"{printable(site.name)} ({_line_numbers(site)})"))
        console.print(table, highlight=False)
    console.print(Text(rest(difference, shown)))
    console.print(Text(_BY_CHANCE))


def summary(difference: HeapDifference) -> str:
    """Return the first thing to know: by how much the heap is larger, and which function rose most."""
    rise = difference.rise_bytes
    held = f"At its peak head's heap held {size(difference.head_bytes)}, base's {size(difference.base_bytes)}"
    more = f"{size(abs(rise))} {'more' if rise > 0 else 'less'}" if rise else "as much"
    first = next(iter(difference.sites), None)
    if first is None or first.rise_bytes < SMALLEST_BYTES:
        return f"{held}: {more}. No function holds more than {size(SMALLEST_BYTES)} more."
    by = "by at most" if first.base is None and difference.base_unlisted_bytes else "by"
    return f"{held}: {more}. {first.name} rose most, {by} {size(first.rise_bytes)}."


def shown_sites(difference: HeapDifference) -> list[SiteDifference]:
    """Return the functions worth a row: those that rose or fell most."""
    risen = [site for site in difference.sites if site.rise_bytes >= SMALLEST_BYTES]
    fallen = [site for site in difference.sites if site.rise_bytes <= -SMALLEST_BYTES]
    return [*risen[:MOST_SITES], *fallen[-MOST_SITES:]]


def rest(difference: HeapDifference, shown: Sequence[SiteDifference]) -> str:
    """Return what the rows leave of the difference."""
    left = len(difference.sites) - len(shown)
    others = difference.rise_bytes - sum(site.rise_bytes for site in shown)
    functions = f"{count(left, 'other function', 'other functions')}, and what is not listed,"
    return f"{functions} make {signed_size(others)} together."


def size(value: float) -> str:
    """Return bytes as MB, or as KB where there are few."""
    return number(value / MIB, "MB", 1) if abs(value) >= MIB else number(value / _KIB, "KB", 1)


def signed_size(value: float) -> str:
    """Return the same with a sign."""
    return size(value) if value < 0 else f"+{size(value)}"


def _sizes(site: SiteDifference, difference: HeapDifference) -> tuple[str, str, str]:
    return (
        signed_size(site.rise_bytes),
        _held(site.base, difference.base_unlisted_bytes),
        _held(site.head, difference.head_unlisted_bytes),
    )


def _held(side: SiteSide | None, unlisted_bytes: int) -> str:
    if side is not None:
        return size(side.bytes)
    return f"under {size(unlisted_bytes)}" if unlisted_bytes else "nothing"


def _markdown_row(site: SiteDifference, difference: HeapDifference) -> tuple[str, ...]:
    base, head = (number(side.allocations if side else None) for side in (site.base, site.head))
    lines = "; ".join(_lines(site))
    return tuple(map(_text, (*_sizes(site, difference), f"{base} -> {head}", site.name, lines)))


def _lines(site: SiteDifference) -> Iterator[str]:
    for name, side in (("head", site.head), ("base", site.base)):
        if side is not None:
            held = (f"{line.line} {size(line.bytes)} ({line.innermost})" for line in side.lines)
            yield f"{name}: {', '.join(held)}"


def _line_numbers(site: SiteDifference) -> str:
    """The lines in head; and those in base, where they are others."""
    head, base = ([str(line.line) for line in side.lines] if side else [] for side in (site.head, site.base))
    if not head:
        return f"base: {', '.join(base)}"
    return ", ".join(head) + (f"; base: {', '.join(base)}" if base and sorted(base) != sorted(head) else "")


def _text(text: str) -> str:
    return plain(printable(text))
