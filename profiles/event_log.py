"""`events.jsonl`: what happened, appended by whoever saw it, each line whole."""

from __future__ import annotations

import json
import time
from collections import deque
from pathlib import Path

from profiles.line_file import LineFile

EVENTS_FILE = "events.jsonl"
MOST_WAITING = 1000
"""Events kept for a disk that is full; a run has some dozens. Beyond this the oldest is given up."""


class EventLog:
    """Appends events; several processes may share the file. A full disk loses none: they wait in memory."""

    def __init__(self, folder: Path) -> None:
        self._file = LineFile(folder / EVENTS_FILE)
        self._waiting: deque[bytes] = deque(maxlen=MOST_WAITING)

    def write(self, event: str, *, t: float | None = None, **facts: object) -> None:
        """Record an event at monotonic time `t` (now, unless given)."""
        record = {"t": round(time.monotonic() if t is None else t, 4), "event": event, **facts}
        self._waiting.append((json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8", "replace"))
        self.flush()

    def flush(self) -> None:
        """Write what waits for room, as far as there is room."""
        while self._waiting and self._file.append(self._waiting[0]) is None:
            self._waiting.popleft()

    def close(self) -> None:
        """Write what still waits, if it can be, and close the file."""
        self.flush()
        self._file.close()
