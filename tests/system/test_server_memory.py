"""What the server holds: idle, with a large chunk on the wire, with a large upload, and while it makes chunks.

Real processes; sizes from /proc. `pytest -s` shows the figures; `PAGES=200` (`make server-memory`) makes that
many pages ahead instead of a few. MB are millions of bytes.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import platform
import random
import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil
import pytest
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate

from loadtests.corpus import prose

if TYPE_CHECKING:  # the tests are no package: at run time the fixtures give what these name
    from tests.server_process import ServerProcess
    from tests.system.conftest import StartServer, StartUpstream

pytestmark = pytest.mark.slow

MB = 1_000_000
GIB = 1024**3
PART = bytes(1024 * 1024)
PAGES = int(os.environ.get("PAGES", "3"))
CHARACTERS_A_PAGE = 2600
"""Somewhat more than what is set on a page of prose here."""
BYTES_A_PAGE = 4 * MB
"""Somewhat more than its chunks take."""

CLIENTS = 50
CLIENT_BUFFER = 16 * 1024
SLOW_S = 8.0
"""How long the slow clients read."""
BETWEEN_SAMPLES_S = 0.02
IDLE_MB, RISE_MB, TREE_MB = 100, 32, 512


def status_of(pid: int) -> dict[str, int]:
    """The sizes in /proc/PID/status, in bytes; of a process that is gone there are none."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: int(kib) * 1024 for name, kib in re.findall(r"(\w+):\s+(\d+) kB", status)}


@dataclass
class Watch:
    """A server and its children, watched in a thread; all sizes in bytes.

    The kernel's own mark of the highest RSS (VmHWM) is set back at the start, so that no peak falls between
    two samples. The sum over processes counts what they share once for each, so it is an upper bound.
    """

    pid: int
    before: int = field(init=False)
    peaks: dict[str, int] = field(default_factory=dict)
    tree: int = 0
    samples: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self._server = psutil.Process(self.pid)
        self._command = self._server.cmdline()
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        self.before = status_of(self.pid)["VmRSS"]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()
        self.sample()

    @property
    def rise(self) -> int:
        """How much more the server's own process held at its highest than at the start."""
        return self.peaks["server"] - self.before

    def sample(self) -> None:
        """Take one sample."""
        tree = self._note("server", self.pid)
        for child in self._server.children(recursive=True):
            try:
                command = child.cmdline()
            except psutil.Error:
                continue
            if command and command != self._command:  # until its exec, a child's memory is the server's
                tree += self._note(_role(command), child.pid)
        self.tree = max(self.tree, tree)
        self.samples += 1

    def _note(self, role: str, pid: int) -> int:
        sizes = status_of(pid)
        self.peaks[role] = max(self.peaks.get(role, 0), sizes.get("VmHWM", 0))
        return sizes.get("VmRSS", 0)

    def _run(self) -> None:
        started = time.monotonic()
        while not self._stop.wait(BETWEEN_SAMPLES_S):
            self.sample()
        self.seconds = time.monotonic() - started

    def show(self, title: str, conditions: dict[str, object]) -> None:
        """Print what was seen, with its conditions."""
        rows = {
            "server before": f"{self.before / MB:.1f} MB",
            **{f"peak of {role}": f"{peak / MB:.1f} MB" for role, peak in self.peaks.items()},
            "rise of server": f"{self.rise / MB:.1f} MB",
            "peak of all at once": f"{self.tree / MB:.1f} MB",
            "samples": f"{self.samples} in {self.seconds:.1f} s, {self.samples / self.seconds:.0f} a second",
        }
        show(title, {**rows, **conditions})


def _role(command: list[str]) -> str:
    """A child's module, or its program."""
    return command[command.index("-m") + 1] if "-m" in command else Path(command[0]).name


def show(title: str, rows: dict[str, object]) -> None:
    """Print figures, one a line, with what they were taken on."""
    machine = f"Python {platform.python_version()}, Linux {platform.release()}, {os.cpu_count()} CPUs"
    lines = [f"  {name:34} {value}\n" for name, value in {**rows, "machine": machine}.items()]
    sys.stdout.write(f"\n{title}\n{''.join(lines)}")


def small_pdf() -> bytes:
    """A PDF of one page with one block."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A5, invariant=1)
    canvas.drawString(40, 550, "The whole of this document is one sentence.")
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def prose_pdf(characters: int) -> bytes:
    """A PDF of the language reference's prose, from its start as often as it takes."""
    out, texts, size = io.BytesIO(), [], 0
    for piece in itertools.cycle(prose()):
        texts.append(piece.text)
        size += len(piece.text)
        if size >= characters:
            break
    style = ParagraphStyle("body", fontName="Times-Roman", fontSize=10, leading=12.5, spaceAfter=4)
    SimpleDocTemplate(out, pagesize=A5, invariant=1).build([Paragraph(escape(text), style) for text in texts])
    return out.getvalue()


@contextmanager
def folder_on_disk(path: Path, needed: int) -> Iterator[Path]:
    """A folder for large files, gone as soon as it is not needed; the test is skipped where the disk is short."""
    if shutil.disk_usage(path).free < needed + GIB:
        pytest.skip(f"{path}: less than {(needed + GIB) / MB:.0f} MB free")
    folder = path / "large"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def make_ahead(server: ServerProcess, document_id: str, pages: list[int]) -> int:
    """Have pages made ahead, and return how many blocks they have; tell how far it is once a minute."""
    job = server.preprocess(document_id, pages)
    job.wait(60)
    while not job.is_over:
        sys.stdout.write(f"{job.done} of {job.last['total']} blocks\n")
        sys.stdout.flush()
        job.wait(60)
    job.finish()
    assert job.last["state"] == "done", job.last
    return int(job.last["total"])


def test_an_idle_server_is_small(tmp_path: Path, start_server: StartServer) -> None:
    """GIVEN a server that has started WHEN it was asked for its health THEN it holds less than 100 MB."""
    server = start_server(tmp_path)
    assert server.ask("GET", "/api/health").status == 200
    sizes = status_of(server.process.pid)
    show("idle", {"RSS": f"{sizes['VmRSS'] / MB:.1f} MB", "its peak": f"{sizes['VmHWM'] / MB:.1f} MB"})
    assert sizes["VmRSS"] < IDLE_MB * MB


@dataclass
class SlowClient:
    """One who asked for the chunk and reads a little at a time."""

    connection: socket.socket
    received: int = 0

    @classmethod
    def ask(cls, port: int, path: str) -> SlowClient:
        """Ask, through a small buffer."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CLIENT_BUFFER)
        connection.connect(("127.0.0.1", port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        head = connection.recv(CLIENT_BUFFER)
        assert head.startswith(b"HTTP/1.1 200"), head[:200]
        return cls(connection, len(head))

    def read(self) -> None:
        """Read what its buffer holds."""
        part = self.connection.recv(CLIENT_BUFFER)
        assert part, "the server hung up"
        self.received += len(part)


def grown_chunk(docstore: Path, start_server: StartServer, start_upstream: StartUpstream) -> str:
    """Make a real chunk, let its MP3 grow to 1 GiB with zeros that take no disk, and return the MP3's SHA-256."""
    upstream = start_upstream()
    server = start_server(docstore, API_BASE=f"http://127.0.0.1:{upstream.port}/v1")
    server.upload("large", small_pdf())
    assert make_ahead(server, "large", [1]) == 1
    server.kill()
    audio = docstore / "tts_cache_v1" / "large" / "chunks" / "0001__page-001__block-000.mp3"
    os.truncate(audio, GIB)
    with audio.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    sidecar = audio.with_suffix(".json")
    fields = {**json.loads(sidecar.read_bytes()), "sizeBytes": GIB, "sha256": digest}
    sidecar.write_text(json.dumps(fields))
    return digest


def read_whole(server: ServerProcess, path: str, digests: list[str]) -> None:
    """Read an answer to its end as fast as it comes."""
    connection = server.connect()
    connection.request("GET", path)
    answer, digest = connection.getresponse(), hashlib.sha256()
    while part := answer.read(len(PART)):
        digest.update(part)
    connection.close()
    digests.append(digest.hexdigest())


def test_a_large_chunk_for_many_slow_clients_is_not_held(
    tmp_path: Path, start_server: StartServer, start_upstream: StartUpstream
) -> None:
    """GIVEN a chunk of 1 GiB WHEN 50 clients read it slowly, one quickly THEN the server grows by less than 32 MB."""
    with folder_on_disk(tmp_path, 0) as docstore, ExitStack() as clients:
        expected, digests = grown_chunk(docstore, start_server, start_upstream), list[str]()
        server = start_server(docstore)
        path = "/api/tts/chunk?documentId=large&page=1&blockIndex=0"
        assert server.ask("HEAD", path).headers["content-length"] == str(GIB)
        quick = threading.Thread(target=read_whole, args=(server, path, digests))
        with Watch(server.process.pid) as watch:
            slow = [SlowClient.ask(server.port, path) for _ in range(CLIENTS)]
            for client in slow:
                clients.enter_context(client.connection)
            quick.start()
            until = time.monotonic() + SLOW_S
            while time.monotonic() < until or quick.is_alive():
                for client in random.sample(slow, CLIENTS):
                    client.read()
                time.sleep(0.05)  # they are slow
        least = min(client.received for client in slow)
        watch.show(
            "a chunk of 1 GiB on the wire",
            {
                "slow clients": f"{CLIENTS}, each read {least / MB:.2f} MB or more; and a quick one all of it",
                "their receive buffers": f"{CLIENT_BUFFER} bytes asked for",
            },
        )
    assert digests == [expected]
    assert least > CLIENT_BUFFER
    assert watch.rise < RISE_MB * MB


def grown_pdf(small: bytes) -> tuple[list[bytes], int]:
    """A PDF with an incremental update that adds an unused object of 1 GiB: what frames it, and its size.

    The frame is what comes before the object's content and what comes after it.
    """
    size, root = (re.findall(pattern, small)[-1] for pattern in (rb"/Size (\d+)", rb"/Root (\d+ \d+ R)"))
    previous = re.findall(rb"startxref\s+(\d+)", small)[-1]
    head = small + b"%s 0 obj\n<< /Length %d >>\nstream\n" % (size, GIB)
    tail = b"\nendstream\nendobj\n"
    table = len(head) + GIB + len(tail)
    tail += b"xref\n%s 1\n%010d 00000 n \n" % (size, len(small))
    tail += b"trailer\n<< /Size %d /Root %s /Prev %s >>\n" % (int(size) + 1, root, previous)
    tail += b"startxref\n%d\n%%%%EOF\n" % table
    return [head, tail], len(head) + GIB + len(tail)


def test_a_large_upload_is_not_held(tmp_path: Path, start_server: StartServer) -> None:
    """GIVEN a PDF of 1 GiB, made while it is sent WHEN it is uploaded THEN the server grows by less than 32 MB."""
    (head, tail), size = grown_pdf(small_pdf())
    with folder_on_disk(tmp_path, size) as docstore:
        server = start_server(docstore, MAX_DOCUMENT_BYTES=str(size))
        assert server.ask("GET", "/api/health").status == 200
        parts = itertools.chain([head], itertools.repeat(PART, GIB // len(PART)), [tail])
        connection = server.connect()
        headers = {"Content-Length": str(size), "Content-Type": "application/pdf"}
        with Watch(server.process.pid) as watch:
            connection.request("PUT", "/api/documents/large", parts, headers)
            answer = connection.getresponse()
            told = json.loads(answer.read())
        connection.close()
        assert answer.status == 201, told
        assert (told["sizeBytes"], told["pages"]) == (size, 1)
        blocks = server.ask("GET", "/api/documents/large/pages/1/blocks").json["blocks"]
        assert isinstance(blocks, list)
        assert [block["text"] for block in blocks] == ["The whole of this document is one sentence."]
        server.kill()
    watch.show("an upload of 1 GiB", {"size": f"{size} bytes"})
    assert watch.rise < RISE_MB * MB


def test_pre_generation_fits_a_small_machine(
    tmp_path: Path, start_server: StartServer, start_upstream: StartUpstream
) -> None:
    """GIVEN a document in real speech WHEN it is made ahead THEN server and aligner stay below 512 MB together."""
    upstream = start_upstream()
    with folder_on_disk(tmp_path, PAGES * BYTES_A_PAGE) as docstore:
        server = start_server(docstore, API_BASE=f"http://127.0.0.1:{upstream.port}/v1")
        server.upload("prose", prose_pdf(PAGES * CHARACTERS_A_PAGE))
        pages = server.ask("GET", "/api/documents/prose").json["pages"]
        assert isinstance(pages, int)
        assert pages >= PAGES
        with Watch(server.process.pid) as watch:
            blocks = make_ahead(server, "prose", list(range(1, PAGES + 1)))
        server.kill()
    watch.show("pre-generation", {"pages": PAGES, "blocks": blocks, "speech": "espeak, 128 kb/s, no latency"})
    assert "reference_server.align" in watch.peaks
    assert watch.tree < TREE_MB * MB
