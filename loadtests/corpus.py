"""The real document of more than 100 pages that is read aloud when the user gives none.

It is the language reference that every CPython carries for its `help()` (`pydoc_data.topics`, 465 kB,
licensed as Python itself), reduced to prose and set as a book. The same Python gives the same bytes.
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from pydoc_data.topics import topics

from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate

_BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=12.5, spaceAfter=4)
_HEADING = ParagraphStyle(
    "heading", fontName="Times-Bold", fontSize=12, leading=15, spaceBefore=6, spaceAfter=3, keepWithNext=1
)

_UNDERLINE = re.compile(r"([*=\-~^])\1{2,}")
_LIST_MARK = re.compile(r"(?:[*\-•]|\d+\.|\[\d+\]|\(\d+\))\s+")
_EMPHASIS = re.compile(r"(?<![\w\"*])\*{1,2}(\w[^*\"]*)\*{1,2}(?![\w\"*])")
_WRAPPED_AT_HYPHEN = re.compile(r"(?<=\w-)\s*\n\s*(?=[a-z])")
_CODE_LINE = re.compile(
    r"::=|^\s*(?:>>>|\.\.\. |\(Pdb\)|[|+]|#|@\w|(?:def|class|import|from)\s)", re.MULTILINE
)
_ASSIGNMENT = re.compile(r"\w\s=\s\S")
_MARKS_OF_PROSE = " \n,.;:\"'\u2019\u201c\u201d"
_WORDS_AT_LEAST = 5
_PROSE_SHARE_AT_LEAST = 0.9


class CorpusError(Exception):
    """The document cannot be written; the message is the one line to show."""


@dataclass(frozen=True)
class Corpus:
    """What was written: pages, characters of text set on them, and the file's SHA-256 in hex."""

    pages: int
    characters: int
    sha256: str


@dataclass(frozen=True)
class _Piece:
    text: str
    is_heading: bool


def prose() -> Iterator[_Piece]:
    """Yield the headings and paragraphs of all topics, in order, without grammar, code and tables."""
    for text in topics.values():
        for chunk in re.split(r"\n\s*\n", text):
            lines = chunk.strip("\n").split("\n")
            if len(lines) == 2 and _UNDERLINE.fullmatch(lines[1].strip()):
                yield _Piece(lines[0].strip(), is_heading=True)
            elif _is_prose(chunk):
                yield _Piece(_unwrapped(chunk), is_heading=False)


def _is_prose(chunk: str) -> bool:
    text = chunk.strip()
    if _CODE_LINE.search(chunk) or not text.endswith((".", ":", "!", "?", ".)", ".”")):
        return False
    if chunk.startswith(" ") and _ASSIGNMENT.search(text):
        return False
    fitting = sum(character.isalpha() or character in _MARKS_OF_PROSE for character in text)
    return len(text.split()) >= _WORDS_AT_LEAST and fitting / len(text) >= _PROSE_SHARE_AT_LEAST


def _unwrapped(chunk: str) -> str:
    text = _LIST_MARK.sub("", chunk.strip(), count=1) if _LIST_MARK.match(chunk.strip()) else chunk.strip()
    return " ".join(_EMPHASIS.sub(r"\1", _WRAPPED_AT_HYPHEN.sub("", text)).split())


def build_pdf(path: Path) -> Corpus:
    """Write the document, aside first and then renamed, so that half a file is never seen.

    Raises:
        CorpusError: the folder is missing, not writable, or full.
    """
    pieces = list(prose())
    book = [Paragraph(escape(piece.text), _HEADING if piece.is_heading else _BODY) for piece in pieces]
    pages, digest = write_book(path, "The Python Language Reference, in prose", book)
    return Corpus(pages, sum(len(piece.text) for piece in pieces), digest)


def write_book(path: Path, title: str, content: list[Flowable]) -> tuple[int, str]:
    """Set a book and put it at its path in one step; return its pages and the file's hex SHA-256.

    Raises:
        CorpusError: as for `build_pdf`.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as aside:
            try:
                pages = _typeset(Path(aside.name), title, content)
                digest = hashlib.sha256(Path(aside.name).read_bytes()).hexdigest()
                os.fsync(aside.fileno())
                Path(aside.name).chmod(0o644)
                Path(aside.name).replace(path)
            except BaseException:
                Path(aside.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise CorpusError(
            f"{path}: the document cannot be written: {error.strerror}. Name a file in a writable folder."
        ) from error
    return pages, digest


def _typeset(path: Path, title: str, content: list[Flowable]) -> int:
    book = SimpleDocTemplate(
        str(path),
        pagesize=A5,
        leftMargin=16 * mm,
        rightMargin=16 * mm,
        topMargin=16 * mm,
        bottomMargin=16 * mm,
        title=title,
        author="Python Software Foundation",
        invariant=1,
    )
    book.build(content)
    return int(book.page)


def own_document(path: Path, build: Callable[[Path], Corpus] = build_pdf) -> Path:
    """Build a document where its file is absent, with the folder it lies in, and return its path.

    Raises:
        CorpusError: as for `build_pdf`.
    """
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CorpusError(
                f"{path}: its folder cannot be made: {error.strerror}. Name a file in a writable folder."
            ) from error
        build(path)
    return path


def main(
    arguments: list[str] | None = None,
    build: Callable[[Path], Corpus] = build_pdf,
    name: str = "python -m loadtests.corpus",
) -> int:
    """Write the document to the path given and print what it is; 2 when it cannot be written."""
    parser = argparse.ArgumentParser(prog=name, description=sys.modules[build.__module__].__doc__)
    parser.add_argument("out", type=Path, metavar="OUT.pdf")
    path: Path = parser.parse_args(arguments).out
    try:
        corpus = build(path)
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{path}: {corpus.pages} pages, {corpus.characters} characters, SHA-256 {corpus.sha256}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
