"""Case 6: pages of a PDF per second beside pypdfium2 alone, and what the other kinds of documents take."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.suite.cores import held_to, two_cores
from benchmarks.suite.measured import Effort, Measured, Tell, ratio_of
from benchmarks.suite.rounds import Rounds, in_turn
from benchmarks.suite.split_documents import Source, pdfs, texts
from benchmarks.suite.split_probe import EXTRACT, PYPDFIUM2, SPLIT_BLOCKS, Split
from benchmarks.suite.used import run
from profiles import processes
from reference_server.settings import Settings

OURS, PEER = "oomproof", "pypdfium2 alone"
SUBJECTS = {OURS: EXTRACT, PEER: PYPDFIUM2, "oomproof's splitter alone": SPLIT_BLOCKS}
"""Of a PDF, and how each is measured."""

PAGES, PAGES_WHOLE = "pages/s", "with the process that reads it, pages/s"
TEXT, BLOCKS = "MB/s", "blocks/s"
_WITHIN_S = 300
_READ_ALONE = """
import sys, pypdfium2
for page in pypdfium2.PdfDocument(sys.argv[1]):
    page.get_textpage().get_text_bounded()
"""
_NOTES = (
    "All rates are per second of CPU time: what one core does when it does nothing else.",
    "oomproof reads each page, splits it into blocks and writes the pages file, as for an upload; its peer only reads.",
    "Both use the same pypdfium2, each in a process of its own that has loaded everything before.",
    (
        "With the process: its start, imports and limits too. An upload starts one for each document; it is compared"
        " with a process that does nothing but read the PDF with pypdfium2."
    ),
    "The PDF is the project's own document, set with reportlab; the longer one is the same several times over.",
    "Plain text, Markdown and EPUB have no peer. MB/s counts the text that came out of them.",
)


def measure(effort: Effort, folder: Path, tell: Tell) -> Measured:
    """Measure all kinds of documents, by turns.

    Raises:
        BenchmarkError: one cannot be read.
    """
    tell("the documents are made")
    books, prose = pdfs(folder, effort.of((1,), (1, 7))), texts(folder, effort.of(2_000, 10_000))
    rounds = Rounds()
    with held_to(two_cores().server):
        for number in range(effort.of(3, 9)):
            tell(f"round {number + 1}")
            for book in books:
                _measure_pdf(book, number, folder, rounds)
            for source in in_turn(prose, number):
                split = _probed(EXTRACT, source, folder)
                rounds.add(OURS, source.setting, TEXT, "MB/s", split.characters / 1e6 / split.cpu_s)
                rounds.add(OURS, source.setting, BLOCKS, "1/s", split.blocks / split.cpu_s)
    figures = rounds.figures()
    return Measured(
        title="Splitter and PDF",
        figures=figures,
        ratios=tuple(
            ratio_of(figures, quantity, book.setting, OURS, PEER)
            for quantity in (PAGES, PAGES_WHOLE)
            for book in books
        ),
        notes=_NOTES,
        versions=(("pypdfium2", metadata.version("pypdfium2")),),
    )


def _measure_pdf(book: Source, number: int, folder: Path, rounds: Rounds) -> None:
    """Take one turn of each subject, in the process and with it."""
    found: dict[str, Split] = {}
    for subject, how in in_turn(list(SUBJECTS.items()), number):
        split = found[subject] = _probed(how, book, folder)
        rounds.add(subject, book.setting, PAGES, "1/s", split.pages / split.cpu_s)
    if len({split.pages for split in found.values()}) != 1:
        raise BenchmarkError(f"{book.path}: not all have read the same number of pages: {found}")
    for subject, command in in_turn(list(_commands(book, folder).items()), number):
        cpu_s = run(command, folder / "reader.log", _WITHIN_S).cpu_s
        _pages_file(folder).unlink(missing_ok=True)
        rounds.add(subject, book.setting, PAGES_WHOLE, "1/s", found[subject].pages / cpu_s)


def _commands(book: Source, folder: Path) -> dict[str, Sequence[str]]:
    """Return what reads a PDF once and ends: what the server starts for an upload, and the peer's."""
    limits = (Settings.extract_memory_bytes, Settings.extract_timeout_s)
    ours = processes.python_module(
        "reference_server.extract", book.path, _pages_file(folder), "text", *limits
    )
    return {OURS: ours, PEER: [sys.executable, "-c", _READ_ALONE, str(book.path)]}


def _probed(how: str, source: Source, folder: Path) -> Split:
    """Return what a process of its own measures.

    Raises:
        BenchmarkError: it fails, or finds nothing.
    """
    options = ("--markdown",) if source.is_markdown else ()
    pages = _pages_file(folder)
    command = processes.python_module("benchmarks.suite.split_probe", how, source.path, pages, *options)
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_WITHIN_S)
    pages.unlink(missing_ok=True)
    if done.returncode != 0:
        raise BenchmarkError(f"{source.path}: {done.stderr.strip()[-300:]}")
    split = Split(**json.loads(done.stdout))
    if not split.characters:
        raise BenchmarkError(f"{source.path}: {how} finds no text in it")
    return split


def _pages_file(folder: Path) -> Path:
    return folder / "pages.bin"
