"""A locustfile as one would write it first: what a cached reader asks for, in a few lines of Locust.

The same requests an hour as our reader's: a chunk and its timings for each block, then as long as it lasts. It has
no session, no client cache, nothing asked for ahead, and no row on disk. Environment: `MINIMAL_CHAPTERS`, the
chapters file; `MINIMAL_PACE`, how much faster than real time they read.
"""

import os
import random
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import gevent  # type: ignore[import-untyped]  # gevent carries no types
from locust import FastHttpUser, HttpUser, task

from loadtests.chapters import Chapters

BYTES_PER_S = 16_000
"""Of an MP3 of 128 kb/s: how long a block plays, as one would write it who knows the files."""

PACE = float(os.environ.get("MINIMAL_PACE", "1"))


@cache
def queries() -> tuple[str, ...]:
    """Returns the query of each block, in reading order."""
    chapters = Chapters.load(Path(os.environ["MINIMAL_CHAPTERS"]))
    voice = chapters.voices[0]
    settings = {"voice": voice.name, "speed": f"{voice.speed:g}", "model": chapters.model}
    return tuple(
        urlencode(
            {
                "documentId": chapters.document_id,
                "page": block.page,
                "blockIndex": block.block_index,
                **settings,
                "textHash": block.text_hash,
            }
        )
        for block in chapters.chapters[0]
    )


def reading() -> Iterator[str]:
    """Yields the queries of one block after another, from anywhere in the document."""
    start = random.randrange(len(queries()))
    return (queries()[position % len(queries())] for position in count(start))


def plays_s(audio: bytes | None) -> float:
    """Wall seconds that a block plays; as one of a second when none came: a failing server is not asked in a circle."""
    return max(1.0, len(audio or b"") / BYTES_PER_S) / PACE


class MinimalHttpUser(HttpUser):
    """A reader on python-requests."""

    @task
    def read(self) -> None:
        """Reads until the test ends."""
        for query in reading():
            seconds = plays_s(self.client.get(f"/api/tts/chunk?{query}", name="/api/tts/chunk").content)
            self.client.get(f"/api/tts/timings?{query}", name="/api/tts/timings")
            gevent.sleep(seconds)


class MinimalFastHttpUser(FastHttpUser):
    """The same on geventhttpclient."""

    @task
    def read(self) -> None:
        """Reads until the test ends."""
        for query in reading():
            seconds = plays_s(self.client.get(f"/api/tts/chunk?{query}", name="/api/tts/chunk").content)
            self.client.get(f"/api/tts/timings?{query}", name="/api/tts/timings")
            gevent.sleep(seconds)
