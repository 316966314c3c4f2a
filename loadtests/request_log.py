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

    def line(self) -> str:
        """Returns the row as the file has it."""
        latency = "" if self.latency_s is None else f"{self.latency_s:.6f}"
        return (
            f"{self.t:.6f},{self.reader},{self.kind},{self.status},{self.bytes},{latency},"
            f"{self.late_s:.6f},{self.source}\n"
        )


class Rows(Protocol):
    """Where rows go: a file, or a buffer on the way to one."""

    def write(self, row: Row) -> None:
        """Takes one row.

        Raises:
            OSError: it could not be kept.
        """


COLUMNS = tuple(field.name for field in fields(Row))


class CsvFile:
    """Appends whole lines to a CSV file: one write each, so that none is cut if the process dies after it.

    Several processes may append to the same file.

    Raises:
        OSError: the file cannot be opened, or a line cannot be written; names the file.
    """

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self._path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if os.fstat(self._fd).st_size == 0:
            self.append(",".join(columns) + "\n")

    def append(self, lines: str) -> None:
        """Writes whole lines."""
        left = lines.encode()
        try:
            while left:
                left = left[os.write(self._fd, left) :]  # a disk that fills up takes a part first
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def close(self) -> None:
        """Closes the file; lines written so far stay. Closing twice does no harm."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class RequestLog(CsvFile):
    """The file of the rows.

    Raises:
        OSError: as of any CsvFile.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, COLUMNS)

    def write(self, row: Row) -> None:
        """Writes one row."""
        self.append(row.line())


class RowBuffer:
    """Rows of a worker, until its next report takes them to the master."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def write(self, row: Row) -> None:
        """Keeps one row."""
        self._lines.append(row.line())

    def take(self) -> str:
        """Returns all lines kept so far, and keeps them no longer."""
        lines, self._lines = self._lines, []
        return "".join(lines)
