"""What the cost of watching is measured on: the reference server in a VM, and windows of it, watched or not."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.servers import within
from profiles import processes
from profiles.backends import best_backend, walls_of
from profiles.health import healthy
from profiles.run_folder import RunFolder
from profiles.vm import recording
from profiles.vm_size import MIB, VmSize
from profiles.walls import NAME_PREFIX, Walls

ROOT = Path(__file__).resolve().parent.parent
SETTLE_S = 0.5
"""Between a watcher's start or end and the window: what it does once is not what it costs."""
PATH = "/api/health"


@dataclass(frozen=True)
class Cost:
    """What a watcher used in its window.

    Attributes:
        cpu_share: its CPU, as a share of a core.
        cpu_us_per_sample: the same for each sample.
        rss_mb: its highest RSS (MiB).
    """

    cpu_share: float
    cpu_us_per_sample: float
    rss_mb: float


@dataclass(frozen=True)
class Look:
    """What a watcher says of itself at a sample: when it was, and its CPU so far."""

    t: float
    cpu_s: float


@dataclass(frozen=True)
class Window:
    """Latencies of the requests in a window, in microseconds, and what the watcher used; None where nobody watched."""

    latencies_us: Sequence[float]
    cost: Cost | None = None


class Target:
    """A server in a VM, and how a window of it is taken."""

    def __init__(
        self, walls: Walls, size: VmSize, started: Sequence[subprocess.Popen[bytes]], url: str
    ) -> None:
        self._walls = walls
        self._size = size
        self._started = started
        self._url = url

    @property
    def pids(self) -> list[int]:
        """The processes in the VM, the server first."""
        return [process.pid for process in self._started]

    def unwatched(self, seconds: float) -> Window:
        """Take a window in which nobody watches.

        Raises:
            BenchmarkError: the server or the client failed.
        """
        return Window(self.latencies_us(seconds))

    def recorded(self, sample_hz: float, seconds: float) -> Window:
        """Take a window with the recorder at so many samples a second.

        Raises:
            BenchmarkError: the server or the client failed, or the recorder did not see all processes.
        """
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with recording(folder, self._walls, self._size, sample_hz=sample_hz) as vm:
                vm.tell(f"server {self.pids[0]}")
                began_t = time.monotonic() + SETTLE_S
                latencies_us = self.latencies_us(seconds)
            samples = [sample for sample in RunFolder(folder).samples if sample.t >= began_t]
        if len(samples) < 2 or samples[-1].processes != len(self._started):
            raise BenchmarkError(f"recorder, {len(self._started)} processes: it saw {samples[-1:]}")
        looks = [Look(sample.t, sample.recorder_cpu_s or 0.0) for sample in samples]
        rss_bytes = max(sample.recorder_rss_bytes or 0.0 for sample in samples)
        return Window(latencies_us, cost_of(looks, rss_bytes))

    def latencies_us(self, seconds: float) -> list[float]:
        """Let a client ask for that long, once what was started before has settled; return each latency.

        Raises:
            BenchmarkError: the server or the client failed.
        """
        time.sleep(SETTLE_S)
        command = processes.python_module("benchmarks.closed_loop", self._url + PATH, seconds)
        client = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=seconds + 60
        )
        if client.returncode != 0 or self._started[0].poll() is not None:
            raise BenchmarkError(f"client: {client.stderr.strip().splitlines()[-1:]}")
        return [float(latency) for latency in client.stdout.split()]


def cost_of(looks: Sequence[Look], rss_bytes: float) -> Cost:
    """Return what a watcher with that highest RSS used from its first look to its last; there are at least two."""
    first, last = looks[0], looks[-1]
    used_s = last.cpu_s - first.cpu_s
    return Cost(
        cpu_share=used_s / (last.t - first.t),
        cpu_us_per_sample=1e6 * used_s / (len(looks) - 1),
        rss_mb=rss_bytes / MIB,
    )


@contextmanager
def target(count: int) -> Iterator[Target]:
    """Start the reference server in a VM with so many processes in all; the others sleep.

    Raises:
        BenchmarkError: the server is not healthy in time.
        OomproofError: this machine makes no VM.
    """
    size = VmSize(1024, os.cpu_count() or 1, float(os.cpu_count() or 1))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        walls = walls_of(best_backend(), f"{NAME_PREFIX}{os.getpid()}-{time.monotonic_ns()}", folder)
        started: list[subprocess.Popen[bytes]] = []
        try:
            walls.create(size)
            url = f"http://127.0.0.1:{processes.free_port()}"
            settings = {
                "HOST": "127.0.0.1",
                "PORT": url.rpartition(":")[2],
                "DOCSTORE_DIR": str(folder / "store"),
            }
            commands = [processes.python_module("reference_server"), *[["sleep", "3600"]] * (count - 1)]
            environment = {**os.environ, **settings}
            for command in commands:
                log = folder / "server.log"
                started.append(processes.start(command, log, environment=environment, in_child=walls.join))
            within(60.0, f"server: not healthy: {folder}", lambda: healthy(url, timeout_s=1.0))
            yield Target(walls, size, started, url)
        finally:
            walls.destroy()
            for process in started:
                processes.stop(process)
