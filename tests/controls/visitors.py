"""A small load of kind `command`: some visitors, each a session of requests after the other, until the time is over.

`python visitors.py SECONDS` visits OOMPROOF_URL and writes a row a request, and one at each session's end, to
OOMPROOF_REQUESTS. A server that is gone or does not answer makes failed rows, and never a failed load.
"""

import contextlib
import http.client
import os
import random
import sys
import threading
import time
from urllib.parse import urlsplit

VISITORS = 4
REQUESTS = 5
"""Of a session."""
PAUSE_S = 0.05
ANSWER_WITHIN_S = 5.0
"""Longer than a starved machine needs; who gets no answer leaves."""
HEADER = "t,reader,kind,status,bytes,latency_s,late_s,source\n"


class Visitor:
    """One visitor, who keeps a connection."""

    def __init__(self, number: int, log: int) -> None:
        self.number = number
        self.random = random.Random(f"{os.environ.get('OOMPROOF_SEED', '1')} {number}")
        self._log = log
        self._host = urlsplit(os.environ["OOMPROOF_URL"]).netloc
        self._connection: http.client.HTTPConnection | None = None

    def visit(self, until: float) -> None:
        """Play sessions until monotonic time `until`; one that has begun is played to its end."""
        time.sleep(self.random.uniform(0, PAUSE_S * REQUESTS))
        while time.monotonic() < until:
            if all(self.ask(last=i == REQUESTS - 1) for i in range(REQUESTS)):
                self.write(time.monotonic(), "session", 200, 0, None)

    def ask(self, *, last: bool) -> bool:
        """Ask once, write the row, and pause; return whether there was an answer."""
        sent = time.monotonic()
        status, size = 0, 0
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection(self._host, timeout=ANSWER_WITHIN_S)
            self._connection.request("GET", f"/work?last={int(last)}")
            answer = self._connection.getresponse()
            status, size = answer.status, len(answer.read())
        except (OSError, http.client.HTTPException):
            self.close()
        self.write(sent, "work", status, size, time.monotonic() - sent)
        time.sleep(self.random.uniform(0.5, 1.5) * PAUSE_S)
        return status == 200

    def write(self, t: float, kind: str, status: int, size: int, latency_s: float | None) -> None:
        """Append a row, whole."""
        latency = "" if latency_s is None else f"{latency_s:.4f}"
        os.write(self._log, f"{t:.4f},{self.number},{kind},{status},{size},{latency},,\n".encode())

    def close(self) -> None:
        """Give up the connection."""
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
        self._connection = None


def main(seconds: float) -> None:
    """Let them all visit, and wait for the last."""
    log = os.open(os.environ["OOMPROOF_REQUESTS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.write(log, HEADER.encode())
    until = time.monotonic() + seconds
    visits = [
        threading.Thread(target=Visitor(number, log).visit, args=(until,)) for number in range(VISITORS)
    ]
    for visit in visits:
        visit.start()
    for visit in visits:
        visit.join()


if __name__ == "__main__":
    main(float(sys.argv[1]))
