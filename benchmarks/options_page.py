"""The report of the options as Markdown and as one page that asks nobody for anything."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from string import Template
from typing import Any

from benchmarks.options_conditions import condition_lines
from benchmarks.options_table import sections
from benchmarks.options_words import headline, notes
from profiles.heap_pages import RunHeap, html_of_runs, markdown_of_runs
from profiles.heap_text import Section
from profiles.inline_svg import inline_svg
from profiles.report_limits import limits
from profiles.report_markdown import condition, plain
from profiles.report_style import STYLE

TITLE = "The options of the plan, in real time"
_TEXT_COLUMNS = frozenset({"option", "in the plan", "end", "who was killed"})
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style
td.text { text-align: left; min-width: 8rem; }
th.text { text-align: left; }
.wide figure { min-width: 45rem; }</style>
</head>
<body>
<main>
<h1>$title</h1>
<p class="result">$headline</p>
$body
</main>
</body>
</html>
""")


@dataclass(frozen=True)
class Picture:
    """A drawing of the report: its file's stem, its heading, what it shows, and the SVG as drawn."""

    stem: str
    title: str
    said: str
    svg: str


@dataclass(frozen=True)
class Report:
    """All that a page shows; `result` is the value of `options.json`."""

    result: Mapping[str, Any]
    pictures: Sequence[Picture] = ()
    heaps: Sequence[RunHeap] = ()
    heap_said: Sequence[str] = ()
    heap_picture: Picture | None = field(default=None)


def markdown(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown, with the pictures beside it."""
    parts = [
        f"# {TITLE}",
        f"**{plain(headline(report.result))}**",
        *(f"> **Note:** {plain(note)}" for note in notes(report.result)),
    ]
    for picture in report.pictures:
        parts += _markdown_picture(picture)
    for section in sections(report.result):
        parts += [f"## {section.title}", _markdown_table(section), *map(plain, section.sentences)]
    if report.heaps:
        parts += [*markdown_of_runs(report.heaps), _items(report.heap_said)]
        parts += _markdown_picture(report.heap_picture) if report.heap_picture else []
    parts += ["## Conditions", "\n".join(condition(*line) for line in condition_lines(report.result))]
    parts += ["## What these numbers cannot tell", _items(_limits(report))]
    return "\n\n".join(parts) + "\n"


def html_page(report: Report) -> str:
    """Return the same as HTML, style and pictures inside."""
    parts = [f'<p class="warning">{escape(note)}</p>' for note in notes(report.result)]
    parts += [_html_picture(picture) for picture in report.pictures]
    for section in sections(report.result):
        said = "".join(f'<p class="note">{escape(sentence)}</p>' for sentence in section.sentences)
        parts.append(f"<h2>{escape(section.title)}</h2>\n{_html_table(section)}\n{said}")
    if report.heaps:
        parts += [html_of_runs(report.heaps), _html_items(report.heap_said)]
        parts += [_html_picture(report.heap_picture)] if report.heap_picture else []
    terms = (
        f"<dt>{escape(label)}</dt>{''.join(f'<dd>{escape(value)}</dd>' for value in values)}"
        for label, values in condition_lines(report.result)
    )
    parts += ["<h2>Conditions</h2>", f"<dl>{_lines(terms)}</dl>"]
    parts += ["<h2>What these numbers cannot tell</h2>", _html_items(_limits(report))]
    return _PAGE.substitute(
        title=escape(TITLE), style=STYLE, headline=escape(headline(report.result)), body=_lines(parts)
    )


def _limits(report: Report) -> list[str]:
    at_once = report.result["most_runs_at_once"]
    crowded = (
        f"Up to {at_once} runs shared the machine's {report.result['machine'].get('cpus', 'few')} cores, so latencies "
        "and the time of a death are those of a machine as busy as that; a table says how many ran beside each."
    )
    few = (
        "The repetitions show whether an end is always the same. Lowest to highest of so few is no interval, and two "
        "options whose ranges overlap are not told apart."
    )
    return [few, *([crowded] if at_once > 1 else []), *limits({"readers"})]


def _markdown_picture(picture: Picture) -> list[str]:
    return [f"## {picture.title}", f"![{plain(picture.title)}]({picture.stem}.svg)", plain(picture.said)]


def _html_picture(picture: Picture) -> str:
    drawing = inline_svg(picture.svg[picture.svg.index("<svg") :], picture.stem, escape(picture.said))
    return (
        f'<h2>{escape(picture.title)}</h2>\n<div class="wide" tabindex="0" role="region" aria-label='
        f'"{escape(picture.title)}"><figure>{drawing}</figure></div>\n<p class="note">{escape(picture.said)}</p>'
    )


def _markdown_table(section: Section) -> str:
    rule = ["---" if name in _TEXT_COLUMNS else "---:" for name in section.head]
    cells = [[plain(cell) for cell in row] for row in (section.head, *section.rows)]
    return _lines(f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:]))


def _html_table(section: Section) -> str:
    classes = [' class="text"' if name in _TEXT_COLUMNS else "" for name in section.head]
    heads = "".join(
        f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(section.head, classes, strict=True)
    )
    rows = _lines(
        f"<tr>{''.join(f'<td{kind}>{escape(c)}</td>' for c, kind in zip(row, classes, strict=True))}</tr>"
        for row in section.rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(section.title)}">\n'
        f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _items(lines: Iterable[str]) -> str:
    return _lines(f"- {plain(line)}" for line in lines)


def _html_items(lines: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)
