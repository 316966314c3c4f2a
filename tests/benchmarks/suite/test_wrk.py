"""wrk, and the script that it is given."""

import json
import os
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.suite.wrk import Answers, Load, ask, find_wrk, read_answers, wrk_version
from benchmarks.suite.wrk_script import Request, write_script

TOLD = {
    "requests": 100,
    "bytes": 50_000,
    "duration_us": 2_000_000,
    "p50_us": 1500,
    "p99_us": 9000,
    "refused": 0,
    "connect": 0,
    "read": 3,
    "write": 0,
    "timeout": 0,
}


def said(**changed: int) -> str:
    """What wrk prints, with its own lines before the script's."""
    return f"Running 2s test\n  Latency 1ms\nRequests/sec: 50.00\n\n{json.dumps({**TOLD, **changed})}\n"


def test_what_it_tells_is_read_with_its_units() -> None:
    """GIVEN what the script prints THEN times are in seconds and milliseconds, and only errors that were are named."""
    assert read_answers(said()) == Answers(100, 50_000, 2.0, 1.5, 9.0, {"read": 3})


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("unable to connect", "told nothing that can be read: 'unable to connect'"),
        ("{ cut off", "told nothing that can be read"),
        (said(refused=7), "7 of 100 requests were refused"),
        (said(requests=0), "no request was answered"),
    ],
)
def test_what_is_no_measurement_is_an_error(output: str, why: str) -> None:
    """GIVEN no line of the script's, or refusals, or nothing answered THEN there are no figures."""
    with pytest.raises(BenchmarkError, match=why):
        read_answers(output)


def test_the_script_names_every_request_with_its_headers(tmp_path: Path) -> None:
    """GIVEN two requests THEN each is a line of the script, quotes in a header kept."""
    write_script(tmp_path / "s.lua", [Request("/a?b=1", {"If-None-Match": '"x"'}), Request("/c", {})])
    text = (tmp_path / "s.lua").read_text()
    assert '  {"/a?b=1", {["If-None-Match"] = "\\"x\\""}},\n  {"/c", {}}\n' in text


class Handler(BaseHTTPRequestHandler):
    """Answers 200 with what it was asked for, or 404."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the tag that was named, and remember the path."""
        ASKED.append((self.path, self.headers["If-None-Match"]))
        self.send_response(200 if self.path.startswith("/ok") else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


ASKED: list[tuple[str, str | None]] = []


@pytest.fixture
def url() -> Iterator[str]:
    """A server on this machine."""
    ASKED.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def load() -> Load:
    """One second of wrk; CI installs it, on other machines it may be missing."""
    program = shutil.which("wrk") or (find_wrk(print) if os.environ.get("CI") else None)
    if program is None:
        pytest.skip("there is no wrk here: apt-get install wrk")
    return Load(program, 1, min(os.sched_getaffinity(0)))


@pytest.mark.slow
def test_wrk_asks_what_the_script_says_in_turn(url: str, load: Load, tmp_path: Path) -> None:
    """GIVEN two requests WHEN wrk asks for a second THEN they take turns, headers and all, and are counted right."""
    write_script(tmp_path / "s.lua", [Request("/ok?1", {"If-None-Match": '"1"'}), Request("/ok?2", {})])
    looks: list[None] = []
    answers = ask(load, url, tmp_path / "s.lua", connections=1, meanwhile=lambda: looks.append(None))
    assert set(ASKED[:2]) == {("/ok?1", '"1"'), ("/ok?2", None)}
    assert ASKED[2:4] == ASKED[:2]
    assert len(ASKED) - 1 <= answers.requests <= len(ASKED)
    assert answers.read_bytes > 2 * answers.requests
    assert 0 < answers.p50_ms <= answers.p99_ms
    assert answers.errors == {}
    assert looks
    assert wrk_version(load.program) != "unknown"


@pytest.mark.slow
def test_refusals_are_no_measurement(url: str, load: Load, tmp_path: Path) -> None:
    """GIVEN a server that has nothing WHEN wrk asks THEN that is an error, with their number."""
    write_script(tmp_path / "s.lua", [Request("/nothing", {})])
    with pytest.raises(BenchmarkError, match="were refused"):
        ask(load, url, tmp_path / "s.lua", connections=1)


@pytest.mark.slow
def test_no_server_is_told_in_one_line(load: Load, tmp_path: Path) -> None:
    """GIVEN nobody who listens THEN the error says what wrk says."""
    write_script(tmp_path / "s.lua", [Request("/", {})])
    with pytest.raises(BenchmarkError, match=r"wrk: ended with 1: .*unable to connect"):
        ask(load, "http://127.0.0.1:9", tmp_path / "s.lua", connections=1)
