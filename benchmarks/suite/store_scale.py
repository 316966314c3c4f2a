"""Case 5: what status, lookup, totals, sweep and start-up scan cost as the store grows around one same document."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.servers import reference_server
from benchmarks.suite.big_store import ASKED_CHUNKS, KEPT, SMALL, BigStore, big_store
from benchmarks.suite.cores import held_to, two_cores
from benchmarks.suite.measured import Effort, Figure, Measured, Ratio, Tell
from benchmarks.suite.rounds import Rounds, in_turn
from benchmarks.suite.store_processes import FIND, KNOWN, measure_processes
from benchmarks.suite.store_promises import FULL_CHUNKS, same_promises, scan_promises
from benchmarks.suite.store_requests import (
    CHUNK,
    CHUNK_FIRST,
    RSS,
    STATS,
    STATUS,
    STATUS_FIRST,
    StoreRequests,
)

OURS = "oomproof"
_SETTINGS = {"ALIGNER": "none", "STORE_MAX_BYTES": str(10**12), "STORE_SWEEP_S": "86400"}
_NOTES = (
    SMALL,
    f"The document that is asked for has {ASKED_CHUNKS} chunks in each store; other documents have 1,000 each.",
    "The limit is raised to 1 TB, for 200,000 chunks of real size pass it, and nothing is swept beside the requests.",
    "A request's cost is the CPU time of the server's process, all threads, over one kept connection; 304 for a chunk.",
    "Read anew and on disk: document.json and pages.bin were touched before, so that nothing of them is known.",
    "In the process: one of its own, without HTTP, of one chunk; scan and sweep too, which are of the whole store.",
    "RSS is the server's after the round's requests.",
)


def measure(effort: Effort, folder: Path, tell: Tell) -> Measured:
    """Measure stores of 100 and 10,000 chunks, in the full form one of 200,000 too.

    Raises:
        BenchmarkError: a store cannot be made, or a server does not answer as it should.
    """
    sizes = effort.of((ASKED_CHUNKS, 10_000), (ASKED_CHUNKS, 10_000, FULL_CHUNKS))
    stores = [big_store(KEPT, chunks, tell) for chunks in sizes]
    rounds, largest = Rounds(), stores[-1].chunks
    notes = measure_processes(OURS, stores, effort.of(2, 5), rounds, tell)
    measure_requests(stores, effort.of(2, 7), effort.of(3, 8), folder, rounds, tell)
    figures = rounds.figures()
    ratios = ratios_of(figures, stores)
    return Measured(
        title="Store at scale",
        figures=figures,
        ratios=ratios,
        promises=(*same_promises(ratios, largest), *scan_promises(figures, largest)),
        notes=(*_NOTES, *notes),
    )


def measure_requests(
    stores: Sequence[BigStore], count: int, passes: int, folder: Path, rounds: Rounds, tell: Tell
) -> None:
    """Measure what requests cost the servers of all stores, by turns, so many rounds of so many passes.

    Raises:
        BenchmarkError: a server does not start, or answers otherwise than it should.
    """
    cores = two_cores()
    with ExitStack() as stack:
        stack.enter_context(held_to(cores.load))
        asked = []
        for store in stores:
            log = folder / f"server-{store.chunks}.log"
            server = reference_server(store.docstore, log, settings=_SETTINGS, cores={cores.server})
            asked.append((store, stack.enter_context(StoreRequests(stack.enter_context(server), store))))
        for number in range(count):
            tell(f"round {number + 1}: requests")
            for store, requests in in_turn(asked, number):
                for name, cpu_us in requests.measure(passes).items():
                    rounds.add(OURS, store.setting, name, "us", cpu_us)
                rounds.add(OURS, store.setting, RSS, "MB", requests.rss_mb)


def ratios_of(figures: Sequence[Figure], stores: Sequence[BigStore]) -> tuple[Ratio, ...]:
    """Return what a request costs in each larger store, over the smallest, within rounds."""
    smallest, *larger = stores
    found = {(figure.quantity, figure.setting): figure.values for figure in figures}
    return tuple(
        Ratio(
            name,
            store.setting,
            OURS,
            f"{OURS}, {smallest.setting}",
            tuple(
                a / b for a, b in zip(found[name, store.setting], found[name, smallest.setting], strict=True)
            ),
        )
        for store in larger
        for name in (STATUS, STATUS_FIRST, CHUNK, CHUNK_FIRST, STATS, FIND, KNOWN)
    )
