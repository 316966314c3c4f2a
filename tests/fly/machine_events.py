"""A machine's events, in the form of Fly's machines API.

The form is that of the public client (`fly-go`, machine_types.go): what is false, zero or empty is left out.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

MOST_EVENTS = 20
"""So many are kept, the newest: Fly's list is short too; how short is not confirmed."""

Json = dict[str, object]


def exit_event(
    returncode: int,
    at_s: float,
    *,
    oom_killed: bool = False,
    requested_stop: bool = False,
    restarting: bool = False,
) -> Json:
    """Return what is said of an end; `returncode` is negative for a signal, as Python has it."""
    code = 128 - returncode if returncode < 0 else returncode
    event: Json = {
        "exit_code": code,
        "guest_exit_code": max(0, returncode),
        "guest_signal": -returncode if returncode < 0 else -1,
        "signal": -1,
        "oom_killed": oom_killed,
        "requested_stop": requested_stop,
        "restarting": restarting,
        "exited_at": datetime.fromtimestamp(at_s, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z"),
    }
    return {name: value for name, value in event.items() if value}


class EventList:
    """The events of one machine, the newest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._events: deque[Json] = deque(maxlen=MOST_EVENTS)

    def add(self, kind: str, status: str, source: str, request: Json | None = None) -> None:
        """Note that something happened, now."""
        at_s = self._clock()
        event: Json = {
            "id": f"01STANDIN{next(self._numbers):017d}",
            "type": kind,
            "status": status,
            "source": source,
            "timestamp": int(at_s * 1000),
        }
        self._events.appendleft(event if request is None else {**event, "request": request})

    def listed(self) -> list[Json]:
        """Return them as the API does."""
        return list(self._events)
