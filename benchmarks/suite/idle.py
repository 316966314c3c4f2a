"""A look at the machine while nothing of ours runs: what its cores do besides, and how evenly they do fixed work."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

PROC_STAT = Path("/proc/stat")
IDLE_S = 3.0
"""How long a look only watches: 300 of the kernel's ticks a core, so that one tick is a third of a percent."""

PIECES = 40
_PIECE = bytes(256 * 1024)
_TIMES = 32
"""A piece hashes 8 MiB from a core's own cache: 5 to 20 ms, long enough to meet the scheduler's tick."""

_CORE = re.compile(r"^cpu(\d+) (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Ticks:
    """What a core has done since the machine started, in the kernel's ticks; what waits for a disk is idle."""

    busy: int
    stolen: int
    idle: int

    def since(self, earlier: Ticks) -> Ticks:
        """Return what came after the earlier reading."""
        return Ticks(self.busy - earlier.busy, self.stolen - earlier.stolen, self.idle - earlier.idle)


@dataclass(frozen=True)
class CoreWork:
    """How one core did the fixed work: milliseconds of a piece, in the order they were done."""

    core: int
    pieces_ms: tuple[float, ...]

    @property
    def median_ms(self) -> float:
        """The piece in the middle."""
        return median(self.pieces_ms)

    @property
    def spread(self) -> float:
        """How much longer than the one in the middle the slowest tenth of the pieces took at least; 0 is none."""
        return quantiles(self.pieces_ms, n=10, method="inclusive")[-1] / self.median_ms - 1


@dataclass(frozen=True)
class Look:
    """What a look found.

    Attributes:
        busy_share: of the time of the busiest core that others took, while we only watched.
        stolen_share: of the time in which the cores were to work that the host gave to others.
        work: of each core alone.
        together: all cores at once took so many times as long for the same work, the slowest of them.
    """

    busy_share: float
    stolen_share: float
    work: tuple[CoreWork, ...]
    together: float

    @property
    def spread(self) -> float:
        """The spread of the core that works least evenly."""
        return max(core.spread for core in self.work)

    def to_json(self) -> dict[str, object]:
        """Return all of it."""
        return {
            "busy_share": round(self.busy_share, 5),
            "stolen_share": round(self.stolen_share, 5),
            "spread": round(self.spread, 5),
            "together": round(self.together, 4),
            "work": [{"core": w.core, "pieces_ms": [round(ms, 4) for ms in w.pieces_ms]} for w in self.work],
        }


def read_ticks(stat: str, cores: Iterable[int]) -> dict[int, Ticks]:
    """Return what `/proc/stat` says of these cores (proc(5): user nice system idle iowait irq softirq steal …)."""
    found = {}
    for core, columns in _CORE.findall(stat):
        user, nice, system, idle, waiting, hard, soft, stolen = map(int, columns.split()[:8])
        found[int(core)] = Ticks(user + nice + system + hard + soft, stolen, idle + waiting)
    return {core: found[core] for core in cores if core in found}


def busiest(before: Mapping[int, Ticks], after: Mapping[int, Ticks]) -> float:
    """Return the share of its time that the busiest core was busy; 0 where no time passed."""
    shares = [0.0]
    for core, ticks in after.items():
        passed = ticks.since(before[core])
        shares.append(passed.busy / max(1, passed.busy + passed.stolen + passed.idle))
    return max(shares)


def stolen(before: Mapping[int, Ticks], after: Mapping[int, Ticks]) -> float:
    """Return the share of the time in which all cores wanted to work that the host gave to others."""
    passed = [ticks.since(before[core]) for core, ticks in after.items()]
    return sum(one.stolen for one in passed) / max(1, sum(one.busy + one.stolen for one in passed))


def ticks_now() -> dict[int, Ticks]:
    """Return the ticks of the cores that we may use."""
    return read_ticks(PROC_STAT.read_text(encoding="ascii"), sorted(os.sched_getaffinity(0)))


def others_share(seconds: float = IDLE_S) -> float:
    """Watch for so long, and return the share of its time that others took of the busiest core."""
    before = ticks_now()
    time.sleep(seconds)
    return busiest(before, ticks_now())


def look() -> Look:
    """Watch the machine and let each core do the fixed work; some five seconds, for two cores."""
    began = ticks_now()
    busy_share = others_share()
    cores = list(began)
    alone = tuple(works for core in cores for works in _at_once([core]))
    both = _at_once(cores)
    together = max(b.median_ms / a.median_ms for a, b in zip(alone, both, strict=True))
    return Look(busy_share, stolen(began, ticks_now()), alone, together)


def _at_once(cores: list[int]) -> list[CoreWork]:
    with ThreadPoolExecutor(len(cores)) as pool:  # hashing lets go of the interpreter's lock
        return list(pool.map(_work, cores))


def _work(core: int) -> CoreWork:
    os.sched_setaffinity(0, {core})  # of this thread alone, which ends with its work
    pieces_ms = []
    for _ in range(PIECES):
        began = time.perf_counter()
        digest = hashlib.sha256()
        for _ in range(_TIMES):
            digest.update(_PIECE)
        pieces_ms.append(1000 * (time.perf_counter() - began))
    return CoreWork(core, tuple(pieces_ms))
