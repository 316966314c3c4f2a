"""A server in an environment of its own does all its work once: reads a document, makes it ahead, times it live."""

from __future__ import annotations

import json

from tests.browser.documents import short_pages
from tests.server_process import ServerProcess

_VOICE = {"voice": "alloy", "speed": 1, "model": "tts-1"}


def read_ahead_and_live(server: ServerProcess) -> None:
    """Make two pages of a PDF ahead and read a sentence live, each with its words; every program of the server runs."""
    server.upload("book", short_pages(2))
    job = server.preprocess("book", "all")
    job.finish()
    assert (job.last["state"], job.last["done"], job.last["failed"]) == ("done", 2, 0), job.last
    place = "documentId=book&page=2&blockIndex=0"
    chunk = server.ask("GET", f"/api/tts/chunk?{place}")
    assert (chunk.status, chunk.headers["content-type"]) == (200, "audio/mpeg")
    timings = server.ask("GET", f"/api/tts/timings?{place}")
    assert {"window", "house"} <= set(_words(timings.json)), timings

    spoken = {"text": "The river behind the house is here.", **_VOICE}
    live = server.ask("POST", "/api/tts", json.dumps(spoken).encode())
    assert live.status == 200, live
    asked = {"text": spoken["text"], "audio": list(live.body)}
    heard = server.ask("POST", "/api/whisper", json.dumps(asked).encode())
    assert heard.status == 200, heard
    assert {"river", "house"} <= set(_words(heard.json)), heard


def _words(answer: dict[str, object]) -> list[str]:
    alignments = answer["alignments"]
    assert isinstance(alignments, list)
    return [word["text"].strip(".,:").lower() for sentence in alignments for word in sentence["words"]]
