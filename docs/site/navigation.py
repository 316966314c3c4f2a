"""The menu: a section's page lists the pages below it, for people, and the menu is that list.

A page is in the menu when its section's page has a line that begins `- [Title](page.md)`. So Markdown that GitHub
renders stays all there is, and a page without such a line is Sphinx's warning `toc.not_included`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from sphinx.application import Sphinx

LISTED = re.compile(r"^- \[(?P<title>[^\]]+)\]\((?P<page>[^)#:]+\.md)\)", re.MULTILINE)


def pages_below(text: str) -> list[tuple[str, str]]:
    """Title and page, relative to the list, of each line that begins with a link to a page."""
    return [
        (found["title"].replace("`", ""), str(PurePosixPath(found["page"]).with_suffix("")))
        for found in LISTED.finditer(text)
    ]


def _add_menu(app: Sphinx, docname: str, source: list[str]) -> None:
    sections: list[tuple[str, str]] = app.config.navigation
    if docname == app.config.root_doc:
        entries = [(title, f"/{page}") for title, page in sections]
    elif docname in {page for _, page in sections}:
        entries = pages_below(source[0])
    else:
        return
    if entries:
        lines = [f"{title} <{page}>" for title, page in entries]
        source[0] += "\n".join(["", "", "```{toctree}", ":hidden:", "", *lines, "```", ""])


def _folders_front_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Each folder's README is what its address shows, as on GitHub."""
    for docname in sorted(app.env.all_docs):
        page = PurePosixPath(docname)
        if page.name == "README":
            yield str(page.with_name("index")), {"shown": "README.html"}, "folder.html"


def setup(app: Sphinx) -> dict[str, bool]:
    """Let Sphinx know."""
    app.add_config_value("navigation", [], "env", list)
    app.connect("source-read", _add_menu)
    app.connect("html-collect-pages", _folders_front_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
