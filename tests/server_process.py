"""The reference server as a real process: asked over HTTP, killed, started again, and never left behind."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

MARK = "OOMPROOF_TEST_MARK"
"""An environment variable that every child inherits: so a process is found whoever its parent is by then."""

COMMAND = (sys.executable, "-m", "reference_server")

_ANSWER_S = 120.0
_JOB_S = 3600.0
"""Longer than any job here takes."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, whole; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """The body, which is a JSON object."""
        fields = json.loads(self.body)
        assert isinstance(fields, dict)
        return fields


class Job:
    """A pre-generation that runs, as its progress stream tells it."""

    def __init__(
        self,
        connection: http.client.HTTPConnection,
        document_id: str,
        pages: str | list[int],
        **voicing: object,
    ) -> None:
        body = json.dumps({"documentId": document_id, "pages": pages, **voicing})
        connection.request("POST", "/api/tts/preprocess", body, {"Accept": "text/event-stream"})
        self._connection, self._answer = connection, connection.getresponse()
        assert self._answer.status == 200, self._answer.read()
        self.last: dict[str, Any] = {}
        self._broken_off = False
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._following = threading.Thread(target=self._follow, daemon=True)
        self._following.start()

    def _follow(self) -> None:
        name = ""
        try:
            while line := self._answer.readline().decode():
                field_name, _, value = line.rstrip("\r\n").partition(":")
                if field_name == "event":
                    name = value.strip()
                elif field_name == "data":
                    self._events.put({name: json.loads(value)} if name else json.loads(value))
                elif not field_name:
                    name = ""
        except (OSError, http.client.HTTPException):
            pass  # the server was killed
        finally:
            self._events.put(None)

    def wait(self, seconds: float = _JOB_S, done: int | None = None) -> None:
        """Return when so long has passed, so many blocks are done, or the stream has ended; no block may fail."""
        until = time.monotonic() + seconds
        while not self.is_over and (done is None or self.done < done):
            try:
                event = self._events.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return
            if event is None:
                self._broken_off = True
                return
            assert not event["failed"], event
            self.last = event

    @property
    def is_running(self) -> bool:
        """Whether no end of it was told."""
        return bool(self.last.get("state", "running") == "running")

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be told: the end was, or the stream broke off."""
        return self._broken_off or not self.is_running

    @property
    def done(self) -> int:
        """How many blocks are said to be stored."""
        return int(self.last.get("done", 0))

    def finish(self) -> None:
        """Note all that was told until the stream ended."""
        self._following.join()
        self._answer.close()
        self._connection.close()
        self.wait()


@dataclass
class ServerProcess:
    """A running `python -m reference_server`, listening on `port`; its log is read all the time."""

    process: subprocess.Popen[str]
    port: int
    mark: str
    log: list[str]
    reading: threading.Thread
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = self.connect()

    @classmethod
    def start(
        cls,
        docstore: Path,
        mark: str,
        settings: Mapping[str, str],
        command: Sequence[str] = COMMAND,
        folder: Path | None = None,
    ) -> Self:
        """Start it and wait until it listens: on a free port, unless `settings` has a `PORT`."""
        process = spawn(docstore, {MARK: mark, **settings}, subprocess.PIPE, command, folder)
        assert process.stderr is not None
        log: list[str] = []
        port = None
        for line in process.stderr:
            log.append(line)
            if found := re.search(r"listening on http://[\d.]+:(\d+)", line):
                port = int(found[1])
                break
        assert port is not None, "".join(log)
        reading = threading.Thread(target=log.extend, args=(process.stderr,), daemon=True)
        reading.start()
        return cls(process, port, mark, log, reading)

    def connect(self) -> http.client.HTTPConnection:
        """A connection of its own."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_S)

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask on the one connection that is kept, or on a new one where the server closed it as idle."""
        try:
            answer = self._asked(method, path, body, headers or {})
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.connection.close()
            answer = self._asked(method, path, body, headers or {})
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())

    def _asked(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        self.connection.request(method, path, body, dict(headers))
        return self.connection.getresponse()

    def upload(self, document_id: str, pdf: bytes) -> None:
        """Store a document."""
        answer = self.ask("PUT", f"/api/documents/{document_id}", pdf, {"Content-Type": "application/pdf"})
        assert answer.status in {200, 201}, answer

    def preprocess(self, document_id: str, pages: str | list[int]) -> Job:
        """Begin to make pages ahead, or `"all"`."""
        return Job(self.connect(), document_id, pages)

    def processes(self) -> list[psutil.Process]:
        """The server and whatever it started that is still there."""
        return [process for process in psutil.process_iter() if _mark_of(process) == self.mark]

    def kill(self, *, group: bool = False) -> None:
        """SIGKILL the server alone, or its process group."""
        if group:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        self.connection.close()

    def left(self, within_s: float = 60.0) -> list[psutil.Process]:
        """What of it is still there, of the end of which `within_s` were waited for."""
        return list(psutil.wait_procs(self.processes(), timeout=within_s)[1])

    def close(self) -> None:
        """End it and all that is left of it, however the test went."""
        self.kill()
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.left()
        self.reading.join()
        assert self.process.stderr is not None
        self.process.stderr.close()


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def plain_environ() -> dict[str, str]:
    """This process's environment, without what would have coverage measured in a process whose memory is."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COV")}


def spawn(
    docstore: Path,
    settings: Mapping[str, str],
    stderr: int,
    command: Sequence[str] = COMMAND,
    folder: Path | None = None,
) -> subprocess.Popen[str]:
    """Start a server in a process group of its own, and wait for nothing."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**plain_environ(), "PORT": "0", "DOCSTORE_DIR": str(docstore), **settings},
        stdin=subprocess.DEVNULL,
        stderr=stderr,
        text=True,
        start_new_session=True,
    )
