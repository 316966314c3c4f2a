"""A webhook hears of alarms, or it is told why not."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from profiles.soak.web import Place
from profiles.soak.webhook import Webhook


def test_an_alarm_is_posted_as_json_and_a_refusal_is_told() -> None:
    """GIVEN a hook that takes one, refuses one, leads elsewhere THEN one arrives whole, and no failure has a path."""
    arrived: list[tuple[str, object]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            arrived.append((self.headers["Content-Type"], body))
            self.send_response((200, 503, 308)[len(arrived) - 1])
            self.send_header("Location", "https://hooks.test/geheim")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        webhook = Webhook(Place(f"http://127.0.0.1:{server.server_port}/hook?key=geheim"))
        webhook.tell({"alarm": "memory", "value": 1.5})
        webhook.tell({"alarm": "restarts"})
        webhook.tell({"alarm": "silence"})
        webhook.close()
        server.shutdown()
    assert arrived[0] == ("application/json", {"alarm": "memory", "value": 1.5})
    assert webhook.failures() == ["status 503", "status 308"]
    assert webhook.failures() == []
