"""A soak's third witness: Fly's machines API, which tells of each exit whether memory was why."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from profiles.soak.findings import Finding, Told
from profiles.soak.moments import JUMP_S, Moment
from profiles.soak.web import Fault, Place, ask

_EXIT_FACTS = (
    "oom_killed", "exit_code", "guest_signal", "signal", "requested_stop", "restarting", "error", "exited_at",
)  # fmt: skip
AWAKE = frozenset({"started", "starting", "restarting", "updating", "replacing"})


class MachinesSource:
    """Asks for the app's machines, and tells of their events that are new."""

    name = "machines"

    def __init__(self, place: Place, app: str, machine: str | None, known: dict[str, object]) -> None:
        self._place = place.below(f"/v1/apps/{quote(app, safe='')}/machines")
        self._machine = machine
        seen, since = known.get("seen"), known.get("since_ms")
        self._seen: set[str] = set(map(str, seen)) if isinstance(seen, list) else set()
        self._since_ms = float(since) if isinstance(since, int | float) else None
        unanswered = known.get("unanswered_s")
        self._unanswered_s = float(unanswered) if isinstance(unanswered, int | float) else None
        self._states: dict[str, str] = {}

    def state(self) -> dict[str, object]:
        """Return which events are known."""
        return {"seen": sorted(self._seen), "since_ms": self._since_ms, "unanswered_s": self._unanswered_s}

    def machines(self) -> tuple[list[dict[str, Any]], float | None]:
        """Return the app's machines with their events, and how far Fly's clock is ahead.

        Raises:
            Fault: they cannot be had.
        """
        answer = ask(self._place)
        found = answer.json()
        if not isinstance(found, list) or not all(isinstance(one, dict) and "id" in one for one in found):
            raise Fault("content", "the answer is no list of machines")
        chosen = [one for one in found if self._machine in (None, one["id"]) and not _is_passing(one)]
        return [one if "events" in one else self._whole(one) for one in chosen], answer.ahead_s

    def _whole(self, machine: dict[str, Any]) -> dict[str, Any]:
        found = ask(self._place.below(f"/{quote(str(machine['id']), safe='')}")).json()
        return found if isinstance(found, dict) else machine

    def look(self, now: Moment) -> Finding:
        """Return the events that are new; at the first look all are old, up to the first question without an answer.

        Raises:
            Fault: they cannot be had.
        """
        try:
            machines, told_s = self.machines()
        except Fault:
            if self._since_ms is None and self._unanswered_s is None:
                self._unanswered_s = now.wall_s
            raise
        ahead_s = told_s if told_s is not None and abs(told_s) > JUMP_S else 0.0
        events = [(machine, event) for machine in machines for event in _events(machine)]
        if self._since_ms is None:
            begun_s = now.wall_s if self._unanswered_s is None else self._unanswered_s
            self._since_ms = (begun_s + ahead_s) * 1000
            old = (event for _, event in events if self._is_old(event))
            self._seen = set(map(_id, old))
        since_ms = self._since_ms
        fresh = [found for found in events if self._is_new(found[1], since_ms)]
        self._seen = {_id(event) for _, event in events}
        # An event may be listed later than a younger one: what is new is told by its id, the time only bounds it.
        self._since_ms = max([since_ms, *(float(event["timestamp"]) for _, event in events)])
        told = [
            _told(machine, event, now.of_wall(event["timestamp"] / 1000, ahead_s)) for machine, event in fresh
        ]
        told = sorted(told, key=lambda one: one.t)
        return Finding(events=(*told, *self._changed(now, machines)), ahead_s=told_s)

    def _is_old(self, event: dict[str, Any]) -> bool:
        """Whether an event of the first answer was before the soak: all were, where the first question had it."""
        return self._unanswered_s is None or event["timestamp"] <= (self._since_ms or 0.0)

    def _is_new(self, event: dict[str, Any], since_ms: float) -> bool:
        return _id(event) not in self._seen and event["timestamp"] > since_ms - 600_000

    def _changed(self, now: Moment, machines: list[dict[str, Any]]) -> Iterator[Told]:
        """Yield each state that is another than before: told, and no evidence."""
        for machine in machines:
            name, state = str(machine["id"]), str(machine.get("state"))
            if self._states.get(name) != state:
                self._states[name] = state
                yield Told(
                    now.t, "machine_state", {"machine": name, "state": state, "region": machine.get("region")}
                )


def _is_passing(machine: dict[str, Any]) -> bool:
    """Whether a machine is none of the app's servers: a console, or a deploy's command, which ends when done."""
    config = machine.get("config")
    metadata = config.get("metadata") if isinstance(config, dict) else None
    group = metadata.get("fly_process_group") if isinstance(metadata, dict) else None
    return str(group).startswith("fly_app_")


def _events(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for event in machine.get("events") or []:
        if isinstance(event, dict) and isinstance(event.get("timestamp"), int | float):
            yield event


def _id(event: dict[str, Any]) -> str:
    return str(event.get("id") or f"{event.get('type')} {event['timestamp']:.0f}")


def _exit_event(request: object) -> dict[str, Any] | None:
    """Return what a request says of an exit: in itself, or in what Fly's client looks at before (`GetExitCode`)."""
    if not isinstance(request, dict):
        return None
    monitored = _exit_event(request.get("MonitorEvent"))
    found = monitored or request.get("exit_event") or request.get("ExitEvent")
    return found if isinstance(found, dict) else None


def _told(machine: dict[str, Any], event: dict[str, Any], t: float) -> Told:
    found = _exit_event(event.get("request"))
    # What is zero, false or empty is left out there.
    exit_event = (
        {"oom_killed": False, "exit_code": 0, "requested_stop": False, **found} if found is not None else {}
    )
    facts = {
        "machine": machine["id"],
        "id": _id(event),
        **{name: event.get(name) for name in ("type", "status", "source")},
        "at": datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds"),
        **{name: exit_event[name] for name in _EXIT_FACTS if name in exit_event},
    }
    return Told(t, "machine_event", facts)
