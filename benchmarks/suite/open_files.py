"""Room for thousands of connections: the limit of open files, raised for us and for what we start."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.errors import BenchmarkError


@contextmanager
def open_files(wanted: int) -> Iterator[None]:
    """Let this process, and each that it starts meanwhile, have so many files open.

    Raises:
        BenchmarkError: the hard limit is lower.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise BenchmarkError(f"ulimit -Hn: {hard:,} open files, and {wanted:,} are needed. Raise it.")
    enough = soft == resource.RLIM_INFINITY or soft >= wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft if enough else wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
