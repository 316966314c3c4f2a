"""A capacity report as one page that asks nobody for anything: style and pictures are inside, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from string import Template

from profiles.capacity import Capacity
from profiles.capacity_conditions import capacity_conditions, limits
from profiles.capacity_plot import capacity_svg
from profiles.capacity_text import AT_PACE_1, COLUMNS, TITLE, headline, picture, reasons, result, table_rows
from profiles.inline_svg import inline_svg
from profiles.report_style import STYLE

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
<p class="result">$headline</p>
<ul>
$reasons
</ul>
<p class="legend">$legend</p>
<div class="panels">
$panels
</div>
<p class="note">$picture</p>
<h2>Runs</h2>
$tables
<p class="note">$at_pace_1</p>
<h2>Conditions</h2>
<dl>
$conditions
</dl>
<h2>What these numbers cannot tell</h2>
<ul>
$limits
</ul>
<p class="note">Every run's figures and conditions are in capacity.json.</p>
</main>
</body>
</html>
""")
_MARK = '<svg width="30" height="10" aria-hidden="true">{}</svg>'
_LINE = (
    '<path d="M0 5H30" stroke="var(--{0})" stroke-width="2" stroke-dasharray="{1}"/>'
    '<circle cx="15" cy="5" r="3.5" fill="var(--{0})"/>'
)
_FIELD = '<rect width="30" height="10" fill="var(--{})" fill-opacity=".25"/>'
_DIAMOND = '<path d="M15 0l5 5-5 5-5-5z" fill="none" stroke="var(--muted)"/>'
_LEGEND = (
    (_MARK.format(_LINE.format("anon", "none")), "VM, anonymous memory"),
    (_MARK.format(_LINE.format("server", "6 3")), "process tree, RSS"),
    ('<i class="kill" aria-hidden="true"></i>', "killed for memory"),
    (_MARK.format(_DIAMOND), "not the VM's limit"),
    (_MARK.format(_FIELD.format("children")), "carried"),
    (_MARK.format(_FIELD.format("kill")), "not carried"),
)


def html_page(capacities: Sequence[Capacity]) -> str:
    """Return the whole page."""
    why = [(capacity.scenario, line) for capacity in capacities for line in reasons(capacity)]
    return _PAGE.substitute(
        title=escape(TITLE),
        style=STYLE,
        headline=escape(headline(capacities)),
        reasons=_lines(f"<li><b>{escape(name)}</b>, {escape(line)}</li>" for name, line in why),
        legend=" ".join(f'<span class="key">{mark}{name}</span>' for mark, name in _LEGEND),
        panels=_lines(_panel(index, capacity, capacities) for index, capacity in enumerate(capacities)),
        picture=escape(picture(capacities[0].aim)),
        tables=_lines(_table(capacity) for capacity in capacities),
        at_pace_1=escape(AT_PACE_1),
        conditions=_lines(_condition(*row) for row in capacity_conditions(capacities)),
        limits=_lines(f"<li>{escape(limit)}</li>" for limit in limits(capacities[0].aim)),
    )


def _panel(index: int, capacity: Capacity, capacities: Sequence[Capacity]) -> str:
    name, words = escape(capacity.scenario), escape(result(capacity))
    label = f"Peak memory and stalls of {name} over the number of readers"
    drawing = inline_svg(capacity_svg(capacity, capacities), f"p{index}", label)
    return f"<figure><figcaption><b>{name}</b><br>{words}</figcaption>\n{drawing}</figure>"


def _table(capacity: Capacity) -> str:
    name = escape(capacity.scenario)
    heads = "".join(f'<th scope="col">{escape(column)}</th>' for column in COLUMNS)
    rows = _lines(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>" for cells in table_rows(capacity)
    )
    return (
        f'<h3>{name}</h3>\n<div class="wide" tabindex="0" role="region" aria-label="Runs of {name}">\n'
        f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _condition(label: str, values: Iterable[str]) -> str:
    return f"<dt>{escape(label)}</dt>{''.join(f'<dd>{escape(value)}</dd>' for value in values)}"


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
