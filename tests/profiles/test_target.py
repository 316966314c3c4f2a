"""A server of anybody's, started: what is said when it does not serve. No VM is needed for that."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from profiles import processes, target
from profiles.errors import OomproofError, RunError
from profiles.event_log import EventLog
from profiles.target import Server
from profiles.vm_size import VmSize
from profiles.walls import Reading

SERVES = (
    "import http.server, os; http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), "
    "http.server.SimpleHTTPRequestHandler).serve_forever()"
)


class Outside:
    """No VM: what is started runs as it is."""

    def __init__(self) -> None:
        self.emptied = 0
        self.walls, self.size = self, VmSize(64, 1, 1.0)
        self.oom_kills: int | None = 0

    def start_server(self, command: Sequence[str], log: Path, environment: dict[str, str]) -> Any:
        """Start it."""
        return processes.start(command, log, environment=environment)

    def read(self) -> Reading:
        """Nothing is known but the kills."""
        return Reading(oom_kills=self.oom_kills)

    def empty(self) -> None:
        """Counted."""
        self.emptied += 1


Start = Callable[..., Server]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Start]:
    """A function that makes a server of a command; it is ended with the test."""
    events, made = EventLog(tmp_path), list[Server]()

    def make(*command: str, health: str = "/") -> Server:
        port = processes.free_port()
        vm: Any = Outside()
        settings = {"PORT": str(port), "MINE": "yes"}
        made.append(Server(vm, list(command), port, tmp_path / "server.log", settings, events, health=health))
        return made[-1]

    yield make
    for found in made:
        found.stop()
    events.close()


def test_a_server_of_anybody_s_is_up_when_it_answers(tmp_path: Path, server: Start) -> None:
    """GIVEN a server that reads PORT THEN it is ready once its path is answered; started, ready, its pid."""
    started = server(sys.executable, "-c", SERVES)
    started.start()
    assert started.pid is not None
    started.stop()
    events = [json.loads(line)["event"] for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert events == ["started", "ready", "stopped"]


def test_a_server_that_ends_at_once_is_told_with_its_last_line(server: Start) -> None:
    """GIVEN a server that says why and ends THEN one line with its status and that."""
    ends = server(sys.executable, "-c", "print('no such config'); raise SystemExit(4)")
    with pytest.raises(
        RunError, match=r"^server: ended with status 4 while starting: no such config\. See .*log"
    ):
        ends.start()


@pytest.mark.parametrize(
    ("oom_kills", "said"),
    [
        (1, "killed for memory while starting, in 64 MB. Give it more --memory."),
        (0, "ended with status -9 while starting: it said nothing. See "),
        (None, "ended with status -9 while starting: it said nothing. See "),
    ],
)
def test_a_server_too_large_to_start_is_told_with_the_way_out(
    tmp_path: Path, server: Start, monkeypatch: pytest.MonkeyPatch, oom_kills: int | None, said: str
) -> None:
    """GIVEN SIGKILL before it answers THEN memory is blamed where a kill was counted, and its end is on record."""
    monkeypatch.setattr(target, "RECORDED_WITHIN_S", 0.0)
    large = server(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    vm: Any = large.vm
    vm.oom_kills = oom_kills
    with pytest.raises(RunError) as caught:
        large.start()
    assert said in str(caught.value)
    assert '"event": "exited", "returncode": -9' in (tmp_path / "events.jsonl").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "health", "why"),
    [
        ("print('up', flush=True); import time; time.sleep(60)", "/", "refused"),
        (f"print('up', flush=True); {SERVES}", "/nothing/here", "status 404"),
    ],
)
def test_a_server_that_never_serves_is_told_with_the_way_out(
    server: Start, monkeypatch: pytest.MonkeyPatch, code: str, health: str, why: str
) -> None:
    """GIVEN a server that listens nowhere, or answers something else THEN one line says so, and what to set."""
    monkeypatch.setattr(target, "START_WITHIN_S", 3.0)
    silent = server(sys.executable, "-c", code, health=health)
    with pytest.raises(RunError) as caught:
        silent.start()
    line = str(caught.value)
    assert why in line
    assert f"must listen on PORT ({silent.port})" in line
    assert "\n" not in line


def test_what_cannot_be_executed_is_a_mistake(tmp_path: Path, server: Start) -> None:
    """GIVEN a script without its first line THEN one line, and the way out."""
    script = tmp_path / "script"
    script.write_text("hello\n")
    script.chmod(0o755)
    with pytest.raises(OomproofError, match=r"script: Exec format error\. Name its interpreter\.$"):
        server(str(script)).start()


def test_a_server_knows_its_settings_and_little_else(
    tmp_path: Path, server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a variable of our shell THEN the server does not have it; it has PATH, and what was set for it."""
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    names = "import os; print(*sorted(os.environ), sep='\\n', flush=True); raise SystemExit(1)"
    with pytest.raises(RunError):
        server(sys.executable, "-c", names).start()
    known = (tmp_path / "server.log").read_text().split()
    assert {"PORT", "MINE", "PATH"} <= set(known)
    assert "SECRET_OF_OURS" not in known


def test_a_restart_empties_the_vm_first(server: Start) -> None:
    """GIVEN a server that ended WHEN it is restarted THEN the VM was emptied, and it is up again."""
    found = server(sys.executable, "-c", SERVES)
    found.start()
    first = found.pid
    assert found.process is not None
    found.process.kill()
    found.process.wait()
    assert found.ended() == -9
    found.restart()
    vm: Any = found.vm
    assert (vm.emptied, found.restarts) == (1, 1)
    assert found.pid != first
    while not found.became_ready():
        assert found.ended() is None
        os.sched_yield()
