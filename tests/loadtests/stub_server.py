"""A stand-in for the document reader and its upstream: their routes over real HTTP, with canned speech.

``python stub_server.py [key=value …]`` prints its port and serves until its stdin closes.
"""

import hashlib
import json
import math
import ssl
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import lameenc

ALIGNMENTS = b'{"alignments":[]}'


def tone_mp3(seconds: float) -> bytes:
    """A tone as MP3 at 128 kb/s."""
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_bit_rate(128)
    encoder.set_in_sample_rate(24000)
    encoder.set_channels(1)
    encoder.set_quality(7)
    samples = [int(8000 * math.sin(i / 20)) for i in range(int(24000 * seconds))]
    return bytes(encoder.encode(struct.pack(f"<{len(samples)}h", *samples)) + encoder.flush())


class Stub(ThreadingHTTPServer):
    """Answers by settings: audio_s, missing (pages), failed, events, ahead, prepare, cut, speech, whisper, slim, tls.

    ``tls`` is a PEM file of key and certificate.
    """

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, settings: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", int(settings.get("port", "0"))), Handler)
        if "tls" in settings:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(settings["tls"])
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.settings = settings
        self.mp3 = tone_mp3(float(settings.get("audio_s", "1")))
        self.asked: list[dict[str, object]] = []
        self.never = threading.Event()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment, or Nagle's algorithm costs 40 ms
    server: Stub

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Keeps stderr clean."""

    def do_PUT(self) -> None:
        """Takes an upload."""
        body = self._body()
        if not body.startswith(b"%PDF"):
            self._json(422, {"code": "NOT_A_DOCUMENT", "message": "is no document"})
            return
        pages = 12
        sha256 = hashlib.sha256(body).hexdigest()
        self._json(201, {"id": "d", "pages": pages, "sha256": sha256, "sizeBytes": len(body)})

    def do_GET(self) -> None:
        """Pages, stored chunks and timings, and what was asked so far."""
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts = url.path.split("/")
        if url.path == "/asked":
            self._json(200, {"asked": self.server.asked})
        elif "pages" in parts:
            self._json(200, {"documentId": "d", "page": int(parts[-2]), "blocks": blocks(int(parts[-2]))})
        elif url.path in {"/api/tts/chunk", "/api/tts/timings"}:
            self.server.asked.append({"path": url.path, **query})
            if query["page"] in self.server.settings.get("missing", "").split("+"):
                self._json(404, {"code": "NO_CHUNK", "message": "no such chunk"})
            elif url.path.endswith("timings"):
                self._send(200, "application/json", ALIGNMENTS)
            else:
                self._send(200, "audio/mpeg", self.server.mp3)
        else:
            self._json(404, {"code": "NOT_FOUND", "message": self.path})

    def do_POST(self) -> None:
        """Live speech and timings, pre-generation, and the upstream's /prepare."""
        settings = self.server.settings
        body = self._body()
        if self.path == "/api/tts":
            self.server.asked.append({"path": self.path, **json.loads(body)})
            if settings.get("speech") == "500":
                self._json(500, {"code": "TTS_GENERATION_FAILED", "message": "as told"})
            elif settings.get("speech") == "html":
                self._send(200, "text/html", b"<html>" + b"x" * 9999)
            else:
                self._send(200, "audio/mpeg", self.server.mp3)
        elif self.path == "/api/whisper":
            asked: dict[str, object] = {"path": self.path, "bytes": len(body)}
            if settings.get("slim") is None:  # parsing 1.7 MB is left out where CPU is measured
                value = json.loads(body)
                asked |= {"text": value["text"], "whole": bytes(value["audio"]) == self.server.mp3}
            self.server.asked.append(asked)
            if settings.get("whisper") == "never":
                self.server.never.wait()
            self._send(200, "application/json", ALIGNMENTS)
        elif self.path == "/prepare" and settings.get("prepare") != "none":
            inputs = json.loads(body)["inputs"]
            self.server.asked.append({"path": self.path, "inputs": len(inputs)})
            self._json(200, {"prepared": len(inputs), "bytes": 1, "audio_s": 1})
        elif self.path == "/api/tts/preprocess":
            self._preprocess(json.loads(body))
        else:
            self._json(404, {"code": "NOT_FOUND", "message": self.path})

    def _preprocess(self, job: dict[str, object]) -> None:
        self.server.asked.append({"path": self.path, **job})
        if "text/event-stream" not in self.headers.get("Accept", ""):
            self._answer_ask()
            return
        failed = int(self.server.settings.get("failed", "0"))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        states: list[dict[str, object]] = [
            {"state": "running", "done": n, "total": 4, "failed": 0} for n in (0, 2)
        ]
        if "reason" in self.server.settings:
            reason = self.server.settings["reason"]
            states.append({"state": "failed", "done": 2, "total": 4, "failed": 0, "message": reason})
        elif self.server.settings.get("events") != "broken":
            states.append(
                {"state": "failed" if failed else "done", "done": 4 - failed, "total": 4, "failed": failed}
            )
        failures = [{"page": 1, "blockIndex": at, "message": "No\nspeech."} for at in range(failed)]
        for state in states:
            if state is states[-1]:
                for failure in failures:
                    self.wfile.write(f"event: failed\r\ndata: {json.dumps(failure)}\r\n\r\n".encode())
            self.wfile.write(f": heartbeat\n\ndata: {json.dumps(state)}\n\n".encode())
            self.wfile.flush()

    def _answer_ask(self) -> None:
        ahead = self.server.settings.get("ahead", "202")
        if ahead == "never":
            self.server.never.wait()
        if ahead == "cut":
            self.close_connection = True
            return
        self._json(int(ahead), {"documentId": "d", "state": "running", "done": 0, "total": 4, "failed": 0})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            self.send_error(411)
            return b""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _json(self, status: int, value: object) -> None:
        self._send(status, "application/json", json.dumps(value).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.settings.get("cut") == "1" and content_type == "audio/mpeg":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        self.wfile.write(body)


def blocks(page: int) -> list[dict[str, object]]:
    """Three blocks a page; every fourth page has none."""
    texts = [f"Page {page}, block {index}." for index in range(3)] if page % 4 else []
    return [
        {"blockIndex": index, "text": text, "textHash": hashlib.sha256(text.encode()).hexdigest()}
        for index, text in enumerate(texts)
    ]


def main() -> None:
    """Serves until stdin closes."""
    server = Stub(dict(word.split("=", 1) for word in sys.argv[1:]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
