"""One case: a load generator held to its cores against a server held to its own, observed from inside."""

import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.errors import BenchmarkError
from benchmarks.observation import Observation
from benchmarks.servers import Server
from profiles import processes

ROOT = Path(__file__).resolve().parent.parent
SETTLE_S = 35.0
"""After the ramp, at pace 1: every reader has then had its first block, the start's rush is over."""

_AFTER_S = 3.0
_LATEST_S = 120.0
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Load:
    """What is started, and for how long it is looked at.

    Attributes:
        arguments: Locust's, beyond those that all cases share.
        readers: how many.
        ramp_s: over how many seconds they start.
        window_s: for how many seconds the generator is observed, once all have started and settled.
        environment: variables that its locustfile wants.
        processes: how many load processes.
        settle_s: between the start of the last and the window.
    """

    arguments: Sequence[str]
    readers: int
    ramp_s: float
    window_s: float
    environment: Mapping[str, str]
    processes: int = 1
    settle_s: float = SETTLE_S

    @property
    def from_s(self) -> float:
        """When the window begins, in seconds since the test began."""
        return self.ramp_s + self.settle_s

    @property
    def run_s(self) -> float:
        """When the test ends."""
        return self.from_s + self.window_s + _AFTER_S


@dataclass(frozen=True)
class Outcome:
    """How a case went.

    Attributes:
        observations: what each load process that had readers saw of itself.
        server_cpu_share: CPU of the server's processes in the window, as a share of one core.
        server_rss_bytes: their highest RSS in it.
        exit_status: Locust's.
        last_words: the last line that it said.
    """

    observations: tuple[Observation, ...]
    server_cpu_share: float
    server_rss_bytes: int
    exit_status: int
    last_words: str


@dataclass(frozen=True)
class _Sample:
    t: float
    cpu_s: float
    rss_bytes: int


def run(load: Load, server: Server, cores: Sequence[int], folder: Path) -> Outcome:
    """Runs a case to its end, which is bounded, and ends whatever of it is left.

    Args:
        load: what is started.
        server: what it reads from.
        cores: one for each load process.
        folder: where its log and what it observed go.

    Raises:
        BenchmarkError: it ended before its window did.
    """
    folder.mkdir(parents=True)
    log = folder / "load.log"
    process = processes.start(
        _command(load, server.url),
        log,
        environment=_environment(load, folder),
        in_child=lambda: _confine(cores),
    )
    family = [psutil.Process(process.pid)]
    try:
        family += _pin_workers(process, load.processes, cores)
        samples = _sample_until_end(process, server, load.run_s + _LATEST_S)
        status = processes.stop(process, 30.0)
    finally:
        processes.stop(process)
        _end(family)
    observations = tuple(_observations(folder))
    if len(observations) < load.processes:
        raise BenchmarkError(
            f"{log}: the load ended with status {status} before it was observed: {processes.last_line(log)}"
        )
    return Outcome(observations, *_server_figures(samples, observations), status, processes.last_line(log))


def _command(load: Load, url: str) -> list[str]:
    several = ["--processes", str(load.processes)] if load.processes > 1 else []
    return [
        sys.executable, "-m", "locust", *load.arguments, "--headless", "--host", url, "--only-summary",
        "--users", str(load.readers), "--spawn-rate", f"{max(1.0, load.readers / load.ramp_s):g}",
        "--run-time", f"{load.run_s:.0f}", *several,
    ]  # fmt: skip


def _environment(load: Load, folder: Path) -> dict[str, str]:
    window = {
        "OBSERVER_FOLDER": str(folder.resolve()),
        "OBSERVER_FROM_S": str(load.from_s),
        "OBSERVER_TO_S": str(load.from_s + load.window_s),
    }
    return {**os.environ, "PYTHONPATH": str(ROOT), **load.environment, **window}


def _confine(cores: Iterable[int]) -> None:
    os.sched_setaffinity(0, set(cores))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _pin_workers(process: subprocess.Popen[bytes], count: int, cores: Sequence[int]) -> list[psutil.Process]:
    """Hold each worker to a core of its own, and return them; a single process is held already."""
    if count == 1:
        return []
    deadline = time.monotonic() + 60.0
    workers: list[psutil.Process] = []
    while len(workers) < count and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
        with contextlib.suppress(psutil.NoSuchProcess):
            workers = psutil.Process(process.pid).children()
    for worker, core in zip(workers, cores, strict=False):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(worker.pid, {core})
    return workers


def _sample_until_end(process: subprocess.Popen[bytes], server: Server, most_s: float) -> list[_Sample]:
    deadline, samples = time.monotonic() + most_s, []
    while process.poll() is None and time.monotonic() < deadline:
        samples.append(_sample(server))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_EVERY_S)
    return samples


def _sample(server: Server) -> _Sample:
    cpu_s, rss_bytes = 0.0, 0
    for process in server.processes:
        try:
            seen = psutil.Process(process.pid)
            times = seen.cpu_times()
            cpu_s += times.user + times.system
            rss_bytes += seen.memory_info().rss
        except psutil.NoSuchProcess as error:
            raise BenchmarkError(f"the server ended with status {process.poll()}") from error
    return _Sample(time.monotonic(), cpu_s, rss_bytes)


def _server_figures(samples: Sequence[_Sample], observations: Sequence[Observation]) -> tuple[float, int]:
    began_t = min(observation.began_t for observation in observations)
    ended_t = max(observation.ended_t for observation in observations)
    within = [sample for sample in samples if began_t <= sample.t <= ended_t]
    if len(within) < 2:
        return float("nan"), 0
    seconds = within[-1].t - within[0].t
    return (within[-1].cpu_s - within[0].cpu_s) / seconds, max(sample.rss_bytes for sample in within)


def _observations(folder: Path) -> Iterable[Observation]:
    """Yield those of the processes that had readers; a master has none."""
    for path in sorted(folder.glob("observed-*.json")):
        observation = Observation.load(path)
        if observation.requests:
            yield observation


def _end(family: Iterable[psutil.Process]) -> None:
    for process in family:  # psutil knows each by its start time too: never another's
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
