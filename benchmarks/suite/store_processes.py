"""What scan, sweep and lookups cost in processes of their own, store by store in turn."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import partial

from benchmarks.errors import BenchmarkError
from benchmarks.suite.big_store import BigStore
from benchmarks.suite.cores import Cores, held_to, two_cores
from benchmarks.suite.measured import Tell
from benchmarks.suite.page_cache import NOTE as COLD_NOTE
from benchmarks.suite.page_cache import empty_page_cache
from benchmarks.suite.rounds import Rounds, in_turn
from benchmarks.suite.store_probe import Probed
from profiles import processes

SCAN_WARM, SCAN_COLD, SCAN_CPU = "start-up scan, warm", "start-up scan, cold", "start-up scan, CPU"
SWEEP = "sweep, CPU"
FIND, KNOWN, TOTALS = (
    "lookup on disk in the process, CPU",
    "lookup in the process, CPU",
    "stats in the process, CPU",
)

_PROBED_WITHIN_S = 300
_NOT_COLD = "The scan with a cold page cache was not measured: that needs root."


def measure_processes(
    subject: str, stores: Sequence[BigStore], count: int, rounds: Rounds, tell: Tell
) -> tuple[str, ...]:
    """Measure so many rounds, and return what is to be noted.

    Raises:
        BenchmarkError: a store is not as it was made.
    """
    cores, cold = two_cores(), True
    for number in range(count):
        for store in in_turn(stores, number):
            tell(f"round {number + 1}: {store.setting}, scan and sweep")
            cold = cold and _add_cold(subject, store, cores, rounds)
            found = probed(store, cores)
            add = partial(rounds.add, subject, store.setting)
            add(SCAN_WARM, "ms", found.opened.wall_s * 1e3)
            add(SCAN_CPU, "ms", found.opened.cpu_s * 1e3)
            if found.used:
                add(SWEEP, "ms", found.used.sweep_s * 1e3)
                add(FIND, "us", found.used.find_us)
                add(KNOWN, "us", found.used.known_us)
                add(TOTALS, "us", found.used.stats_us)
    return (COLD_NOTE,) if cold else (_NOT_COLD,)


def _add_cold(subject: str, store: BigStore, cores: Cores, rounds: Rounds) -> bool:
    """Measure the scan with an empty page cache, and return whether that is possible here."""
    try:
        empty_page_cache()
    except OSError:
        return False
    opened = probed(store, cores, "--open-only").opened
    rounds.add(subject, store.setting, SCAN_COLD, "ms", opened.wall_s * 1e3)
    return True


def probed(store: BigStore, cores: Cores, *options: str) -> Probed:
    """Return what a process of its own measures of a store, on the server's core.

    Raises:
        BenchmarkError: it finds another store than was made, or fails.
    """
    folders = (store.root, store.document.parents[1], store.pages)
    command = processes.python_module("benchmarks.suite.store_probe", *folders, *options)
    with held_to(cores.server):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PROBED_WITHIN_S)
    if done.returncode != 0:
        raise BenchmarkError(f"{store.docstore}: {done.stderr.strip()[-300:]}")
    found = Probed.from_json(done.stdout)
    if found.opened.chunks != store.chunks or found.opened.repaired:
        raise BenchmarkError(
            f"{store.docstore}: {found.opened.chunks:,} of its {store.chunks:,} chunks are whole. Remove the folder."
        )
    return found
