"""A server's pre-generation, asked for and followed to its end, with what it took."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from benchmarks.errors import BenchmarkError

ANSWER_WITHIN_S = 120.0
"""Between two lines of a job: while nothing happens the server sends one each 15 s."""


@dataclass(frozen=True)
class Made:
    """What a job made.

    Attributes:
        blocks: how many chunks.
        seconds: from the question to the news that all are stored.
        cpu_s: CPU time of the server and of the children that it had.
    """

    blocks: int
    seconds: float
    cpu_s: float


def upload(url: str, document_id: str, text: str) -> int:
    """Gives a server a text, and returns how many pages it has there.

    Raises:
        BenchmarkError: the server does not take it.
        OSError: it does not answer.
    """
    with closing(_connected(url)) as connection:
        headers = {"Content-Type": "text/plain"}
        connection.request("PUT", f"/api/documents/{document_id}", text.encode(), headers)
        answer = connection.getresponse()
        body = answer.read()
    if answer.status not in {200, 201}:
        raise BenchmarkError(f"{url}: the document was refused with {answer.status}: {body[:200]!r}")
    return int(json.loads(body)["pages"])


def remove(url: str, document_id: str) -> None:
    """Has a server remove a document and its chunks; raises OSError where it does not answer."""
    with closing(_connected(url)) as connection:
        connection.request("DELETE", f"/api/documents/{document_id}")
        connection.getresponse().read()


def make_ahead(url: str, document_id: str, pid: int) -> Made:
    """Has the server of that process make all chunks of a document, and returns once they are stored.

    Raises:
        BenchmarkError: not all were made.
        OSError: the server does not answer.
    """
    server = psutil.Process(pid)
    body = json.dumps({"documentId": document_id, "pages": "all"})
    with closing(_connected(url)) as connection:
        began, cpu_s = time.monotonic(), cpu_s_of(server)
        connection.request("POST", "/api/tts/preprocess", body, {"Accept": "text/event-stream"})
        answer = connection.getresponse()
        last: dict[str, object] = {}
        for last in events(answer):
            if last.get("state", "running") != "running":
                break
        seconds = time.monotonic() - began
    if answer.status != http.client.OK or last.get("state") != "done":
        raise BenchmarkError(f"{url}: not all chunks were made: {answer.status}, {last or 'no news'}")
    return Made(int(str(last["done"])), seconds, cpu_s_of(server) - cpu_s)


def events(lines: Iterator[bytes] | http.client.HTTPResponse) -> Iterator[dict[str, object]]:
    """Yields what the lines of an event stream say, as it comes; other lines are left out."""
    for line in lines:
        name, _, value = line.partition(b":")
        if name == b"data":
            yield json.loads(value)


def cpu_s_of(process: psutil.Process) -> float:
    """Returns the CPU time of a process, of its living children, and of those that it has waited for."""
    while True:
        waited_for_s = _children_s(process)
        living_s = sum(map(_own_s, process.children(recursive=True)))
        if _children_s(process) == waited_for_s:  # else one of the living may count twice, or not at all
            return _own_s(process) + waited_for_s + living_s


def _own_s(process: psutil.Process) -> float:
    try:
        used = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(used.user + used.system)


def _children_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.children_user + used.children_system)


def _connected(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_WITHIN_S)
