"""What a browser test reads from: a real server with a docstore of its own, and the stand-in speech upstream."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.server_process import Job, ServerProcess, plain_environ

_UNTIL_LISTENING_S = 30.0


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


@dataclass
class Speech:
    """`python -m loadtests.upstream` on a port that it keeps: stopped, and started again with other options."""

    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> None:
        """Start it, without any latency unless the options have one, and wait until it listens."""
        self.stop()
        told = options if "--latency" in options else ("--latency", "0", *options)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loadtests.upstream", "--port", str(self.port), *told],
            env=plain_environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        """End it: whoever asks it then finds nobody."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    @property
    def requests(self) -> int:
        """How many requests for speech it has had since its start."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
            return int(json.load(answer)["requests"])


@dataclass
class Stand:
    """A server, and the upstream that it asks; the server can be killed, and started again where it was."""

    docstore: Path
    settings: Mapping[str, str]
    speech: Speech
    server: ServerProcess = field(init=False)
    _starts: int = 0

    def __post_init__(self) -> None:
        self._start({})

    def _start(self, place: Mapping[str, str]) -> None:
        self._starts += 1
        mark = f"{os.getpid()}-{self.docstore}-{self._starts}"
        api = {"API_BASE": f"http://127.0.0.1:{self.speech.port}/v1"}
        self.server = ServerProcess.start(self.docstore, mark, {**api, **self.settings, **place})

    @property
    def url(self) -> str:
        """Where the page is, without a slash at the end."""
        return f"http://127.0.0.1:{self.server.port}"

    def kill(self) -> None:
        """SIGKILL the server and whatever it started."""
        self.server.close()

    def start_again(self) -> None:
        """Start the server where it was, on its old documents and chunks."""
        self._start({"PORT": str(self.server.port)})

    def close(self) -> None:
        """End the server."""
        self.server.close()

    def upload(self, document_id: str, content: bytes, name: str | None = None) -> None:
        """Store a document past the page."""
        query = "" if name is None else "?" + urllib.parse.urlencode({"name": name})
        answer = self.server.ask("PUT", f"/api/documents/{document_id}{query}", content)
        assert answer.status in {200, 201}, answer

    def make(self, document_id: str, pages: str | list[int] = "all", **voicing: object) -> None:
        """Make a document's chunks past the page, and wait until they are made."""
        job = Job(self.server.connect(), document_id, pages, **voicing)
        job.finish()
        assert job.last["state"] == "done", job.last

    def json(self, path: str) -> dict[str, Any]:
        """What the server answers."""
        answer = self.server.ask("GET", path)
        assert answer.status == 200, answer
        return answer.json

    def status(self, document_id: str) -> dict[str, Any]:
        """What the store holds of a document."""
        return self.json(f"/api/tts/preprocess/status?documentId={document_id}")

    def await_complete(self, document_id: str, **voicing: str) -> dict[str, Any]:
        """What the store holds of a document in a voice, at a speed or of a model, once that is all of it."""
        query = urllib.parse.urlencode({"documentId": document_id, **voicing})
        until = time.monotonic() + 60
        while (found := self.json(f"/api/tts/preprocess/status?{query}"))["state"] != "complete":
            assert time.monotonic() < until, found
            time.sleep(0.05)
        return found

    def chunk_files(self, document_id: str) -> list[Path]:
        """The MP3s of a document, in the order of its blocks."""
        return sorted((self.docstore / "tts_cache_v1" / document_id / "chunks").glob("*.mp3"))

    def wait_until_made(self, document_id: str, blocks: int, within_s: float = 60.0) -> None:
        """Return when so many blocks are stored."""
        until = time.monotonic() + within_s
        while len(self.chunk_files(document_id)) < blocks:
            assert time.monotonic() < until, self.status(document_id)
            time.sleep(0.05)
