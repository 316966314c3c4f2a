"""Fixtures of the load's tests: a stand-in server in a process of its own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from loadtests.chapters import Block, Chapters, Voice

STUB = Path(__file__).parent / "stub_server.py"


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
        return StubServer(f"http://127.0.0.1:{process.stdout.readline().strip()}", process)

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
