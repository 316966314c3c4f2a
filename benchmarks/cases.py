"""The cases: which users read, from which server, on which cores."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.errors import BenchmarkError
from benchmarks.generator import SETTLE_S, Load
from benchmarks.nginx import file_server
from benchmarks.servers import Server, reference_server
from benchmarks.store import Store

LOADTESTS = Path(__file__).resolve().parent.parent / "loadtests" / "locustfile.py"
OBSERVER = Path(__file__).with_name("observer.py")
MINIMAL = Path(__file__).with_name("minimal.py")

FEWEST_READERS = 50
"""A minimal user that does not carry its readers is tried with half as many, down to this."""

ServerKind = Literal["nginx", "reference server"]


@dataclass(frozen=True)
class Case:
    """One row of the report.

    Attributes:
        name: what `--cases` calls it.
        users: what its readers are: `ReaderUser` is ours.
        server: what they read from.
        processes: load processes.
        times: readers of this case for each that the command line asks for.
        fewer: whether it is repeated with half as many readers until it carries them.
    """

    name: str
    users: str
    server: ServerKind = "nginx"
    processes: int = 1
    times: int = 1
    fewer: bool = False


CASES = (
    Case("readers", "ReaderUser"),
    Case("fast-http-user", "MinimalFastHttpUser", fewer=True),
    Case("http-user", "MinimalHttpUser", fewer=True),
    Case("two-processes", "ReaderUser", processes=2, times=2),
    Case("two-processes-server", "ReaderUser", server="reference server", processes=2, times=2, fewer=True),
)


@dataclass(frozen=True)
class Cores:
    """Where what may run: the server on one core, each load process on one of the others."""

    server: int
    load: tuple[int, ...]

    def of_load(self, processes: int) -> tuple[int, ...]:
        """Returns a core for each load process; they share where there are too few."""
        return tuple(self.load[number % len(self.load)] for number in range(processes))


def cores_here() -> Cores:
    """Returns the cores that we may use: the first for the server, the others, from the last, for the load.

    Raises:
        BenchmarkError: there is only one.
    """
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise BenchmarkError("one core only: the load and the server need one each. Use a larger machine.")
    return Cores(first, tuple(reversed(others)))


def load_of(
    case: Case, store: Store, readers: int, ramp_s: float, window_s: float, folder: Path, pace: float = 1.0
) -> Load:
    """Returns the load of a case with so many readers, so much faster than real time; its files go into the folder."""
    settle_s = SETTLE_S / pace
    if case.users != "ReaderUser":
        arguments = ["-f", f"{MINIMAL},{OBSERVER}", case.users]
        environment: Mapping[str, str] = {
            "MINIMAL_CHAPTERS": str(store.chapters.resolve()),
            "MINIMAL_PACE": f"{pace:g}",
        }
        return Load(arguments, readers, ramp_s, window_s, environment, case.processes, settle_s)
    longer_than_the_run_s = pace * (ramp_s + settle_s + window_s + 600)
    arguments = [
        "-f", f"{LOADTESTS},{OBSERVER}", "--chapters-file", str(store.chapters), "--mode", "cached",
        "--pace", f"{pace:g}", "--session-s", f"{longer_than_the_run_s:.0f}",
        "--requests-file", str(folder / "requests.csv"), "--generator-file", str(folder / "generator.csv"),
    ]  # fmt: skip
    return Load(arguments, readers, ramp_s, window_s, {}, case.processes, settle_s)


@contextmanager
def server_of(
    case: Case, store: Store, readers: int, nginx: str | None, core: int, folder: Path
) -> Iterator[Server]:
    """Starts the server of a case on its core, and ends it.

    Raises:
        BenchmarkError: it does not start.
    """
    folder.mkdir(parents=True)
    if case.server == "nginx":
        assert nginx is not None  # a command with such a case has looked for it
        with file_server(nginx, store.files, folder, connections=2 * readers, cores={core}) as server:
            yield server
    else:
        settings = {"ALIGNER": "none"}
        with reference_server(
            store.docstore, folder / "server.log", settings=settings, cores={core}
        ) as server:
            yield server
