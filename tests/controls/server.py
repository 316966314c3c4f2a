"""A small server that does to memory what it is told: how the instrument is tested.

`python server.py PORT` answers /api/health. GET /grow?mb=N touches N MB for good; GET /child?mb=N starts a
child that does; GET /ramp?mb_per_s=N&s=S touches N MB a second, steadily, for S seconds; GET /exit?status=N ends
the server; the children outlive it.
"""

import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

MIB = 1024 * 1024
held: list[bytearray] = []
CHILD = (
    "import sys, time\nheld = []\n"
    "for _ in range(int(sys.argv[1])): held.append(bytearray(b'x') * 1048576)\n"
    "print('full', flush=True)\ntime.sleep(600)\n"
)


def ramp(mb_per_s: int, seconds: int) -> None:
    """Touch as many MB a second, one after the other."""
    began, count = time.monotonic(), 0
    while (elapsed_s := time.monotonic() - began) < seconds:
        if count < mb_per_s * elapsed_s:
            held.append(bytearray(b"x") * MIB)
            count += 1
        else:
            time.sleep(0.5 / mb_per_s)


class Handler(BaseHTTPRequestHandler):
    """Obeys one request."""

    def do_GET(self) -> None:
        """Do what the path says, then answer."""
        parts = urlsplit(self.path)
        query = {key: int(values[0]) for key, values in parse_qs(parts.query).items()}
        if parts.path == "/exit":
            os._exit(query["status"])
        if parts.path == "/grow":
            held.extend(bytearray(b"x") * MIB for _ in range(query["mb"]))
        if parts.path == "/ramp":
            ramp(query["mb_per_s"], query["s"])
        if parts.path == "/child":
            child = subprocess.Popen([sys.executable, "-c", CHILD, str(query["mb"])], stdout=subprocess.PIPE)
            assert child.stdout is not None
            child.stdout.readline()
        body = b'{"ok": true, "status": "healthy"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
        """Say nothing."""


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
