"""A reader whose session is written down, over real HTTP: ``reader_script.py URL`` prints its rows as JSON.

In a process of its own, for Locust patches the whole process.
"""

import json
import sys

from locust.contrib.fasthttp import FastHttpSession
from locust.event import EventHook

from loadtests.actions import (
    Abort,
    Action,
    FetchAudio,
    FetchTimings,
    Finished,
    Played,
    Result,
    Unhighlighted,
    WakeAt,
)
from loadtests.chapters import Block, Chapters, Voice
from loadtests.exchange import Exchange
from loadtests.reader import Reader
from loadtests.request_log import Row
from loadtests.speech_shelf import SpeechShelf

VOICE = Voice("alloy", 1.0)
BLOCK = Block(1, 0, "Text.", "hash")
SHELF = SpeechShelf(1_000_000)


class Rows:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[Row] = []

    def write(self, row: Row) -> None:
        """Takes a row."""
        self.written.append(row)


class Written:
    """A session that gives up one of two requests that are not answered when a third one is."""

    timings_live = True
    finished = False

    def start(self, now: float) -> list[Action]:
        """Asks for timings twice, and for a chunk."""
        audio = SHELF.keep(b"an MP3")
        asks = [FetchTimings(n, BLOCK, "whisper", False, now, audio, VOICE) for n in (1, 2)]  # noqa: FBT003
        return [*asks, self._chunk(3, now), WakeAt(now + 60.0)]

    def arrived(self, now: float, result: Result) -> list[Action]:
        """The first chunk: gives up the first; the second chunk: leaves."""
        if result.number == 3:
            heard = Played(BLOCK, now, "chunk", 0.5, "asked")
            dark = Unhighlighted(BLOCK, now, 0.25, never=True)
            return [Abort((1, 99)), heard, dark, self._chunk(4, now), WakeAt(now + 60.0)]
        self.finished = True
        return [Finished()]

    def woke(self, now: float) -> list[Action]:
        """Nothing came: leaves."""
        return self.left(now)

    def left(self, now: float) -> list[Action]:
        """Leaves."""
        self.finished = True
        return []

    def _chunk(self, number: int, now: float) -> FetchAudio:
        return FetchAudio(number, BLOCK, "chunk", 1, now, False, VOICE)  # noqa: FBT003


def main() -> None:
    """Reads, and prints the rows in the order in which they were written."""
    rows = Rows()
    chapters = Chapters("d", "", 1, (VOICE,), "tts-1", ((BLOCK,),))
    hook = EventHook()  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    http = FastHttpSession(sys.argv[1], request_event=hook, user=None, concurrency=10)
    reader = Reader(7, Written(), Exchange(http, rows, 7, chapters), SHELF, rows)  # type: ignore[arg-type]
    reader.read()
    told = [(row.reader, row.kind, row.status, row.source) for row in rows.written]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
