"""Servers that are ended with all they started, and whose end is told in one line; real processes throughout."""

import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from profiles import processes
from profiles.errors import OomproofError, RunError
from profiles.local_servers import LocalServer, ending_orphans, started, watch
from profiles.progress import Progress

ALIVE = """
import http.server, sys
class Alive(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"ok": true}')
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Alive).serve_forever()
"""
LEAVES_ONE_BEHIND = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
print(child.pid, flush=True)
import os
os._exit(0)
"""


def python(code: str, *arguments: object) -> list[str]:
    """A command that runs this code."""
    return [sys.executable, "-c", code, *map(str, arguments)]


@pytest.fixture
def progress() -> Progress:
    """Progress that is shown to nobody."""
    return Progress(Console(file=StringIO()))


def ended(command: list[str], log: Path) -> LocalServer:
    """A server that has ended already."""
    process = processes.start(command, log)
    process.wait()
    return LocalServer("server", "http://127.0.0.1:1", "/health", process, log)


def test_a_server_is_awaited_and_ended(tmp_path: Path, progress: Progress) -> None:
    """GIVEN a server WHEN it answers THEN it is given, runs on, and is gone afterwards."""
    port = processes.free_port()
    with started("server", port, "/", python(ALIVE, port), tmp_path / "log", os.environ, progress) as server:
        assert server.url == f"http://127.0.0.1:{port}"
        server.check()
        assert server.process.poll() is None
    assert server.process.poll() is not None


def test_a_server_that_ends_before_it_answers_is_told(tmp_path: Path, progress: Progress) -> None:
    """GIVEN a server that ends at once THEN its last words are the reason."""
    command = python("raise SystemExit('the model is missing.')")
    with (
        pytest.raises(RunError, match=r"^server: ended with status 1: the model is missing\. See .*log\.$"),
        started("server", processes.free_port(), "/", command, tmp_path / "log", os.environ, progress),
    ):
        pytest.fail("it was given although it never lived")


def test_a_server_that_never_answers_is_ended(
    tmp_path: Path, progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a server that does not listen in time THEN that is told with its address, and it is gone."""
    monkeypatch.setattr("profiles.local_servers.START_WITHIN_S", 0.0)
    with (
        pytest.raises(RunError, match=r"server: no answer on http://127\.0\.0\.1:\d+ within 0 s\."),
        started(
            "server",
            processes.free_port(),
            "/",
            python("import signal; signal.pause()"),
            tmp_path / "log",
            os.environ,
            progress,
        ),
    ):
        pytest.fail("it was given although it never answered")
    assert not [child for child in psutil.Process().children() if "signal.pause" in " ".join(child.cmdline())]


def test_a_refused_setting_is_a_mistake_and_no_broken_part(tmp_path: Path) -> None:
    """GIVEN exit status 2 THEN the server's own line is the message, as for any other wrong use."""
    server = ended(
        python("import sys; print('PORT: is none.', file=sys.stderr); sys.exit(2)"), tmp_path / "log"
    )
    with pytest.raises(OomproofError, match=r"^server: PORT: is none\.$") as caught:
        server.check()
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (signal.SIGKILL, "was killed by SIGKILL: the kernel does that out of memory"),
        (signal.SIGUSR1, "was killed by SIGUSR1: by whom is not known"),
    ],
)
def test_a_killed_server_is_named_with_its_signal(tmp_path: Path, number: signal.Signals, why: str) -> None:
    """GIVEN a server that a signal ended THEN the watch over all ends with that, exit code 4."""
    server = ended(python(f"import os; os.kill(os.getpid(), {int(number)})"), tmp_path / "log")
    with pytest.raises(RunError, match=f"^server: {why}") as caught:
        watch([server])
    assert caught.value.exit_code == 4


def test_what_a_dead_server_leaves_behind_ends_too() -> None:
    """GIVEN a child in a session of its own WHEN its parent is gone THEN it is ended, and nobody else is."""
    with subprocess.Popen(python("input()"), stdin=subprocess.PIPE) as bystander:
        with ending_orphans():
            answer = subprocess.run(python(LEAVES_ONE_BEHIND), capture_output=True, check=True, text=True)
            orphan = psutil.Process(int(answer.stdout))
            assert orphan.is_running()
        assert not orphan.is_running()
        assert bystander.poll() is None
        bystander.kill()
