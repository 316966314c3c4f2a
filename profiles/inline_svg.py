"""A drawing inside a page: it scales, follows the page's theme, and its ids are its own."""

from __future__ import annotations

import re

from profiles.plot_panel import ANON, CHILDREN, GRID, INK, KILL, MUTED, PAPER, SERVER, WAITING

_THEMED = {
    PAPER: "paper",
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    ANON: "anon",
    SERVER: "server",
    CHILDREN: "children",
    KILL: "kill",
    WAITING: "waiting",
}


def inline_svg(svg: str, prefix: str, label: str) -> str:
    """Return an `<svg>` element as it may stand in a page.

    Args:
        svg: the element as drawn, in the colours of `plot_panel`.
        prefix: what its ids begin with, so that two drawings of a page do not share one.
        label: what it shows, for those who cannot see it; escaped for HTML.
    """
    svg = re.sub(r"<(style|metadata)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}-', svg)
    svg = re.sub(r"url\(#", f"url(#{prefix}-", svg)
    svg = re.sub(r' (?:width|height)="[^"]*pt"', "", svg)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    for colour, variable in _THEMED.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg
