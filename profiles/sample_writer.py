"""`samples.csv`, written sample by sample: what stands in it is whole, and what a full disk refused is counted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from profiles.event_log import EventLog
from profiles.line_file import LineFile
from profiles.run_folder import SAMPLE_COLUMNS


class SampleWriter:
    """Writes a line a sample. The first goes with the heading, so that no file is without one, nor has two."""

    def __init__(self, folder: Path, events: EventLog) -> None:
        path = folder / "samples.csv"
        self._file = LineFile(path)
        self._events = events
        self._heading = "" if path.stat().st_size else ",".join(SAMPLE_COLUMNS) + "\n"
        self._lost = 0
        self._reason = ""
        if self._heading and self._file.append(self._heading.encode()) is None:
            self._heading = ""

    def write(self, values: Mapping[str, float | None]) -> None:
        """Write a sample; where the disk refuses it, it is lost, and counted until there is room again."""
        row = ",".join([_cell(values.get(column)) for column in SAMPLE_COLUMNS])
        refused = self._file.append(f"{self._heading}{row}\n".encode())
        if refused is not None:
            self._lost += 1
            self._reason = refused
            return
        self._heading = ""
        if self._lost:
            self.tell_lost()

    def tell_lost(self) -> None:
        """Write the event that says how many samples were lost since the last one, if any were."""
        if self._lost:
            self._events.write("samples_lost", lost=self._lost, reason=self._reason)
            self._lost = 0


def _cell(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.4f}"
