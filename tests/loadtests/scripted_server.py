"""A document reader that answers as a trace says, over real HTTP: ``scripted_server.py TRACE.json NAME PACE``.

Prints its port, and serves until its stdin closes. ``GET /asked`` tells what it was asked, in order of arrival.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from stub_server import (  # type: ignore[import-not-found]  # it lies beside this script
    ALIGNMENTS,
    tone_mp3,
)

ROUTES = {
    "/api/tts": "tts",
    "/api/tts/chunk": "chunk",
    "/api/tts/timings": "timings",
    "/api/whisper": "whisper",
}


class Scripted(ThreadingHTTPServer):
    """Answers each route's requests for a block with what its trace holds for them, in order."""

    daemon_threads = True

    def __init__(self, events: list[dict[str, Any]], pace: float) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pace = pace
        self.lock = threading.Lock()
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for event in events:
            if "ask" in event:
                self.answers.setdefault((event["ask"], event["block"]), []).append(event["answer"])
        lengths_s = {event["answer"].get("speech_s") for event in events if "ask" in event} - {None}
        self.mp3 = {length_s: tone_mp3(length_s) for length_s in lengths_s}


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    server: Scripted

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Keeps stderr clean."""

    def do_GET(self) -> None:
        """Chunks, timings, and what was asked."""
        url = urlsplit(self.path)
        if url.path == "/asked":
            self._send(200, json.dumps(self.server.asked).encode())
            return
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self._answer(ROUTES[url.path], f"{query['page']}.{query['blockIndex']}")

    def do_POST(self) -> None:
        """Live speech and timings; a block is known by its text."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(ROUTES[self.path], body["text"])

    def _answer(self, route: str, block: str) -> None:
        with self.server.lock:
            self.server.asked.append((route, block))
            answer = self.server.answers[(route, block)].pop(0)
        time.sleep(answer["after_s"] / self.server.pace)  # the latency that the trace gives
        if "speech_s" in answer:
            self._send(200, self.server.mp3[answer["speech_s"]])
        elif answer.get("timings"):
            self._send(200, ALIGNMENTS)
        else:
            self._send(answer.get("failed", 500), b"{}")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serves until stdin closes."""
    trace, name, pace = sys.argv[1:]
    server = Scripted(json.loads(Path(trace).read_text())[name]["events"], float(pace))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
