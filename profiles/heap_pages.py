"""The heap's report as Markdown and as one page; and its few lines in the report of a comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from string import Template

from profiles.heap_record import HeapRecord
from profiles.heap_text import SITE_HEAD, Section, explained, sections, site_rows
from profiles.inline_svg import inline_svg
from profiles.report_markdown import plain
from profiles.report_style import STYLE

SVG_FILE, PNG_FILE, MARKDOWN_FILE, PAGE_FILE = "heap.svg", "heap.png", "heap.md", "heap.html"
HEAP_TITLE = "What held the server's heap"
_SHORT_ROWS = 5
_TEXT_COLUMNS = {"line", "asked for by", "course", "when"}
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>$style
td.text { text-align: left; overflow-wrap: anywhere; min-width: 12rem; }</style>
</head>
<body>
<main>
<h1>$title</h1>
<p class="result">$first</p>
$notes
<figure>$picture</figure>
$links
$body
</main>
</body>
</html>
""")


@dataclass(frozen=True)
class RunHeap:
    """A run's heap in the report of a comparison; `folder` is the run's, seen from the report."""

    scenario: str
    folder: str
    record: HeapRecord


def heap_markdown(record: HeapRecord) -> str:
    """Return the report of one capture as Markdown, with the picture beside it."""
    parts = [
        f"# {plain(_title(record))}",
        f"**{plain(explained(record))}**",
        *(f"> **Note:** {plain(note)}" for note in record.notes),
        *([f"![{plain(_picture(record))}]({SVG_FILE})"] if record.timeline else []),
        *(f"[{name}]({page})" for page, name in _links(record)),
    ]
    for section in sections(record):
        parts += _markdown_section(section)
    return "\n\n".join(parts) + "\n"


def heap_page(record: HeapRecord, svg: str) -> str:
    """Return the same as a page that asks nobody for anything."""
    return _PAGE.substitute(
        title=escape(_title(record)),
        style=STYLE,
        first=escape(explained(record)),
        notes="\n".join(f'<p class="warning">{escape(note)}</p>' for note in record.notes),
        picture=inline_svg(svg[svg.index("<svg") :], "heap", escape(_picture(record))) if svg else "",
        links=_html_links(record),
        body="\n".join(_html_section(section) for section in sections(record)),
    )


def markdown_of_runs(heaps: Sequence[RunHeap]) -> list[str]:
    """Return the parts that the report of a comparison shows: the first line and the first lines of each heap."""
    parts = [f"## {HEAP_TITLE}"] if heaps else []
    for heap in heaps:
        said = " ".join([explained(heap.record), *heap.record.notes])
        parts.append(f"{plain(heap.scenario)}: {plain(said)} [All of it]({heap.folder}/{MARKDOWN_FILE})")
        rows = site_rows(heap.record.sites[:_SHORT_ROWS], heap.record.peak_bytes)
        parts += [_markdown_table(SITE_HEAD, rows)] if rows else []
    return parts


def html_of_runs(heaps: Sequence[RunHeap]) -> str:
    """Return the same as HTML; empty where no heap was captured."""
    parts = [f"<h2>{escape(HEAP_TITLE)}</h2>"] if heaps else []
    for heap in heaps:
        said = escape(" ".join([explained(heap.record), *heap.record.notes]))
        link = f'<a href="{escape(heap.folder)}/{PAGE_FILE}">All of it</a>'
        parts.append(f"<h3>{escape(heap.scenario)}</h3>\n<p>{said} {link}</p>")
        rows = site_rows(heap.record.sites[:_SHORT_ROWS], heap.record.peak_bytes)
        parts += [_html_table(heap.scenario, SITE_HEAD, rows)] if rows else []
    return "\n".join(parts)


def _title(record: HeapRecord) -> str:
    return f"What held the memory of {record.scenario}"


def _picture(record: HeapRecord) -> str:
    return f"The VM's memory over time, and below it the server's heap and RSS. {explained(record)}"


def _links(record: HeapRecord) -> Iterable[tuple[str, str]]:
    if record.flame_graph:
        yield record.flame_graph, "The flame graph at the heap's peak"
    if record.flame_graph_over_time:
        yield record.flame_graph_over_time, "The flame graph of any stretch of time"


def _markdown_section(section: Section) -> list[str]:
    sentences = [plain(sentence) for sentence in section.sentences if sentence]
    if not section.rows and len(sentences) > 1:
        sentences = ["\n".join(f"- {sentence}" for sentence in sentences)]
    table = [_markdown_table(section.head, section.rows)] if section.rows else []
    return [f"## {section.title}", *sentences, *table]


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---" if name in _TEXT_COLUMNS else "---:" for name in head]
    cells = [[plain(cell) for cell in row] for row in (head, *rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (cells[0], rule, *cells[1:]))


def _html_links(record: HeapRecord) -> str:
    links = "<br>".join(f'<a href="{escape(page)}">{escape(name)}</a>' for page, name in _links(record))
    return f"<p>{links}</p>" if links else ""


def _html_section(section: Section) -> str:
    sentences = [escape(sentence) for sentence in section.sentences if sentence]
    if not section.rows and len(sentences) > 1:
        said = f"<ul>{''.join(f'<li>{sentence}</li>' for sentence in sentences)}</ul>"
    else:
        said = "\n".join(f"<p>{sentence}</p>" for sentence in sentences)
    table = _html_table(section.title, section.head, section.rows) if section.rows else ""
    return f"<h2>{escape(section.title)}</h2>\n{said}\n{table}"


def _html_table(label: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    left = ' style="text-align: left"'
    heads = "".join(
        f'<th scope="col"{left if name in _TEXT_COLUMNS else ""}>{escape(name)}</th>' for name in head
    )
    body = "\n".join(f"<tr>{''.join(map(_cell, head, row))}</tr>" for row in rows)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(label)}">\n'
        f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _cell(column: str, text: str) -> str:
    if column in _TEXT_COLUMNS:
        return f'<td class="text">{escape(text)}</td>'
    return f"<td>{escape(text).replace(' ', '&nbsp;')}</td>"
