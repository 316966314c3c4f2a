"""generator.csv: how hard the load itself has to work, a row a second and process.

What is made of the rows is said in ``loadtests.saturation``.
"""

import contextlib
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import gevent  # type: ignore[import-untyped]  # gevent carries no types
import psutil

SAMPLE_EVERY_S = 1.0
TICK_S = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """One row.

    Attributes:
        t: ``time.monotonic()`` when it was taken.
        process: the worker's index; 0 for a single process.
        cpu_s: CPU time of the process since it began.
        loop_lag_s: the worst lateness of a timer of 50 ms since the row before.
        rss_bytes: resident memory.
        open_files: open files and sockets.
        open_files_limit: how many there may be.
        readers: readers at work.
    """

    t: float
    process: int
    cpu_s: float
    loop_lag_s: float
    rss_bytes: int
    open_files: int
    open_files_limit: int
    readers: int

    def line(self) -> str:
        """Returns the sample as the file has it."""
        return (
            f"{self.t:.6f},{self.process},{self.cpu_s:.3f},{self.loop_lag_s:.4f},{self.rss_bytes},"
            f"{self.open_files},{self.open_files_limit},{self.readers}\n"
        )


COLUMNS = tuple(field.name for field in fields(Sample))


class Watch:
    """Takes the samples of this process, the first one as it starts.

    Args:
        process: the worker's index.
        readers: says how many readers are at work.
        take: gets every sample.
    """

    def __init__(self, process: int, readers: Callable[[], int], take: Callable[[Sample], None]) -> None:
        self._process = process
        self._readers = readers
        self._take = take
        self._system = psutil.Process()
        self._worst_lag_s = 0.0
        self._sampled_t = 0.0
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begins."""
        self._sample(time.monotonic())
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Takes the last sample, and no more. Harmless when stopped before."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
            self._greenlet = None
            self._sample(time.monotonic())

    def _run(self) -> None:
        while True:
            due = time.monotonic() + TICK_S
            gevent.sleep(TICK_S)
            now = time.monotonic()
            self._worst_lag_s = max(self._worst_lag_s, now - due)
            if now - self._sampled_t >= SAMPLE_EVERY_S:
                self._sample(now)

    def _sample(self, now: float) -> None:
        lag_s, self._worst_lag_s, self._sampled_t = self._worst_lag_s, 0.0, now
        with self._system.oneshot():
            rss_bytes, open_files = self._system.memory_info().rss, self._system.num_fds()
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        cpu_s = time.process_time()
        self._take(Sample(now, self._process, cpu_s, lag_s, rss_bytes, open_files, limit, self._readers()))


def raise_open_files() -> None:
    """Raises the limit of open files to what this process may have; every reader needs a socket or two."""
    with contextlib.suppress(OSError, ValueError):  # macOS calls its limit endless, and refuses it
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
