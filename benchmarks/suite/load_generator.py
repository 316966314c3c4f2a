"""What a reader costs the load generator: ours beside a minimal user of Locust's and wrk, all asking the same nginx.

The Locust users read for as long as blocks play, faster than real time by the same factor; wrk waits for nothing.
What is compared is the CPU of a request in the process that asks, and the memory of a reader.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from benchmarks.cases import CASES, Cores, cores_here, load_of
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Conditions, figures
from benchmarks.generator import Outcome, run
from benchmarks.nginx import file_server, find_nginx
from benchmarks.observation import BUSY_SHARE
from benchmarks.report import nginx_version
from benchmarks.servers import Server
from benchmarks.store import Store, make_store
from benchmarks.suite.load_generator_figures import (
    HTTP_USER,
    OURS,
    WRK,
    add_users,
    add_wrk,
    ratios_of,
)
from benchmarks.suite.measured import Effort, Measured, Tell
from benchmarks.suite.rounds import Rounds, in_turn
from benchmarks.suite.wrk import Load, ask, find_wrk, wrk_version
from benchmarks.suite.wrk_script import Request, write_script

KEPT = Path(__file__).resolve().parent.parent.parent / ".cache" / "bench-readers"
TITLE = "The load generator"
USERS = {OURS: "readers", HTTP_USER: "http-user"}
"""Which of the cases of `benchmarks.readers` each of them is."""
PACE = 8.0
BLOCKS, ALIGNER = 60, "embedded"
CONNECTIONS = 16
LOCUST = ("locust", "gevent", "geventhttpclient", "requests")


@dataclass(frozen=True)
class Bench:
    """What all generators have in common: what is read from where, on which cores, and the folder of their files."""

    effort: Effort
    store: Store
    server: Server
    cores: Cores
    folder: Path

    @property
    def readers(self) -> int:
        """How many Locust users there are at a time."""
        return self.effort.of(200, 1000)

    def locust(self, name: str, number: int) -> tuple[Outcome, str]:
        """Let users of that name read; return what was seen of them, and why they were not carried, if so.

        Raises:
            BenchmarkError: they ended before they were observed.
        """
        case = next(case for case in CASES if case.name == USERS[name])
        folder = self.folder / f"{case.name}-{number}"
        ramp_s, window_s = self.effort.of((4.0, 6.0), (12.0, 15.0))
        load = load_of(case, self.store, self.readers, ramp_s, window_s, folder, PACE)
        cores = self.cores.of_load(case.processes)
        outcome = run(load, self.server, cores, folder)
        conditions = Conditions(
            name, case.users, case.server, cores, (self.cores.server,),
            self.store.mean_block_s / PACE, os.getloadavg()[0],
        )  # fmt: skip
        return outcome, figures(conditions, load, outcome).not_carried

    def wrk(self, program: str) -> tuple[float, float, float]:
        """Let wrk ask as fast as it can; return requests/s, its CPU seconds a request, and its p99 in milliseconds.

        Raises:
            BenchmarkError: it failed, or a request was refused.
        """
        script = self.folder / "readers.lua"
        write_script(script, [Request(path, {}) for path in asked(self.store.files)])
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        load = Load(program, seconds=self.effort.of(2, 5), core=self.cores.load[0])
        answers = ask(load, self.server.url, script, connections=CONNECTIONS)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)  # no other child has ended meanwhile
        cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return answers.requests / answers.duration_s, cpu_s / answers.requests, answers.p99_ms


def measure(effort: Effort, folder: Path, tell: Tell) -> Measured:
    """Measure each generator by turns, against one nginx on a core of its own.

    Raises:
        BenchmarkError: there is one core only, no nginx, the chunks cannot be made, or a generator broke.
    """
    cores, nginx, notes = cores_here(), find_nginx(tell), list[str]()
    versions = [("nginx", nginx_version(nginx)), *((name, metadata.version(name)) for name in LOCUST)]
    try:
        wrk = find_wrk(tell)
        versions.append(("wrk", wrk_version(wrk)))
    except BenchmarkError as error:
        wrk = None
        notes.append(f"No figure of wrk: {error}")
    store = make_store(KEPT, BLOCKS, ALIGNER, tell)
    connections = 2 * effort.of(200, 1000) + CONNECTIONS
    rounds = Rounds()
    with file_server(nginx, store.files, folder, connections=connections, cores={cores.server}) as server:
        bench = Bench(effort, store, server, cores, folder)
        notes = [*conditions_of(bench), *notes]
        for number in range(times := effort.of(1, 4)):
            for name in in_turn((*USERS, *([WRK] if wrk else [])), number):
                tell(f"{name}: round {number + 1} of {times}")
                if name == WRK and wrk is not None:
                    add_wrk(rounds, store.mean_block_s, *bench.wrk(wrk))
                    continue
                outcome, not_carried = bench.locust(name, number)
                add_users(rounds, name, store.mean_block_s, outcome)
                notes += [f"{name}, round {number + 1}: {not_carried}."] if not_carried else []
    found = rounds.figures()
    return Measured(TITLE, found, tuple(ratios_of(found)), notes=tuple(notes), versions=tuple(versions))


def conditions_of(bench: Bench) -> Iterator[str]:
    """Yield what is to be known of the figures, a sentence each."""
    sizes_kb = [size / 1000 for size in bench.store.chunk_bytes]
    yield (
        f"{len(sizes_kb)} real chunks of {sizes_kb[0]:.0f} to {sizes_kb[-1]:.0f} kB, that play "
        f"{bench.store.mean_block_s:.0f} s on average; `make bench-readers` reads 1,000."
    )
    yield (
        f"{bench.readers:,} Locust users in one process on one core at pace {PACE:g} ask as "
        f"{PACE * bench.readers:,.0f} in real time would; nginx has another core."
    )
    yield f"wrk asks over {CONNECTIONS} connections and looks at nothing of what it gets."
    yield (
        f"Readers a core are calculated: as many as take {BUSY_SHARE:.0%} of it, each with two requests in the time "
        "that a block plays. Open files and local ports end sooner (benchmarks/README.md)."
    )
    yield "RSS a reader holds what its process takes once, when the first readers come, spread over all of them."


def asked(files: Path) -> list[str]:
    """Return what a reader asks the file server for, block after block."""
    places = sorted(tuple(map(int, path.name.split("-"))) for path in (files / "chunk").iterdir())
    return [
        f"/api/tts/{kind}?page={page}&blockIndex={block}"
        for page, block in places
        for kind in ("chunk", "timings")
    ]
