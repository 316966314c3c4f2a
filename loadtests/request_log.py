"""requests.csv: what readers asked and heard, one row at a time, on disk as it happens."""

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, Protocol

Kind = Literal["tts", "chunk", "timings", "whisper", "preprocess", "play", "unhighlighted"]


@dataclass(frozen=True, slots=True)
class Row:
    """One ended request, or one block that began to play. All seconds are wall seconds.

    Attributes:
        t: ``time.monotonic()`` when it was sent, or when the block began to play.
        reader: the reader's number.
        kind: what was asked; ``play`` of a block; ``unhighlighted`` of one played without its word timings.
        status: HTTP status; 0 without an HTTP answer; 499 when the reader gave it up before the answer; of
            ``unhighlighted`` 200 where the timings came before the block stopped playing, else 0.
        bytes: size of the answer's body.
        latency_s: from sending to the last byte; None on ``play`` and ``unhighlighted`` rows.
        late_s: how much later than intended it was sent; on ``play`` rows how long the listener waited,
            on ``unhighlighted`` ones how long the block played without timings.
        source: of a request what it was for, of a ``play`` row where the audio came from.
    """

    t: float
    reader: int
    kind: Kind
    status: int
    bytes: int
    latency_s: float | None
    late_s: float
    source: str


class Rows(Protocol):
    """Where rows go: a file, or a buffer on the way to one."""

    def write(self, row: Row) -> None:
        """Takes one row.

        Raises:
            OSError: it could not be kept.
        """


COLUMNS = tuple(field.name for field in fields(Row))


class RequestLog:
    """Appends rows to a file: one write each, so that a row is whole even if the process dies after it.

    Several processes may append to the same file.

    Raises:
        OSError: the file cannot be opened, or a row cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if os.fstat(self._fd).st_size == 0:
            os.write(self._fd, (",".join(COLUMNS) + "\n").encode())

    def write(self, row: Row) -> None:
        """Writes one row."""
        latency = "" if row.latency_s is None else f"{row.latency_s:.6f}"
        os.write(
            self._fd,
            f"{row.t:.6f},{row.reader},{row.kind},{row.status},{row.bytes},{latency},{row.late_s:.6f},"
            f"{row.source}\n".encode(),
        )

    def close(self) -> None:
        """Closes the file; rows written so far stay."""
        os.close(self._fd)
