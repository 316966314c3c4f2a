"""The listening socket when descriptors run short, under a limit of its own process."""

import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

SMALL = 200
COMMAND = ["sh", "-c", f'ulimit -n {SMALL}; exec "$0" -m reference_server', sys.executable]

OUT_OF_PLACE = """
import json, resource, socket, sys
from reference_server.listener import Listener, allow_open_files

resource.setrlimit(resource.RLIMIT_NOFILE, (40, 80))
listener = Listener(fileno=socket.create_server(("127.0.0.1", 0)).detach())
held, refused = [], 0
for _ in range(100):
    held.append(socket.create_connection(listener.getsockname()))
    try:
        held.append(listener.accept()[0])
    except ConnectionAbortedError:
        refused = held.pop().recv(1) == b""
        break
highest = max(end.fileno() for end in held)
allow_open_files(60)
raised = resource.getrlimit(resource.RLIMIT_NOFILE)
held.append(socket.create_connection(listener.getsockname()))
held.append(listener.accept()[0])
allow_open_files(1000)
most = resource.getrlimit(resource.RLIMIT_NOFILE)
allow_open_files(10)
print(json.dumps([refused, highest, raised, most, resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""


def test_a_quarter_of_the_descriptors_is_kept() -> None:
    """GIVEN a limit of 40 open files WHEN clients go on connecting THEN from the thirtieth on they are closed."""
    done = subprocess.run([sys.executable, "-c", OUT_OF_PLACE], capture_output=True, text=True, check=True)
    refused, highest, raised, most, at_last = json.loads(done.stdout)
    assert refused
    assert highest == 29
    assert (raised, most, at_last) == ([60, 80], [80, 80], [80, 80])
    assert done.stderr.count("too many connections for the limit of 40 open files") == 1


@pytest.mark.slow
def test_a_flood_of_connections_fills_no_log_and_the_server_answers_those_it_has(tmp_path: Path) -> None:
    """GIVEN more connections than descriptors WHEN one that came in time asks THEN it is served, from the disk too."""
    environ = {**os.environ, "PORT": "0", "DOCSTORE_DIR": str(tmp_path), "HEADER_TIMEOUT_S": "2"}
    with subprocess.Popen(COMMAND, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "listening on" in line)
            port = int(re.findall(r":(\d+)$", line)[0])
            clients = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(2 * SMALL)]
            clients[0].sendall(b"GET /api/health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
            assert clients[0].recv(4096).startswith(b"HTTP/1.1 200 ")
            for client in clients:  # those that were not closed at once have their time for a head
                while client.recv(4096):
                    pass
                client.close()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/documents", timeout=20) as answer:
                assert answer.status == 200
        finally:
            process.terminate()
        log = process.stderr.read()
    assert "Traceback" not in log
    assert log.count("too many connections") == 1
