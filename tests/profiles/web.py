"""A web server for tests, on loopback, that answers what it is told."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    """Return an answer with that status and body."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


class Web:
    """What is served, and the requests that came; `answer` may be changed at any time."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[dict[str, str]] = []
        self.url = ""


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[Web]:
    """Serve until the block ends."""
    web = Web(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.seen.append({**dict(self.headers.items()), "path": self.path})
            with contextlib.suppress(OSError):  # the one who asked has gone
                web.answer(self)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        web.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()
