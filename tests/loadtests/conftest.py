"""Fixtures of the load's tests: a stand-in server in a process of its own."""

import contextlib
import csv
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from loadtests.chapters import Block, Chapters, Voice

with pytest.MonkeyPatch.context() as patch:
    # Locust makes the whole process gevent's when it is imported, and the other tests are in it too.
    patch.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    from locust.rpc import Message

STUB = Path(__file__).parent / "stub_server.py"
LOCUSTFILE = Path(__file__).parents[2] / "loadtests" / "locustfile.py"


class StubServer:
    """A running stand-in: its base URL, and what it was asked."""

    def __init__(self, url: str, process: subprocess.Popen[str]) -> None:
        self.url = url
        self.process = process

    def asked(self, path: str) -> list[dict[str, Any]]:
        """What was asked on that path so far, in order."""
        with requests.Session() as session:
            session.trust_env = False
            asked: list[dict[str, Any]] = session.get(f"{self.url}/asked", timeout=10).json()["asked"]
        return [request for request in asked if request["path"] == path]


@pytest.fixture
def stub() -> Iterator[Callable[..., StubServer]]:
    """Starts stand-ins with the given settings; all end with the test."""
    running: list[subprocess.Popen[str]] = []

    def start(**settings: str) -> StubServer:
        process = subprocess.Popen(
            [sys.executable, str(STUB), *(f"{name}={value}" for name, value in settings.items())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        scheme = "https" if "tls" in settings else "http"
        return StubServer(f"{scheme}://127.0.0.1:{process.stdout.readline().strip()}", process)

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=10)


@pytest.fixture
def chapters_file(tmp_path: Path) -> Path:
    """Two chapters of four blocks over two pages each; page 3 and 4 belong to the second."""
    chapters = tuple(
        tuple(
            Block(page, index, f"Page {page}, block {index}.", f"hash-{page}-{index}")
            for page in pages
            for index in range(2)
        )
        for pages in ((1, 2), (3, 4))
    )
    path = tmp_path / "chapters.json"
    Chapters("d", "ab" * 32, 9, (Voice("alloy", 1.0),), "tts-1", chapters).save(path)
    return path


@dataclass(frozen=True)
class Ended:
    """How a Locust ended: exit code, all it said on stderr, the rows of its two files."""

    status: int
    log: str
    rows: list[dict[str, str]]
    samples: list[dict[str, str]]

    def numbers(self) -> dict[str, int]:
        """How many rows each reader has."""
        return Counter(row["reader"] for row in self.rows)


class Locusts:
    """Starts real Locusts with our locustfile, their files in one folder; each is given what to read at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[subprocess.Popen[str]] = []

    def start(self, *options: str, locustfile: Path = LOCUSTFILE) -> subprocess.Popen[str]:
        """Starts one in a process group of its own."""
        files = ["--requests-file", str(self.folder / "requests.csv")]
        files += ["--generator-file", str(self.folder / "generator.csv")]
        process = subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", str(locustfile), *files, *options],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def ended(self, process: subprocess.Popen[str], within_s: float = 60) -> Ended:
        """Waits for its end, which is without a traceback."""
        _, log = process.communicate(timeout=within_s)
        assert "Traceback" not in log
        return Ended(process.returncode, log, self.rows("requests.csv"), self.rows("generator.csv"))

    def run(self, host: str, *options: str, **more: Any) -> Ended:
        """Lets two readers read for ten session seconds played in two, unless told otherwise."""
        return self.ended(self.start(*self.short(host), *options, **more))

    def short(self, host: str) -> list[str]:
        """The options of a short run without a web page."""
        readers = ["--headless", "--users", "2", "--spawn-rate", "2", "--pace", "5", "--session-s", "10"]
        return ["--host", host, *readers, "--chapters-file", str(self.folder / "chapters.json")]

    def rows(self, name: str = "requests.csv") -> list[dict[str, str]]:
        """The rows of a file so far; none where it is not there yet."""
        path = self.folder / name
        if not path.exists():
            return []
        with path.open() as file:
            return list(csv.DictReader(file))

    def kill(self) -> None:
        """Ends what still runs, with its workers."""
        for process in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=10)


@pytest.fixture
def locusts(tmp_path: Path, chapters_file: Path) -> Iterator[Locusts]:
    """Real Locusts, which read the chapters file unless told otherwise; all end with the test."""
    assert chapters_file.parent == tmp_path
    started = Locusts(tmp_path)
    yield started
    started.kill()


@pytest.fixture
def sent() -> Callable[[object], tuple[Any, int]]:
    """What arrives of a value that Locust sends between master and worker, and the size of the message."""

    def send(value: object) -> tuple[Any, int]:
        packed = Message("stats", value, "worker").serialize()  # type: ignore[no-untyped-call]  # Locust's
        return Message.unserialize(packed).data, len(packed)  # type: ignore[no-untyped-call]  # Locust's

    return send


@pytest.fixture
def wait_for() -> Callable[[Callable[[], object]], None]:
    """Waits until a running process has come so far; fails after 20 seconds."""

    def wait(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)  # what another process writes or opens has no event to await

    return wait


@dataclass(frozen=True)
class Asked:
    """One request that a scripted server got; header names are as they came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ScriptedServer:
    """A server in a thread that answers as a function says, with status, Content-Type and body."""

    def __init__(self, answer: Callable[[Asked], tuple[int, str, bytes]], tls: ssl.SSLContext | None) -> None:
        self.asked: list[Asked] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Keeps stderr clean."""

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append(Asked(self.command, self.path, dict(self.headers), body))
                status, kind, content = answer(asked[-1])
                self.send_response(status)
                # A redirect's content is where it leads.
                self.send_header(
                    *(("Location", content.decode()) if 300 <= status < 400 else ("Content-Type", kind))
                )
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PUT = do_POST = answer  # noqa: N815  # the base class names them so

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that breaks off is what some tests are about."""

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def scripted() -> Iterator[Callable[..., ScriptedServer]]:
    """Starts scripted servers, with TLS where a context is given; all end with the test."""
    running: list[ScriptedServer] = []

    def start(
        answer: Callable[[Asked], tuple[int, str, bytes]], tls: ssl.SSLContext | None = None
    ) -> ScriptedServer:
        running.append(ScriptedServer(answer, tls))
        return running[-1]

    yield start
    for started in running:
        started.server.shutdown()
        started.server.server_close()


@pytest.fixture
def raw() -> Iterator[Callable[..., str]]:
    """Starts servers that hand each connection to a function, which may break it; returns their base URL."""
    listeners: list[socket.socket] = []

    def start(handle: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        handle(connection)

        threading.Thread(target=accept, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
