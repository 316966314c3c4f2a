"""Case 1: what serving a chunk costs, beside nginx, Starlette's FileResponse and granian, one core each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.suite import wrk
from benchmarks.suite.chunk_promises import CPU, RATE, memory_promise, promises_of
from benchmarks.suite.chunk_requests import Way
from benchmarks.suite.chunk_turns import Running, prepare, take_turn
from benchmarks.suite.cores import held_to, two_cores
from benchmarks.suite.made_store import STAND_IN, MadeBlock, make_store
from benchmarks.suite.measured import Effort, Figure, Measured, Ratio, Tell, ratio_of
from benchmarks.suite.peers import OURS, Subject, line_up
from benchmarks.suite.rounds import Rounds, in_turn

FEW, MANY = 16, 256
"""Connections."""

PROMISED = Way(FEW)
"""For which the promises on requests/s are made."""

WAYS = (
    PROMISED,
    Way(FEW, kept=False),
    Way(FEW, kind="range"),
    Way(FEW, kind="304"),
    Way(MANY),
    Way(MANY, kept=False),
)

_ROUNDS = 2, 5
_BLOCKS = 200
_SMALLEST_BYTES, _LARGEST_BYTES = 450_000, 600_000
_NOTES = (
    STAND_IN,
    "All chunks are in the page cache: no disk is waited for.",
    "A server has one core, wrk (one thread) another; all is on loopback, and who is not asked is idle.",
    "Where a server's share of its core is below 1, wrk was its limit: compare its CPU a request.",
    "On loopback the kernel sends on from wrk's core when wrk acknowledges: that part is in no server's CPU.",
    "An answer under way at the end counts as the part of it that came, in requests/s and in CPU a request.",
    "p50 and p99 are wrk's, to the end of an answer; it corrects them for requests that a slow answer held back.",
)


def measure(effort: Effort, folder: Path, tell: Tell) -> Measured:
    """Measure requests/s, CPU a request, latency and RSS of each way to ask for chunks.

    Raises:
        BenchmarkError: it cannot be measured here.
    """
    cores, program = two_cores(), wrk.find_wrk(tell)
    tell(f"chunk serving: {_BLOCKS} chunks are made")
    store = make_store(folder, _BLOCKS, _SMALLEST_BYTES, _LARGEST_BYTES)
    lineup = line_up(store, cores.server, MANY, tell)
    rounds, notes = Rounds(), [*_NOTES, *lineup.notes]
    with ExitStack() as stack:
        stack.enter_context(held_to(cores.load))
        running = list(_started(lineup.subjects, store.blocks, folder, stack, notes))
        idle_mb = running[0].cost.rss_bytes() / 1e6
        for number in range(effort.of(*_ROUNDS)):
            for way in WAYS:
                tell(f"chunk serving, round {number + 1}: {way.setting}")
                seconds = effort.of(1, 2) * (1 if way.connections == FEW else 2)
                load = wrk.Load(program, seconds, cores.load)
                notes += _take_turns(running, number, way, load, rounds)
    figures = rounds.figures()
    ratios = tuple(_ratios(figures, [one.name for one in running if one.name != OURS]))
    bounded = memory_promise(figures, MANY, idle_mb, _SMALLEST_BYTES)
    return Measured(
        title="Chunk serving",
        figures=figures,
        ratios=ratios,
        promises=(*promises_of(ratios, PROMISED.setting, effort), bounded),
        notes=tuple(dict.fromkeys(notes)),
        versions=(*lineup.versions, ("wrk", wrk.wrk_version(program))),
    )


def _take_turns(running: list[Running], number: int, way: Way, load: wrk.Load, rounds: Rounds) -> list[str]:
    """Ask each in one way, and return what went wrong; a peer that cannot be measured runs no longer."""
    notes = []
    for one in in_turn(running, number):
        try:
            notes += take_turn(one, way, load, rounds)
        except BenchmarkError as error:
            notes.append(_told(one.name, error))
            running.remove(one)
    return notes


def _ratios(figures: Sequence[Figure], peers: Sequence[str]) -> Iterator[Ratio]:
    for peer in peers:
        for quantity in (RATE, CPU):
            for way in WAYS:
                yield ratio_of(figures, quantity, way.setting, OURS, peer)


def _started(
    subjects: Sequence[Subject], blocks: Sequence[MadeBlock], folder: Path, stack: ExitStack, notes: list[str]
) -> Iterator[Running]:
    """Yield who has started and answers as it should, ours first; a peer that does not is noted."""
    for subject in subjects:
        own = folder / subject.name
        own.mkdir()
        try:
            server = stack.enter_context(subject.start(own))
            yield prepare(subject, server, blocks, WAYS, own)
        except BenchmarkError as error:
            notes.append(_told(subject.name, error))


def _told(name: str, error: BenchmarkError) -> str:
    """Return the note on a peer that is measured no further; without our server there is nothing to tell."""
    if name == OURS:
        raise error
    return f"{name} was measured no further: {error}"
