"""Documents that the browser's tests read: how long each is, and how many blocks it has, is known."""

from __future__ import annotations

import io

from reportlab.lib.pagesizes import A6
from reportlab.pdfgen.canvas import Canvas

from loadtests.corpus import prose

_THINGS = ("river", "stone", "window", "garden", "letter", "winter", "summer", "table", "music", "silver")
_PLACES = ("behind the house", "on the hill", "near the sea", "under the bridge", "in the old town")


def sentence(number: int) -> str:
    """A short sentence, another for each number: about two seconds of speech."""
    thing, place = _THINGS[number % len(_THINGS)], _PLACES[number // len(_THINGS) % len(_PLACES)]
    return f"Number {number}: the {thing} {place} is here."


def short_pages(pages: int) -> bytes:
    """A PDF whose pages have one short sentence each, and so one block."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A6, invariant=1)
    for number in range(1, pages + 1):
        canvas.drawString(30, 360, sentence(number))
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def paragraphs(*texts: str) -> bytes:
    """A text whose paragraphs are its blocks, as long as they are short."""
    return "\n\n".join(texts).encode()


def short_blocks(blocks: int, sentences: int) -> bytes:
    """A text whose paragraphs, each a block, have so many short sentences; no two are alike."""
    lines = [[sentence(number + blocks * line) for line in range(sentences)] for number in range(blocks)]
    return paragraphs(*map(" ".join, lines))


def long_blocks(blocks: int, least_chars: int = 380) -> bytes:
    """A text with so many long paragraphs of prose, each a block of its own: almost half a minute of speech."""
    found: list[str] = []
    for piece in prose():
        if least_chars <= len(piece.text) <= 440:
            found.append(piece.text)
            if len(found) == blocks:
                return paragraphs(*found)
    raise AssertionError(f"the prose has only {len(found)} paragraphs of such a length")
