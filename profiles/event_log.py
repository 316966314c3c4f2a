"""`events.jsonl`: what happened, appended by whoever saw it, each line whole."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

EVENTS_FILE = "events.jsonl"


class EventLog:
    """Appends events; a line is one write, so that two processes may share the file."""

    def __init__(self, folder: Path) -> None:
        self._fd = os.open(folder / EVENTS_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def write(self, event: str, *, t: float | None = None, **facts: object) -> None:
        """Record an event at monotonic time `t` (now, unless given)."""
        record = {"t": round(time.monotonic() if t is None else t, 4), "event": event, **facts}
        os.write(self._fd, (json.dumps(record, ensure_ascii=False) + "\n").encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
