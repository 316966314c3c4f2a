"""A webhook that hears of alarms: told aside, within seconds, and never a reason to end."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Mapping

from profiles.soak.web import Fault, Place, ask

WITHIN_S = 5.0
MOST_WAITING = 100
"""Alarms that wait for a webhook which does not answer; beyond these they are only written and printed."""


class Webhook:
    """POSTs each alarm as JSON, one after the other."""

    def __init__(self, place: Place) -> None:
        self._place = Place(place.address, {"Content-Type": "application/json", **place.headers})
        self._failures: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tell(self, alarm: Mapping[str, object]) -> None:
        """Send an alarm soon."""
        try:
            self._waiting.put_nowait(json.dumps(alarm, ensure_ascii=False).encode())
        except queue.Full:
            self._failures.put(f"{MOST_WAITING} alarms wait for it")

    def failures(self) -> list[str]:
        """Return why alarms could not be told, since this was asked last."""
        found = []
        while not self._failures.empty():
            found.append(self._failures.get())
        return found

    def close(self) -> None:
        """Wait for what is on its way, within bounds."""
        try:
            self._waiting.put(None, timeout=WITHIN_S)
        except queue.Full:
            return
        self._thread.join(2 * WITHIN_S)

    def _run(self) -> None:
        while (body := self._waiting.get()) is not None:
            try:
                ask(self._place, within_s=WITHIN_S, data=body)
            except Fault as fault:  # where a redirect leads is the password too
                self._failures.put(str(fault) if fault.status is None else f"status {fault.status}")
