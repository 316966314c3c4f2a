"""Which core does what: the server has one for itself, the load and whoever looks share another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.errors import BenchmarkError


@dataclass(frozen=True)
class Cores:
    """The first core that we may use, and the last."""

    server: int
    load: int


def two_cores() -> Cores:
    """Return them.

    Raises:
        BenchmarkError: there is only one.
    """
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        raise BenchmarkError("one core only: the load and the server need one each. Use a larger machine.")
    return Cores(mine[0], mine[-1])


@contextmanager
def held_to(core: int) -> Iterator[None]:
    """Hold this thread, and what it starts without a word about cores, to one core meanwhile."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
