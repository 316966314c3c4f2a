"""What a request costs while its aligner works, and what becomes of it when the server ends."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

# The real server, whose aligners say that they have begun and then never answer.
SERVER = """
import sys
from reference_server import __main__, aligner_programs

aligner = ("sh", "-c", "echo > $BEGUN; exec sleep 600")
programs = aligner_programs.Programs(decoder=("sh", "-c", "exit 0"), aligner=aligner)
aligner_programs.Programs.installed = classmethod(lambda cls, settings: programs)
sys.exit(__main__.main())
"""
AUDIO_BYTES = 460_000
HELD = 20

pytestmark = pytest.mark.slow


@dataclass
class Server:
    """The server's process, how to ask it, and the end of the pipe on which its aligners say hello."""

    process: subprocess.Popen[str]
    port: int
    begun: int
    clients: list[socket.socket] = field(default_factory=list)

    @property
    def rss_bytes(self) -> int:
        """What the server's own process holds now."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def ask(self, text: str) -> None:
        """Send a request for word times, and return once its aligner has begun."""
        audio = list(random.Random(text).randbytes(AUDIO_BYTES))
        body = json.dumps({"text": text, "audio": audio}, separators=(",", ":")).encode()
        head = f"POST /api/whisper HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        self.clients.append(socket.create_connection(("127.0.0.1", self.port), timeout=60))
        self.clients[-1].sendall(head.encode() + body)
        assert os.read(self.begun, 1) == b"\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of its own whose aligners never end."""
    os.mkfifo(tmp_path / "begun")
    begun = os.open(tmp_path / "begun", os.O_RDWR)
    environ = {**os.environ, "PORT": "0", "DOCSTORE_DIR": str(tmp_path / "store")}
    environ["BEGUN"] = str(tmp_path / "begun")
    command = [sys.executable, "-c", SERVER]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        port = next(
            int(found[1]) for line in process.stderr if (found := re.search(r"127\.0\.0\.1:(\d+)", line))
        )
        asked = Server(process, port, begun)
        try:
            yield asked
        finally:
            for child in psutil.Process(process.pid).children() if process.poll() is None else ():
                child.kill()
            process.kill()
            for client in asked.clients:
                client.close()
            os.close(begun)


def test_a_held_request_costs_what_the_real_one_costs(server: Server) -> None:
    """The parsed array and the audio are held, as in the real application, and nothing else of size."""
    server.ask("warm")
    before = server.rss_bytes
    for number in range(HELD):
        server.ask(f"text {number}")
    each_mb = (server.rss_bytes - before) / HELD / 1e6
    sys.stdout.write(f"{each_mb:.2f} MB a held request of {AUDIO_BYTES} bytes of audio\n")
    assert 3.7 <= each_mb <= 5  # 8.1 bytes a number and the audio itself are 4.2


@pytest.mark.parametrize("signals", [1, 2])
def test_the_end_breaks_requests_off_in_one_line(server: Server, signals: int) -> None:
    """GIVEN aligners at work WHEN the server is ended THEN they are gone, it exits with 0, and logs no chain.

    A second signal, from one who does not want to wait, changes nothing of that.
    """
    for number in range(3):
        server.ask(f"text {number}")
    aligners = psutil.Process(server.process.pid).children()
    assert len(aligners) == 3
    server.process.send_signal(signal.SIGINT)
    assert server.process.stderr is not None
    if signals == 2:
        next(line for line in server.process.stderr if "Waiting for" in line)
        server.process.send_signal(signal.SIGINT)
    log = server.process.stderr.read()
    assert server.process.wait(timeout=30) == 0, log
    assert "Traceback" not in log
    assert log.count("are broken off") == 1
    assert not any(child.is_running() for child in aligners)
