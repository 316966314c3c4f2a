"""The page of the recorder's benchmark, and the client that it measures with."""

import threading
from collections.abc import Iterator
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from benchmarks.closed_loop import RATE_PER_S, latencies_us
from benchmarks.pairs import Pair, cost
from benchmarks.recorder import main
from benchmarks.recorder_page import markdown

PAIRS = [Pair([110.0, 120.0], [100.0, 110.0], 0.0061, 18.25)]
RESULT = {
    "created_at": "2026-11-23T08:00:00+00:00",
    "command": "python -m benchmarks.recorder",
    "commit": "abc",
    "machine": {"cpu_model": None, "cpus": 2, "memory_mb": 24105, "kernel": "6.1", "python": "3.11"},
    "backend": "cgroup v1",
    "load_average": 0.25,
    "rate_per_s": 250,
    "window_s": 4,
    "cases": [
        asdict(cost("noise", 0, 1, [Pair([100.0, 110.0], [100.0, 110.0], None, None)])),
        asdict(cost("10 Hz", 10, 40, PAIRS)),
    ],
}


def test_the_page_has_a_column_a_case_and_the_conditions() -> None:
    """GIVEN two cases THEN both stand beside each other, under what they were measured on."""
    page = markdown(RESULT)
    assert "|  | noise | 10 Hz |" in page
    assert "| - | 0.61 % / 0.61 % |" in page
    assert "| 1.000 (1.000 to 1.000) | 1.095 (1.095 to 1.095) |" in page
    assert "2 cores (unknown model), 24,105 MB, Linux 6.1" in page
    assert "load average before: 0.2" in page


class Handler(BaseHTTPRequestHandler):
    """Answers what its server was told to."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with a body."""
        self.send_response(200 if self.path == "/ok" else 503)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """A server on this machine."""
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_client_asks_at_its_rate_and_no_faster(server: str) -> None:
    """GIVEN a quick server THEN the client asks at most at its rate, and has a latency for each answer."""
    found = latencies_us(f"{server}/ok", 0.2)
    assert 1 <= len(found) <= 0.2 * RATE_PER_S + 1
    assert all(latency > 0 for latency in found)


def test_an_answer_that_is_none_ends_the_client(server: str) -> None:
    """GIVEN a server that refuses THEN that is no latency."""
    with pytest.raises(OSError, match="answered 503"):
        latencies_us(f"{server}/no", 0.2)


@pytest.mark.parametrize("arguments", [["--pairs", "0"], ["--seconds", "x"], ["--what"]])
def test_wrong_use_measures_nothing(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """GIVEN what makes no sense THEN it is said, with the exit code of wrong use."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err
