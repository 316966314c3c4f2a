"""What reading a document costs in a process of its own, once everything is loaded.

Run as `python -m benchmarks.suite.split_probe HOW SOURCE PAGES [--markdown]`; HOW is `extract`, `pypdfium2` or
`split_blocks`, and PAGES a path at which nothing is yet. It prints one line of JSON, the fields of `Split`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pypdfium2

# Also what the extraction only loads when it needs it: loading is told apart.
from reference_server import epub_text, markdown_text, plain_text  # noqa: F401
from reference_server.blocks import split_blocks
from reference_server.extract import MAX_PAGES, extract
from reference_server.pdf_text import pdf_pages

EXTRACT, PYPDFIUM2, SPLIT_BLOCKS = "extract", "pypdfium2", "split_blocks"


@dataclass(frozen=True)
class Split:
    """CPU time, and what came of it; 0 blocks where nothing was split."""

    cpu_s: float
    pages: int
    blocks: int
    characters: int


def extracted(source: Path, pages: Path, *, is_markdown: bool) -> Split:
    """Read and split a document, and write its pages file, as the server's child does for an upload."""
    began_s = time.process_time()
    cut = extract(source, pages, is_markdown=is_markdown)
    return Split(time.process_time() - began_s, cut.pages, cut.blocks, cut.characters)


def read_alone(source: Path) -> Split:
    """Read the text of each page of a PDF with pypdfium2, and throw it away."""
    began_s = time.process_time()
    pages = characters = 0
    with pypdfium2.PdfDocument(source) as pdf:
        for page in pdf:
            text_page = page.get_textpage()
            characters += len(text_page.get_text_bounded())
            text_page.close()
            page.close()
            pages += 1
    return Split(time.process_time() - began_s, pages, 0, characters)


def split_alone(source: Path) -> Split:
    """Split the text of each page of a PDF, which was read before."""
    texts = list(pdf_pages(source, MAX_PAGES))
    began_s = time.process_time()
    blocks = [block for text in texts for block in split_blocks(text)]
    return Split(time.process_time() - began_s, len(texts), len(blocks), sum(map(len, blocks)))


def main(arguments: Sequence[str]) -> int:
    """Measure as the command line says, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite.split_probe")
    parser.add_argument("how", choices=(EXTRACT, PYPDFIUM2, SPLIT_BLOCKS))
    parser.add_argument("source", type=Path)
    parser.add_argument("pages", type=Path)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args(arguments)
    if options.how == EXTRACT:
        split = extracted(options.source, options.pages, is_markdown=options.markdown)
    else:
        split = (read_alone if options.how == PYPDFIUM2 else split_alone)(options.source)
    print(json.dumps(asdict(split)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
