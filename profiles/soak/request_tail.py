"""Follows `requests.csv` as the readers write it, and counts: nothing that grows with the hours is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from profiles.listeners import wait_of
from profiles.request_figures import AUDIO_KINDS, failed
from profiles.run_folder import Request

MOST_BYTES = 16 * 1024 * 1024
"""So much is read at one look: some minutes of thousands of readers. What is left comes with the next."""
LAST_BYTES = 4 * 1024 * 1024
"""More than some thousands of readers write between two looks."""


@dataclass
class Counts:
    """What ended since the last look: requests for audio, blocks in turn; `served_t` is when audio last came.

    Of those that failed `unanswered` had no HTTP answer.
    """

    audio: int = 0
    failed: int = 0
    unanswered: int = 0
    blocks: int = 0
    stalls: int = 0
    served_t: float | None = None
    highest_reader: int = -1

    def in_own_gap(self) -> Counts:
        """Return the counts of a time in which our own network was gone: what had no answer counts for nothing."""
        return replace(
            self, audio=self.audio - self.unanswered, failed=self.failed - self.unanswered, unanswered=0
        )


class RequestTail:
    """Counts what came since the last look. It begins at the file's end: what is there was counted before."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0

    def look(self) -> Counts:
        """Return what came."""
        counts = Counts()
        for line in self._lines():
            row = _row(line)
            if row is not None:
                _count(counts, row)
        return counts

    def _lines(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                stop = self._offset + MOST_BYTES
                while self._offset < stop and (line := file.readline()).endswith(b"\n"):
                    self._offset += len(line)
                    yield line
        except FileNotFoundError:
            return


def highest_reader(path: Path) -> int:
    """Return the highest number among the readers of the last rows; -1 where there is none."""
    counts = Counts()
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LAST_BYTES))
            lines = file.read().split(b"\n")
    except FileNotFoundError:
        return -1
    for row in map(_row, lines[1:]):  # the first may begin in its middle, or is the heading
        if row is not None:
            _count(counts, row)
    return counts.highest_reader


def _row(line: bytes) -> Request | None:
    cells = line.decode("utf-8", "replace").rstrip("\n").split(",")
    try:
        t, reader, kind, status, size, latency, late, source = cells
        return Request(
            float(t), reader, kind, int(status), int(size),
            float(latency) if latency else None, float(late) if late else None, source,
        )  # fmt: skip
    except ValueError:
        return None  # the heading


def _count(counts: Counts, row: Request) -> None:
    if row.reader.isdecimal():
        counts.highest_reader = max(counts.highest_reader, int(row.reader))
    if row.kind == "play":
        wait = wait_of(row)
        counts.blocks += wait.reason == "next"
        counts.stalls += wait.stalled
    elif row.kind in AUDIO_KINDS:
        broken = failed(row)
        counts.audio += 1
        counts.failed += broken
        counts.unanswered += broken and row.status == 0
        if not broken and row.status == 200:
            counts.served_t = row.t + (row.latency_s or 0.0)
