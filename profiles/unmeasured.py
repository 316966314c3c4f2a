"""What could not be measured, and why: said once for each column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from profiles.event_log import EventLog
from profiles.run_folder import RunFolder


class Unmeasured:
    """Writes an `unmeasured` event the first time that a column is empty for a reason."""

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._told: set[str] = set()

    def note(self, why: Mapping[str, str], t: float | None = None) -> None:
        """Tell those columns that were not told before; `why` is the reason of each."""
        if why.keys() <= self._told:
            return
        columns: dict[str, list[str]] = defaultdict(list)
        for column, reason in why.items():
            if column not in self._told:
                columns[reason].append(column)
        self._told |= why.keys()
        for reason, named in columns.items():
            self._events.write("unmeasured", t=t, columns=named, reason=reason)


def unmeasured(folder: RunFolder) -> dict[str, str]:
    """Return why each column that could not be measured was not, as the recorder said it."""
    found: dict[str, str] = {}
    for event in folder.named("unmeasured"):
        columns = event.facts.get("columns")
        for column in columns if isinstance(columns, list) else []:
            found.setdefault(str(column), event.text("reason"))
    return found


def lost_samples(folder: RunFolder) -> list[str]:
    """Return a line for each stretch of samples that could not be written, for the evidence."""
    return [
        f"recorder: {event.text('lost')} samples could not be written: {event.text('reason')}"
        for event in folder.named("samples_lost")
    ]
