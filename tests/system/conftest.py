"""Real processes for the system tests: the server and a speech upstream, and how none of them is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.server_process import ServerProcess, plain_environ, spawn

UPSTREAM = Path(__file__).with_name("counting_upstream.py")


@dataclass
class SpeechUpstream:
    """A running upstream; `calls_path` is its record."""

    port: int
    calls_path: Path

    def calls(self, event: str) -> list[dict[str, str]]:
        """What is on record of one kind, in order."""
        lines = [json.loads(line) for line in self.calls_path.read_text("utf-8").splitlines()]
        return [line for line in lines if line["event"] == event]


StartServer = Callable[..., ServerProcess]
KillStart = Callable[[Path, float], None]
StartUpstream = Callable[..., SpeechUpstream]


@pytest.fixture
def kill_start() -> KillStart:
    """Start a server and SIGKILL it so many seconds later, whether or not it listens by then."""

    def kill(docstore: Path, after_s: float) -> None:
        process = spawn(docstore, {}, subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(after_s)
        assert process.returncode is None, "it ended by itself"
        process.kill()
        process.wait()

    return kill


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Start servers, each with the settings given; all end with the test, and all they started."""
    running: list[ServerProcess] = []

    def start(docstore: Path, **settings: str) -> ServerProcess:
        mark = f"{os.getpid()}-{len(running)}-{docstore}"
        running.append(ServerProcess.start(docstore, mark, settings))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture
def start_upstream(tmp_path: Path) -> Iterator[StartUpstream]:
    """Start upstreams whose answers take a time between the two given, in seconds."""
    running: list[subprocess.Popen[str]] = []

    def start(shortest_s: float = 0.0, longest_s: float = 0.0) -> SpeechUpstream:
        calls_path = tmp_path / f"calls-{len(running)}.jsonl"
        process = subprocess.Popen(
            [sys.executable, str(UPSTREAM), str(calls_path), str(shortest_s), str(longest_s)],
            env=plain_environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        return SpeechUpstream(int(process.stdout.readline()), calls_path)

    yield start
    for process in running:
        process.kill()
        process.communicate()
