"""Follows requests.csv as the load writes it, to see when a restarted server serves again.

A load of several processes writes in batches of some seconds, so what it tells comes late and out of order:
each row is judged by its own time.
"""

from __future__ import annotations

from pathlib import Path

from profiles.request_figures import AUDIO_KINDS, SESSION, UNPLAYABLE


class RequestTail:
    """Reads the rows that came since the last look.

    `kinds` are the requests that count as being served; None: all, but for the rows that tell a session's end.
    """

    def __init__(self, path: Path, kinds: frozenset[str] | None = AUDIO_KINDS) -> None:
        self._path = path
        self._kinds = kinds
        self._position = 0
        self._after: float | None = None

    def await_block(self, after: float) -> None:
        """From now on look for a block that was asked for after this monotonic time and served."""
        self._after = after

    def served(self) -> bool:
        """Return, once, whether such a block was served."""
        if self._after is None or not any(self._is_block(row) for row in self._new_rows()):
            return False
        self._after = None
        return True

    def _is_block(self, row: str) -> bool:
        cells = row.split(",")
        try:
            t, kind, status = float(cells[0]), cells[2], int(cells[3])
        except (ValueError, IndexError):
            return False  # the header, or a row without a status
        if self._kinds is None:
            served = kind != SESSION and 200 <= status < 400
        else:
            served = kind in self._kinds and status == 200 and not row.endswith(UNPLAYABLE)
        return self._after is not None and t > self._after and served

    def _new_rows(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._position += len(whole)
        return whole.decode().splitlines()
