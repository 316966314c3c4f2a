"""What must hold as the store grows: requests cost the same, and the start-up scan is quick."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.suite.big_store import ASKED_CHUNKS
from benchmarks.suite.measured import Figure, Promise, Ratio
from benchmarks.suite.store_processes import FIND, KNOWN, SCAN_COLD, SCAN_WARM
from benchmarks.suite.store_requests import CHUNK, CHUNK_FIRST, STATUS, STATUS_FIRST

FULL_CHUNKS = 200_000
"""For which the promises are made: a smaller store cannot tell."""

SAME_WITHIN = 1.2
"""What a request may cost in the largest store, times what it costs in the smallest."""

SCAN_WITHIN_S = 5.0

_KINDS = {"status": (STATUS, STATUS_FIRST), "chunk lookup": (CHUNK, CHUNK_FIRST, FIND, KNOWN)}


def same_promises(ratios: Sequence[Ratio], chunks: int) -> tuple[Promise, ...]:
    """Return whether status and lookup cost the same, by the median over the rounds; `chunks` has the largest store."""
    return tuple(_same_promise(kind, names, ratios, chunks) for kind, names in _KINDS.items())


def _same_promise(kind: str, names: Sequence[str], ratios: Sequence[Ratio], chunks: int) -> Promise:
    text = f"The {kind} costs the same at {FULL_CHUNKS:,} chunks as at {ASKED_CHUNKS}, within 20 %."
    those = [one for one in ratios if one.quantity in names and one.setting == f"{chunks:,} chunks"]
    told = "; ".join(f"{one.quantity}: {_times(one)}" for one in those)
    same = all(one.median <= SAME_WITHIN for one in those)
    return Promise(text, f"at {chunks:,} chunks, {told}", same if chunks == FULL_CHUNKS else None)


def scan_promises(figures: Sequence[Figure], chunks: int) -> tuple[Promise, ...]:
    """Return whether the start-up scan is quick enough, by its slowest round; `chunks` has the largest store."""
    found = {figure.quantity: figure for figure in figures if figure.setting == f"{chunks:,} chunks"}
    states = {"warm": found.get(SCAN_WARM), "cold": found.get(SCAN_COLD)}
    return tuple(_scan_promise(state, figure, chunks) for state, figure in states.items())


def _scan_promise(state: str, figure: Figure | None, chunks: int) -> Promise:
    text = f"The start-up scan of {FULL_CHUNKS:,} chunks takes under {SCAN_WITHIN_S:g} s, page cache {state}."
    if figure is None:
        return Promise(text, "not measured", None)
    values_s = [value / 1e3 for value in figure.values]
    told = f"at {chunks:,} chunks {median(values_s):.2f} s, at most {max(values_s):.2f} s"
    return Promise(text, told, max(values_s) < SCAN_WITHIN_S if chunks == FULL_CHUNKS else None)


def _times(ratio: Ratio) -> str:
    return f"{ratio.median:.2f} times ({min(ratio.values):.2f} to {max(ratio.values):.2f})"
