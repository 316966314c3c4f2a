"""Servers that a benchmark starts: awaited, held to cores, and ended with it."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from profiles import processes
from profiles.health import healthy

_START_WITHIN_S = 60.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Server:
    """A server at a loopback URL, and the processes that it is."""

    url: str
    processes: tuple[subprocess.Popen[bytes], ...]


def within(seconds: float, otherwise: str, happens: Callable[[], bool]) -> None:
    """Waits for something that another process does.

    Raises:
        BenchmarkError: it did not happen within these seconds.
    """
    deadline = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{otherwise} within {seconds:g} s")
        time.sleep(_LOOK_EVERY_S)


@contextmanager
def served(
    name: str,
    port: int,
    commands: Sequence[Sequence[str]],
    log: Path,
    *,
    health: str = "/api/health",
    environment: Mapping[str, str] | None = None,
    cores: set[int] | None = None,
) -> Iterator[Server]:
    """Starts a server on a loopback port, gives it once it says that it is healthy, and ends it.

    Args:
        name: what a message calls it.
        port: where it listens.
        commands: one for each of its processes.
        log: where they write.
        health: path of its answer that it is healthy.
        environment: theirs; ours when None.
        cores: where they may run.

    Raises:
        BenchmarkError: one ended, or none is healthy in time.
    """
    held = None if cores is None else lambda: os.sched_setaffinity(0, cores)
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        started = []
        for command in commands:
            started.append(processes.start(command, log, environment=environment, in_child=held))
            stack.callback(processes.stop, started[-1])

        def ready() -> bool:
            if any(process.poll() is not None for process in started):
                raise BenchmarkError(f"{name}: ended while starting: {processes.last_line(log)}")
            return healthy(url, health, timeout_s=1.0)

        within(_START_WITHIN_S, f"{name}: no answer on {url}", ready)
        yield Server(url, tuple(started))


@contextmanager
def reference_server(
    docstore: Path, log: Path, *, settings: Mapping[str, str], cores: set[int] | None = None
) -> Iterator[Server]:
    """Starts the reference server on a docstore, with its settings.

    Raises:
        BenchmarkError: it does not start.
    """
    port = processes.free_port()
    environment = {**os.environ, "PORT": str(port), "DOCSTORE_DIR": str(docstore), **settings}
    command = processes.python_module("reference_server")
    with served("reference server", port, [command], log, environment=environment, cores=cores) as one:
        yield one


@contextmanager
def speech_upstream(log: Path) -> Iterator[Server]:
    """Starts the stand-in for the paid speech API, without latency.

    Raises:
        BenchmarkError: it does not start.
    """
    port = processes.free_port()
    command = processes.python_module("loadtests.upstream", "--port", port, "--latency", 0, "--memo-mib", 64)
    with served("speech upstream", port, [command], log, health="/health") as one:
        yield one
