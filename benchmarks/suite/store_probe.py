"""What the chunk store costs in a process of its own: opening it, sweeping it, finding a chunk in it.

Run as `python -m benchmarks.suite.store_probe ROOT DOCUMENTS PAGES [--open-only]`: the folders of chunks and documents,
and the pages file of the document that is asked for. It prints one line of JSON, the fields of `Probed`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Self

from benchmarks.suite.made_store import DOCUMENT_ID
from reference_server.chunk_index import ChunkIndex
from reference_server.outline import Block, Outline
from reference_server.store import ChunkStore

PASSES = 20
"""Over all blocks of the document; the one in the middle is told."""


@dataclass(frozen=True)
class Opened:
    """The start-up scan: how many chunks the store found, whether it had to put anything right, wall and CPU time."""

    chunks: int
    repaired: bool
    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Used:
    """CPU times: of one sweep, of the store's totals, of a lookup on disk and of one that is known, of one chunk."""

    sweep_s: float
    stats_us: float
    find_us: float
    known_us: float


@dataclass(frozen=True)
class Probed:
    """What was measured; `used` is None where the store was only opened."""

    opened: Opened
    used: Used | None

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `main` prints."""
        fields = json.loads(text)
        return cls(Opened(**fields["opened"]), Used(**fields["used"]) if fields["used"] else None)


def open_store(root: Path) -> tuple[ChunkStore, Opened]:
    """Open the store below a folder."""
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    store = ChunkStore(root)
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    return store, Opened(store.report.chunks, store.report.repaired, wall_s, cpu_s)


def use(store: ChunkStore, documents: Path, pages: Path) -> Used:
    """Sweep a store, and look up in it each chunk of the document that is asked for."""
    began_s = time.process_time()
    store.sweep()
    sweep_s = time.process_time() - began_s
    blocks = tuple(Outline.open(pages, DOCUMENT_ID).blocks)
    index = ChunkIndex(documents)
    for block in blocks:
        _learn(store, index, block)
    return Used(
        sweep_s,
        stats_us=_cpu_us(blocks, lambda _block: store.stats()),
        find_us=_cpu_us(blocks, lambda block: store.find(DOCUMENT_ID, block)),
        known_us=_cpu_us(blocks, lambda block: index.find(DOCUMENT_ID, block.page, block.index)),
    )


def _learn(store: ChunkStore, index: ChunkIndex, block: Block) -> None:
    state = index.state_of(DOCUMENT_ID)
    chunk = store.find(DOCUMENT_ID, block)
    if chunk is None:
        raise SystemExit(f"block {block.ordinal} has no chunk")
    index.open(DOCUMENT_ID, chunk, state).close()


def _cpu_us(blocks: Sequence[Block], look: Callable[[Block], object]) -> float:
    """Return the CPU time of one look, in the middle of some passes over all blocks; each must find something."""
    passes = []
    for _ in range(PASSES):
        began_s = time.process_time()
        found = [look(block) for block in blocks]
        passes.append((time.process_time() - began_s) / len(blocks) * 1e6)
        if None in found:
            raise SystemExit("a chunk was not found")
    return median(passes)


def main(arguments: Sequence[str]) -> int:
    """Measure as the command line says, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite.store_probe")
    for name in ("root", "documents", "pages"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--open-only", action="store_true")
    options = parser.parse_args(arguments)
    store, opened = open_store(options.root)
    used = None if options.open_only else use(store, options.documents, options.pages)
    print(json.dumps(asdict(Probed(opened, used))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
