"""A checkpoint: what each process holds for itself, which takes too long to be asked at every sample.

And what the server has read by then, which is wanted only before and after.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from profiles.process_table import Followed, ProcessTable

SIZES = ("server_pss_bytes", "server_uss_bytes", "children_pss_bytes", "children_uss_bytes")
TRAFFIC = ("server_read_bytes", "server_storage_read_bytes")


class Checkpoint:
    """Walks the pages of one process after the other: 22 ms for one of 2 GB, which stands still meanwhile.

    So it goes step by step, and the recorder takes its samples in between.
    """

    def __init__(self, label: str, table: ProcessTable) -> None:
        self.label = label
        self.t = time.monotonic()
        self.why = dict.fromkeys((*SIZES, *TRAFFIC), table.unknown_because) if table.unknown_because else {}
        """Why a size is unknown, by its name."""
        self._table = table
        self._waiting = deque(table.followed)
        self._sizes: dict[str, int] = {"children_pss_bytes": 0, "children_uss_bytes": 0}
        self._server_peak_rss_bytes: int | None = None
        self._took_s = 0.0

    def step(self) -> bool:
        """Measure one process more; return whether that was the last. One that has ended is left out."""
        if self._waiting:
            started = time.monotonic()
            self._measure(self._waiting.popleft())
            self._took_s += time.monotonic() - started
        return not self._waiting

    def facts(self) -> dict[str, Any]:
        """Return the event's facts, once it is done; None: unknown, or no server."""
        sizes = {name: None if name in self.why else self._sizes.get(name) for name in (*SIZES, *TRAFFIC)}
        return {
            "label": self.label,
            **sizes,
            "server_peak_rss_bytes": self._server_peak_rss_bytes,
            "took_s": round(self._took_s, 4),
        }

    def _measure(self, process: Followed) -> None:
        whose = "server" if process.role == "server" else "children"
        try:
            if process.role == "server":
                self._server_peak_rss_bytes = process.files.peak_rss_bytes()
                self._table.note_peak(self._server_peak_rss_bytes)
                self._read_traffic(process)
            held = process.files.proportional()
        except ProcessLookupError:
            return
        except OSError as error:
            reason = f"/proc/{process.files.pid}/smaps_rollup: {error.strerror}"
            self.why |= {f"{whose}_pss_bytes": reason, f"{whose}_uss_bytes": reason}
            return
        for name, value in ((f"{whose}_pss_bytes", held.pss_bytes), (f"{whose}_uss_bytes", held.uss_bytes)):
            self._sizes[name] = self._sizes.get(name, 0) + value

    def _read_traffic(self, server: Followed) -> None:
        try:
            self._sizes |= dict(zip(TRAFFIC, server.files.file_traffic(), strict=True))
        except ProcessLookupError:
            raise
        except OSError as error:
            self.why |= dict.fromkeys(TRAFFIC, f"/proc/{server.files.pid}/io: {error.strerror}")
