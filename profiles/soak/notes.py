"""What a soak writes as it goes: samples in time's order, events, and what the last of them add up to."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from profiles.event_log import EventLog
from profiles.restart_evidence import ON_PURPOSE, RESTART_SEEN, explained, keys_of
from profiles.run_folder import Event, RunFolder
from profiles.sample_writer import SampleWriter
from profiles.soak.findings import Told, Values

MOST_RECENT = 400
"""Events that an explanation is looked for in, however old: a machine may be stopped for hours before a start.

A crash cycle has some ten a minute.
"""
SETTLED_S = 60.0
"""Whoever has not told by then of an end why it was, is not waited for: it is told as unexplained."""
_EVIDENCE = frozenset({RESTART_SEEN, "machine_event", "log_kill", "exit_oom"})


class Notes:
    """The files of a soak that grow."""

    def __init__(self, folder: Path, last_t: float) -> None:
        self._events = EventLog(folder)
        self._samples = SampleWriter(folder, self._events)
        self._last_t = last_t
        self._recent: deque[Event] = deque(maxlen=MOST_RECENT)
        self._said: deque[str] = deque(maxlen=4 * MOST_RECENT)
        for event in RunFolder(folder).events:  # of a soak that goes on: what was told of is not told again
            if event.event in _EVIDENCE:
                self._recent.append(event)
        for _ in self.ends(last_t):
            pass

    def sample(self, values: Values) -> None:
        """Write a sample, unless its time has gone by: rows stand in time's order."""
        t = values.get("t")
        if t is not None and t > self._last_t:
            self._last_t = t
            self._samples.write(values)

    def event(self, told: Told) -> None:
        """Write an event."""
        self._events.write(told.event, t=told.t, **told.facts)
        if told.event in _EVIDENCE:
            self._recent.append(Event(told.t, told.event, told.facts))

    def ends(self, now_t: float) -> Iterator[Event]:
        """Yield, once, each end of the server that is explained by now, or that nobody explained in time."""
        for event in explained(tuple(self._recent)):
            keys = keys_of(event)
            if not keys or event.event not in ("oom_kill", "exited", ON_PURPOSE):
                continue
            if event.event == "exited" and ("cause" not in event.facts or self._waits(event, now_t)):
                continue
            known = any(key in self._said for key in keys)
            self._said.extend(key for key in keys if key not in self._said)
            if not known:
                yield event

    def _waits(self, event: Event, now_t: float) -> bool:
        """Whether somebody may still tell why: so far only the restart itself was seen."""
        alone = all(key.startswith("start ") for key in keys_of(event))
        return alone and now_t - event.t < SETTLED_S

    def close(self) -> None:
        """Write what still waits, and close the files."""
        self._samples.tell_lost()
        self._events.close()
