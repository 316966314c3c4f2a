"""A trim after the load: asked for in the way that was given, waited for, told, and never the end of a run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest

from profiles import trim
from profiles.errors import OomproofError
from profiles.event_log import EventLog
from profiles.run_folder import Event, RunFolder
from profiles.target import Server
from profiles.walls import Reading


@dataclass
class FakeVm:
    """A VM with these processes, and this memory at each look."""

    pids_inside: list[int] = field(default_factory=list)
    looks: list[int] = field(default_factory=lambda: [100])
    labels: list[str] = field(default_factory=list)

    @property
    def walls(self) -> FakeVm:
        """Itself."""
        return self

    def pids(self) -> list[int]:
        """The processes inside."""
        return self.pids_inside

    def read(self) -> Reading:
        """The next look; the last one stays."""
        return Reading(anon_bytes=self.looks.pop(0) if len(self.looks) > 1 else self.looks[0])

    def checkpoint(self, label: str) -> None:
        """Note the label."""
        self.labels.append(label)


@dataclass
class FakeServer:
    """A server that listens on that port, or has ended."""

    vm: FakeVm
    port: int = 1
    status: int | None = None
    process: Any = None

    def ended(self) -> int | None:
        """Its exit status."""
        return self.status


class Cooperating(BaseHTTPRequestHandler):
    """Trims itself at /trim, and knows no other path."""

    def do_POST(self) -> None:
        """Answer."""
        self.send_response(204 if self.path == "/trim" else 404)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Where a cooperating server listens."""
    with HTTPServer(("127.0.0.1", 0), Cooperating) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server.server_port
        server.shutdown()
        serving.join()


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for longer than a test bears."""
    monkeypatch.setattr(trim, "QUIET_S", 0.0)
    monkeypatch.setattr(trim, "SETTLED_S", 0.02)
    monkeypatch.setattr(trim, "LOOK_S", 0.001)


def offered(folder: Path, how: str | None, server: FakeServer) -> list[Event]:
    """The `trimmed` events of an offer."""
    events = EventLog(folder)
    trim.offer_trim(cast("Server", server), how, events, lambda _: None)
    events.close()
    return RunFolder(folder).named("trimmed")


def test_without_a_way_nothing_happens(tmp_path: Path) -> None:
    """GIVEN no --trim THEN there is no event, and no checkpoint."""
    server = FakeServer(FakeVm())
    assert offered(tmp_path, None, server) == []
    assert server.vm.labels == []


def test_a_path_is_posted_to(tmp_path: Path, port: int) -> None:
    """GIVEN a server that trims itself THEN it is asked to, and the checkpoint follows."""
    server = FakeServer(FakeVm(), port)
    (event,) = offered(tmp_path, "/trim", server)
    assert (event.facts["how"], event.facts["ok"], event.facts["reason"]) == ("/trim", True, "")
    assert float(event.text("asked_t")) <= event.t
    assert server.vm.labels == ["trimmed"]


def test_a_path_that_is_not_there_is_told(tmp_path: Path, port: int) -> None:
    """GIVEN a path that answers 404 THEN the trim failed, and why is recorded."""
    (event,) = offered(tmp_path, "/other", FakeServer(FakeVm(), port))
    assert (event.facts["ok"], event.text("reason")) == (False, "POST /other: status 404")


def test_a_server_that_does_not_answer_breaks_nothing(tmp_path: Path) -> None:
    """GIVEN a port where nobody listens THEN the trim failed, and that is all."""
    (event,) = offered(tmp_path, "/trim", FakeServer(FakeVm(), port=1))
    assert event.facts["ok"] is False
    assert "refused" in event.text("reason")


@pytest.mark.parametrize("how", ["/trim", trim.CALL])
def test_a_server_that_has_ended_is_not_touched(tmp_path: Path, how: str) -> None:
    """GIVEN a server that is gone THEN nobody is asked or attached to."""
    (event,) = offered(tmp_path, how, FakeServer(FakeVm([1]), status=3))
    assert (event.facts["ok"], event.text("reason")) == (False, "the server had ended")


def test_every_process_is_trimmed_and_the_server_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a child that cannot be trimmed THEN the others are, and it is named."""
    asked: list[int] = []

    def trim_process(pid: int, within_s: float) -> str | None:
        asked.append(pid)
        return "it has no glibc" if pid == 7 else None

    monkeypatch.setattr(trim, "trim_process", trim_process)
    server = FakeServer(FakeVm([5, 7, 9]), process=type("Process", (), {"pid": 9}))
    (event,) = offered(tmp_path, trim.CALL, server)
    assert asked == [9, 5, 7]
    assert (event.facts["ok"], event.text("reason")) == (True, "7: it has no glibc")


def test_memory_is_waited_for_until_it_has_settled(tmp_path: Path, port: int) -> None:
    """GIVEN memory that falls for some looks THEN the event comes after the last of them."""
    server = FakeServer(FakeVm(looks=[1000, 900, 800, 700, 600, 500]), port)
    offered(tmp_path, "/trim", server)
    assert server.vm.looks == [500]


@pytest.mark.parametrize("how", [None, "malloc_trim", "/trim"])
def test_the_ways_there_are(how: str | None) -> None:
    """GIVEN a way that there is, or none THEN it is taken."""
    assert trim.check_trim(how) == how


@pytest.mark.parametrize("how", ["gdb", "", "trim", "http://127.0.0.1/trim", "/with space", "/ä\n"])
def test_another_way_is_one_line(how: str) -> None:
    """GIVEN anything else THEN it is refused before anything starts, with the ways there are."""
    with pytest.raises(OomproofError, match=r"--trim .* malloc_trim, or a path") as error:
        trim.check_trim(how)
    assert "\n" not in str(error.value)
