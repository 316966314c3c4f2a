"""A document of short spoken lines: what a reader of dialogue hears, block after block of 2 to 5 seconds.

The lines are sentences and clauses of the same prose as `loadtests.corpus` sets, each a paragraph of its own
and none twice, so that a server makes one block of each. The same Python gives the same bytes.
"""

import re
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Flowable, Paragraph

from loadtests import corpus
from loadtests.corpus import Corpus, prose, write_book

SHORTEST_CHARACTERS, LONGEST_CHARACTERS = 34, 75
"""Of a line: spoken by our own upstream at normal speed, 95 lines of 100 last 2 to 5 s (17 characters a second)."""

_LINE = ParagraphStyle("line", fontName="Times-Roman", fontSize=9, leading=11)
_BLANK = Paragraph("\u00a0" * 3, _LINE)
"""A line of spaces: distance alone is no blank line to who reads a PDF, nor is a single space."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_CLAUSE_END = re.compile(
    r"(?<=[,;:])\s+|\s+(?=(?:and|or|but|because|when|where|if|which|while|unless|so|since)\s)"
)
_SPOKEN = re.compile(r"[A-Z][\w ,;:'\u2019-]*[.!?]")


def spoken_lines() -> Iterator[str]:
    """Yield the lines, each beginning with a capital and ending as a sentence does."""
    seen = set()
    for piece in prose():
        for sentence in [] if piece.is_heading else _SENTENCE_END.split(piece.text):
            for clause in _clauses(sentence):
                line = _as_sentence(clause)
                if line not in seen and _is_spoken(line):
                    seen.add(line)
                    yield line


def _as_sentence(clause: str) -> str:
    bare = clause.rstrip(",;:")
    return f"{bare[:1].upper()}{bare[1:]}" + ("" if bare.endswith((".", "!", "?")) else ".")


def _is_spoken(line: str) -> bool:
    return SHORTEST_CHARACTERS <= len(line) <= LONGEST_CHARACTERS and bool(_SPOKEN.fullmatch(line))


def _clauses(sentence: str) -> Iterator[str]:
    """Yield a sentence as pieces cut at its marks or before a conjunction, each as long as may be."""
    current = ""
    for clause in _CLAUSE_END.split(sentence):
        if current and len(current) + 1 + len(clause) <= LONGEST_CHARACTERS:
            current = f"{current} {clause}"
            continue
        if current:
            yield current
        current = clause
    yield current


def build_pdf(path: Path) -> Corpus:
    """Write the document, aside first and then renamed, so that half a file is never seen.

    Raises:
        CorpusError: the folder is missing, not writable, or full.
    """
    lines = list(spoken_lines())
    book: list[Flowable] = []
    for line in lines:
        book += [Paragraph(escape(line), _LINE), _BLANK]
    pages, digest = write_book(path, "The Python Language Reference, in short lines", book)
    return Corpus(pages, sum(map(len, lines)), digest)


if __name__ == "__main__":
    sys.exit(corpus.main(build=build_pdf, name="python -m loadtests.corpus_dialogue"))
