"""Who serves chunks: our server with everything on, and its peers with nothing but the file."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.nginx import file_server, find_nginx
from benchmarks.report import nginx_version
from benchmarks.servers import Server, reference_server, served
from benchmarks.suite.made_store import MadeStore
from benchmarks.suite.measured import Tell
from benchmarks.suite.peer_packages import environment_with, peer_packages, versions_in
from profiles import processes
from reference_server.settings import Settings

OURS = "oomproof"
NGINX = "nginx"
FILE_RESPONSE = "FileResponse"
GRANIAN = "granian"

_USER, _PASSWORD = "reader", "a password of usual length"
_APP = "benchmarks.suite.file_response_app:create_app"
_BACKLOG = 8192


@dataclass(frozen=True)
class Subject:
    """A server that can be measured.

    Attributes:
        name: what the report calls it.
        start: starts it, with its own files in the empty folder that is given, and ends it afterwards.
        headers: what every request to it needs.
    """

    name: str
    start: Callable[[Path], AbstractContextManager[Server]]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lineup:
    """Those who can be measured here, ours first; how each is set, and who cannot be; versions of their programs."""

    subjects: tuple[Subject, ...]
    notes: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]


def line_up(store: MadeStore, core: int, connections: int, tell: Tell) -> Lineup:
    """Return our server and its peers: of the chunks of a store, each on this core, for so many connections at once."""
    parts = [
        _ours(store, core, connections),
        _nginx(store, core, connections, tell),
        _in_python(store, core, tell),
    ]
    return Lineup(
        tuple(subject for part in parts for subject in part.subjects),
        tuple(note for part in parts for note in part.notes),
        tuple(known for part in parts for known in part.versions),
    )


def most_requests(connections: int) -> int:
    """Return our server's MAX_REQUESTS for so many at once: its own, where that leaves room."""
    return max(Settings.max_requests, connections + connections // 4)


def _ours(store: MadeStore, core: int, connections: int) -> Lineup:
    settings = {
        "ALIGNER": "none",
        "BASIC_AUTH_USER": _USER,
        "BASIC_AUTH_PASSWORD": _PASSWORD,
        "MAX_REQUESTS": str(most_requests(connections)),
    }

    @contextmanager
    def start(folder: Path) -> Iterator[Server]:
        log = folder / "server.log"
        with reference_server(store.docstore, log, settings=settings, cores={core}) as server:
            yield server

    credentials = base64.b64encode(f"{_USER}:{_PASSWORD}".encode()).decode()
    note = "oomproof has its password (HTTP Basic), metrics, ETag and all its checks on; its peers have none of these."
    return Lineup((Subject(OURS, start, {"Authorization": f"Basic {credentials}"}),), (note,), ())


def _nginx(store: MadeStore, core: int, connections: int, tell: Tell) -> Lineup:
    try:
        program = find_nginx(tell)
    except BenchmarkError as error:
        return Lineup((), (f"nginx was not measured: {error}",), ())

    @contextmanager
    def start(folder: Path) -> Iterator[Server]:
        with file_server(program, store.files, folder, connections=connections, cores={core}) as server:
            yield server

    note = "nginx is one process with sendfile, files kept open (open_file_cache) and no log."
    return Lineup((Subject(NGINX, start),), (note,), ((NGINX, nginx_version(program)),))


def _in_python(store: MadeStore, core: int, tell: Tell) -> Lineup:
    known = tuple((name, version(name)) for name in ("starlette", "uvicorn", "httptools"))
    start = partial(_python_peer, store, core)
    try:
        packages = peer_packages(tell)
    except BenchmarkError as error:
        notes = (
            "FileResponse is Starlette's under uvicorn with asyncio's own loop and httptools.",
            f"uvloop, which would make it faster, and granian were not measured: {error}",
        )
        return Lineup(
            (Subject(FILE_RESPONSE, partial(start, FILE_RESPONSE, _uvicorn("asyncio"), None)),), notes, known
        )
    subjects = (
        Subject(FILE_RESPONSE, partial(start, FILE_RESPONSE, _uvicorn("uvloop"), packages)),
        Subject(GRANIAN, partial(start, GRANIAN, _GRANIAN, packages)),
    )
    notes = (
        "FileResponse is Starlette's under uvicorn with uvloop and httptools.",
        "granian serves the same application with one worker and uvloop; it sends whole files by ASGI's pathsend.",
    )
    found = versions_in(packages)
    return Lineup(subjects, notes, (*known, *((name, found[name]) for name in ("uvloop", GRANIAN))))


def _uvicorn(loop: str) -> tuple[str, ...]:
    return ("uvicorn", "--loop", loop, "--http", "httptools", "--no-access-log")


_GRANIAN = (
    "granian", "--interface", "asgi", "--workers", "1", "--loop", "uvloop", "--http", "1", "--no-ws",
    "--backpressure", str(_BACKLOG),
)  # fmt: skip


@contextmanager
def _python_peer(
    store: MadeStore, core: int, name: str, server: Sequence[str], packages: Path | None, folder: Path
) -> Iterator[Server]:
    port = processes.free_port()
    shared = ("--port", port, "--backlog", _BACKLOG, "--log-level", "warning", "--factory", _APP)
    environment = {**environment_with(packages), "FILES": str(store.files.resolve())}
    command = processes.python_module(*server, *shared)
    with served(name, port, [command], folder / "server.log", environment=environment, cores={core}) as one:
        yield one
