"""The report as one page that asks nobody for anything: style and pictures are inside, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from string import Template

from profiles.comparison import Comparison
from profiles.growth_text import growth_lines
from profiles.inline_svg import inline_svg
from profiles.memory_trace import MemoryTrace
from profiles.plots import panel_svg, top_of_scale_gb
from profiles.report_conditions import condition_rows, warnings
from profiles.report_limits import limits
from profiles.report_listeners import LISTENERS_TITLE, heard_by, listener_rows
from profiles.report_markdown import PICTURE_NOTE, load_kinds, title
from profiles.report_style import STYLE
from profiles.report_table import Row, table_rows
from profiles.report_text import evidence_lines, headline, status
from profiles.verdict_record import VerdictRecord

_SHORT = 24  # characters
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
<p class="result $met">$headline</p>
$warnings
<p class="legend">$legend</p>
<div class="panels">
$panels
</div>
<p class="note">$note</p>
<h2>Figures</h2>
$figures
$listeners
$heap
<h2>Conditions</h2>
<dl>
$conditions
</dl>
<h2>Evidence</h2>
$evidence
<h2>What these numbers cannot tell</h2>
<ul>
$limits
</ul>
<p class="note">Made $created_at from the verdicts in comparison.json.</p>
</main>
</body>
</html>
""")
_LINE = (
    '<svg width="30" height="8" aria-hidden="true"><path d="M0 4H30" stroke="var(--{})" '
    'stroke-width="2" stroke-dasharray="{}"/></svg>'
)
_LEGEND = (
    (_LINE.format("anon", "none"), "VM, anonymous memory"),
    (_LINE.format("children", "6 3"), "children, RSS"),
    (_LINE.format("server", "8 3 2 3"), "server, RSS"),
    ('<i class="kill" aria-hidden="true"></i>', "killed for memory"),
    (_LINE.format("muted", "2 3"), "restarted"),
    (_LINE.format("waiting", "none").replace('"2"', '"8"'), "readers who wait for a block, share of all"),
)


def html_page(comparison: Comparison, traces: Sequence[MemoryTrace], heap: str = "") -> str:
    """Return the whole page; `traces` are the panels, in the outcomes' order, `heap` its part on the heaps."""
    outcomes = comparison.outcomes
    top_gb = top_of_scale_gb(traces)
    panels = (
        _panel(index, outcome, panel_svg(trace, top_gb))
        for index, (outcome, trace) in enumerate(zip(outcomes, traces, strict=True))
    )
    return _PAGE.substitute(
        title=escape(title(comparison)),
        style=STYLE,
        headline=escape(headline(comparison)),
        met="met" if outcomes and all(outcome.met for outcome in outcomes) else "unmet",
        warnings=_lines(f'<p class="warning">Warning: {escape(text)}</p>' for text in warnings(comparison)),
        legend=" ".join(f'<span class="key">{mark}{name}</span>' for mark, name in _LEGEND),
        panels=_lines(panels),
        note=escape(PICTURE_NOTE),
        figures=_table("Figures of every scenario", outcomes, table_rows(comparison)),
        listeners=_listeners(comparison),
        heap=heap,
        conditions=_lines(_condition(label, values) for label, values in condition_rows(comparison)),
        evidence=_lines(_evidence(outcome) for outcome in outcomes),
        limits=_lines(f"<li>{escape(limit)}</li>" for limit in limits(load_kinds(comparison))),
        created_at=escape(comparison.created_at),
    )


def _panel(index: int, outcome: VerdictRecord, svg: str) -> str:
    name, words = escape(outcome.scenario), escape(status(outcome))
    drawing = inline_svg(svg, f"p{index}", f"Memory of {name} over time")
    return f"<figure><figcaption><b>{name}</b><br>{words}</figcaption>\n{drawing}</figure>"


def _listeners(comparison: Comparison) -> str:
    rows = listener_rows(comparison)
    if not rows:
        return ""
    table = _table(LISTENERS_TITLE, heard_by(comparison), rows)
    return f"<h2>{escape(LISTENERS_TITLE)}</h2>\n{table}"


def _table(label: str, outcomes: Iterable[VerdictRecord], rows: Iterable[Row]) -> str:
    heads = "".join(f'<th scope="col">{escape(outcome.scenario)}</th>' for outcome in outcomes)
    body = _lines(_row(name, cells) for name, cells in rows)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">\n'
        f"<table><thead><tr><td></td>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _row(label: str, cells: Iterable[str]) -> str:
    data = "".join(f"<td>{_unbroken(cell)}</td>" for cell in cells)
    return f'<tr><th scope="row">{escape(label)}</th>{data}</tr>'


def _unbroken(cell: str) -> str:
    """A figure and its unit stay on one line; a sentence may wrap."""
    return escape(cell) if len(cell) > _SHORT else escape(cell).replace(" ", "&nbsp;")


def _condition(label: str, values: Iterable[str]) -> str:
    return f"<dt>{escape(label)}</dt>{''.join(f'<dd>{escape(value)}</dd>' for value in values)}"


def _evidence(outcome: VerdictRecord) -> str:
    lines = "\n".join([*evidence_lines(outcome), *growth_lines(outcome)])
    return f"<h3>{escape(outcome.scenario)}</h3>\n<pre>{escape(lines)}</pre>"


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
