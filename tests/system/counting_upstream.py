"""A speech upstream with a record: real speech, the same bytes for the same text, and every call on file.

`python counting_upstream.py CALLS.jsonl SHORTEST_S LONGEST_S` prints its port and serves until its stdin closes.
Each call writes a line when it begins and one when its answer is made: `{"event": "begun" | "made", "key": …,
"text": …, "sha256": …}`. The key is what the caller sent as its API key, so calls are told apart by caller
whenever they are read. An answer takes at least a time between the two given, drawn from its text.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import sys
import threading
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from loadtests.speech import SpeechMemo, SpeechOrder

_MEMO_BYTES = 1024**3


class _Record:
    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, event: str, key: str, text: str, sha256: str = "") -> None:
        line = json.dumps({"event": event, "key": key, "text": text, "sha256": sha256})
        os.write(self._descriptor, line.encode() + b"\n")


def _app(record: _Record, shortest_s: float, longest_s: float) -> Starlette:
    memo = SpeechMemo(_MEMO_BYTES)

    async def speak(request: Request) -> Response:
        try:
            fields = await request.json()
        except ClientDisconnect:  # the server was killed while it asked: not a call
            return Response(status_code=499)
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        text = fields["input"]
        record.write("begun", key, text)
        wait = asyncio.create_task(asyncio.sleep(random.Random(text).uniform(shortest_s, longest_s)))
        speech = await memo.speech(SpeechOrder(text, fields["voice"], float(fields["speed"])))
        await wait
        record.write("made", key, text, hashlib.sha256(speech.content).hexdigest())
        return Response(speech.content, media_type="audio/mpeg")

    return Starlette(routes=[Route("/v1/audio/speech", speak, methods=["POST"])])


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup()
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Serve as the command line says."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    app = _app(_Record(Path(sys.argv[1])), float(sys.argv[2]), float(sys.argv[3]))
    config = uvicorn.Config(app, port=0, loop="asyncio", ws="none", log_level="error", access_log=False)
    _Server(config).run()


if __name__ == "__main__":
    main()
