"""Markdown as it is read aloud: the text of headings, paragraphs, list items, table cells and code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token

from reference_server.plain_text import paged

_SILENT = frozenset({"script", "style", "template"})
_CODE = frozenset({"fence", "code_block"})


def markdown_pages(text: str) -> Iterator[str]:
    """Yield the pages of a Markdown text (CommonMark with tables and strikethrough)."""
    return paged(_paragraphs(text))


def _paragraphs(text: str) -> Iterator[str]:
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        if token.type == "inline":
            paragraph = _inline(token.children or ())
        elif token.type in _CODE:
            paragraph = token.content
        elif token.type == "html_block":
            paragraph = _without_tags(token.content)
        else:
            continue
        if paragraph.strip():
            yield paragraph


def _inline(tokens: Sequence[Token]) -> str:
    parts = []
    for token in tokens:
        if token.type == "image":
            parts.append(_inline(token.children or ()))
        elif token.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        elif token.type != "html_inline":
            parts.append(token.content)
    return "".join(parts)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._silent += tag in _SILENT
        self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0
        self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def _without_tags(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "".join(parser.parts)
