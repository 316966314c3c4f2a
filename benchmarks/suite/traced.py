"""What memray costs a server: the same one with it and without, asked the same, and the captures that it leaves."""

from __future__ import annotations

import http.client
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from benchmarks.errors import BenchmarkError
from benchmarks.servers import Server, served
from benchmarks.suite.made_store import DOCUMENT_ID, STAND_IN, MadeStore, make_store
from benchmarks.suite.measured import Effort, Figure, Ratio, Tell, ratio_of
from benchmarks.suite.process_cost import ProcessCost
from benchmarks.suite.rounds import Rounds, in_turn
from profiles import processes
from profiles.heap_capture import CAPTURE_FILE, captured

CHUNKS = 40
SMALLEST_BYTES, LARGEST_BYTES = 450_000, 600_000
PLAIN, ARENAS, OBJECTS = (
    "oomproof server",
    "oomproof server, memray",
    "oomproof server, memray of every object",
)
CPU, P50, P99, RSS = "CPU a request", "p50 of a request", "p99 of a request", "RSS of the server"
NOTES = (
    "memray: one client asks over one connection, some requests first that are not counted.",
    "memray: the servers share a core, and only one is asked at a time.",
    "memray: it sees the arenas that Python takes; of every object, with PYTHONMALLOC=malloc, all of them.",
    f"memray: {STAND_IN}",
)


@dataclass(frozen=True)
class Variant:
    """A server as it is started: under memray or not, and with which allocator."""

    name: str
    traced: bool = False
    every_object: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """What it adds to the server's."""
        return {"PYTHONMALLOC": "malloc"} if self.every_object else {}


VARIANTS = (Variant(PLAIN), Variant(ARENAS, traced=True), Variant(OBJECTS, traced=True, every_object=True))


@dataclass(frozen=True)
class _Running:
    """A server that is asked: where it is, and what it captures to; None without memray."""

    variant: Variant
    server: Server
    capture: Path | None


def measure_traced(effort: Effort, folder: Path, rounds: Rounds, tell: Tell) -> dict[str, Path]:
    """Measure the servers by turns, and return the captures that they left, by the server's name.

    Raises:
        BenchmarkError: a server did not start or did not answer.
    """
    tell("memray: makes a store")
    store = make_store(_new(folder / "made"), CHUNKS, SMALLEST_BYTES, LARGEST_BYTES)
    works = works_of(store)
    requests, times = effort.of(100, 400), effort.of(2, 5)
    with ExitStack() as stack:
        running = [
            stack.enter_context(_started(variant, store, _new(folder / f"server-{number}")))
            for number, variant in enumerate(VARIANTS)
        ]
        for one in running:
            for paths in works.values():
                ask(one.server.url, paths, len(paths))
        for number in range(times):
            tell(f"memray: round {number + 1} of {times}")
            for setting, paths in works.items():
                for one in in_turn(running, number):
                    _round(one, setting, paths, requests, rounds)
        return {one.variant.name: one.capture for one in running if one.capture is not None}


def traced_ratios(figures: Sequence[Figure]) -> Iterator[Ratio]:
    """Yield what the servers under memray cost over the one without."""
    settings = dict.fromkeys(figure.setting for figure in figures if figure.subject == PLAIN)
    for name in (ARENAS, OBJECTS):
        for setting in settings:
            yield from (ratio_of(figures, quantity, setting, name, PLAIN) for quantity in (CPU, P99, RSS))


def works_of(store: MadeStore) -> dict[str, list[str]]:
    """Return what is asked for, by the setting's name: what a cached reader asks, and what Python makes anew."""
    chunks = [block.path for block in store.blocks]
    pages = sorted({block.page for block in store.blocks})
    return {
        "a chunk, then its timings": [
            path for chunk in chunks for path in (chunk, chunk.replace("/chunk?", "/timings?"))
        ],
        "a page's blocks": [f"/api/documents/{DOCUMENT_ID}/pages/{page}/blocks" for page in pages],
    }


def ask(url: str, paths: Sequence[str], count: int) -> list[float]:
    """Return the latencies of so many requests for the paths in turn, in microseconds.

    Raises:
        BenchmarkError: an answer is none.
    """
    parts, found = urlsplit(url), []
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)) as connection:
        for number in range(count):
            path = paths[number % len(paths)]
            began = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            found.append(1e6 * (time.perf_counter() - began))
            if answer.status != http.client.OK:
                raise BenchmarkError(f"{url}{path}: answered {answer.status}")
    return found


def _round(one: _Running, setting: str, paths: Sequence[str], requests: int, rounds: Rounds) -> None:
    name, cost = one.variant.name, ProcessCost.of(one.server)
    before_s = cost.cpu_s()
    latencies_us = sorted(ask(one.server.url, paths, requests))
    rounds.add(name, setting, CPU, "us", 1e6 * (cost.cpu_s() - before_s) / requests)
    rounds.add(name, setting, P50, "us", median(latencies_us))
    rounds.add(name, setting, P99, "us", latencies_us[len(latencies_us) * 99 // 100])
    rounds.add(name, setting, RSS, "MB", cost.rss_bytes() / 1e6)


@contextmanager
def _started(variant: Variant, store: MadeStore, folder: Path) -> Iterator[_Running]:
    """Start a server on a store of its own, whose files are the same."""
    shutil.copytree(store.docstore, folder / "docstore", copy_function=_taken)
    capture = folder / CAPTURE_FILE if variant.traced else None
    port, plain = processes.free_port(), processes.python_module("reference_server")
    environment = {
        **os.environ,
        **variant.environment,
        "PORT": str(port),
        "DOCSTORE_DIR": str(folder / "docstore"),
        "ALIGNER": "none",
    }
    command = plain if capture is None else captured(plain, capture)
    cores = {min(os.sched_getaffinity(0))}
    log = folder / "server.log"
    with served(variant.name, port, [command], log, environment=environment, cores=cores) as server:
        yield _Running(variant, server, capture)


def _taken(source: str, there: str) -> None:
    """Put a file of the store there too; a server locks and writes what is no MP3, so that is its own."""
    if source.endswith(".mp3"):
        os.link(source, there)
    else:
        shutil.copy2(source, there)


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
