"""A soak's second witness: what Fly's Prometheus keeps of the machine, fetched with what was missed in between."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from profiles.soak.findings import Finding, Told, Values
from profiles.soak.moments import JUMP_S, Moment
from profiles.soak.web import Fault, Place, ask

STEP_S = 15
"""Fly scrapes so often."""
LOOK_BACK_S = 300.0
"""At the first look; a point that is older says nothing of now."""
LONGEST_S = 6 * 3600.0
"""One question asks for no more than this; what a longer gap left unseen stays unseen."""
TOTAL, AVAILABLE = "fly_instance_memory_mem_total", "fly_instance_memory_mem_available"
BALANCE, THROTTLE = "fly_instance_cpu_balance", "fly_instance_cpu_throttle"
EXIT_OOM, VOLUME = "fly_instance_exit_oom", "fly_volume_used_pct"
VOLUME_FULL_PCT = 90.0
_SAMPLED = (TOTAL, AVAILABLE, BALANCE, THROTTLE, VOLUME)
PAST_S = 1800.0
"""So far back is asked again for exits: samples were seen to come 25 min late."""
MOST_APART = 1.5
"""Points of a series that are further apart than so many steps are not of one stretch."""
_PER_S = 100.0
"""Fly counts CPU time in centiseconds."""

Points = Mapping[float, float]
"""Values by time in seconds since 1970."""


class PrometheusSource:
    """Asks for what came since the last look, so that a gap of ours is filled as far as Fly remembers.

    Memory is `mem_total` less `mem_available`: what the machine cannot give back, the kernel's own included. Samples
    come late, and behind the last one Prometheus repeats it for a while: what is told of an exit is looked for in the
    past again and again, and a sample that says the same as the one before is none.
    """

    name = "prometheus"

    def __init__(self, place: Place, app: str, machine: str | None, known: dict[str, object]) -> None:
        self._place = place
        self._app = app
        self._machine = machine
        self._last_unix_s = _number(known.get("last_unix_s"))
        self._last: tuple[float, float] | None = None
        self._begun_unix_s = _number(known.get("begun_unix_s"))
        self._asked_unix_s = _number(known.get("asked_unix_s"))
        counted = known.get("exits")
        self._exits_known: set[float] = set(map(float, counted)) if isinstance(counted, list) else set()
        self._volume_full = False

    def state(self) -> dict[str, object]:
        """Return up to when was read, and the exits that were counted."""
        return {
            "last_unix_s": self._last_unix_s,
            "begun_unix_s": self._begun_unix_s,
            "asked_unix_s": self._asked_unix_s,
            "exits": sorted(self._exits_known),
        }

    def look(self, now: Moment) -> Finding:
        """Return the samples since the last look, and the exits for memory.

        Raises:
            Fault: it cannot be had.
        """
        begun_s = self._begun_unix_s = now.wall_s if self._begun_unix_s is None else self._begun_unix_s
        _, told_s = self.ask(TOTAL, now.wall_s - STEP_S, now.wall_s)
        ahead_s = told_s if told_s is not None and abs(told_s) > JUMP_S else 0.0
        theirs_s = now.wall_s + ahead_s
        first = self._last_unix_s is None
        found = {name: self.ask(name, self._since_s(theirs_s), theirs_s)[0] for name in _SAMPLED}
        past_s = max(theirs_s - LONGEST_S, min(self._asked_unix_s or theirs_s, theirs_s) - PAST_S)
        exits, _ = self.ask(EXIT_OOM, past_s, theirs_s)
        samples = tuple(self._samples(now, ahead_s, found))
        events = (
            *self._exits(now, ahead_s, exits, past_s, max(past_s, begun_s + ahead_s)),
            *self._volume(now, found[VOLUME]),
        )
        self._asked_unix_s = theirs_s
        return Finding(samples=samples[-1:] if first else samples, events=events, ahead_s=told_s)

    def ask(self, name: str, start_s: float, end_s: float) -> tuple[dict[str, Points], float | None]:
        """Return a series by instance, and how far Prometheus's clock is ahead.

        Raises:
            Fault: it cannot be had.
        """
        query = {
            "query": f'{name}{{app="{self._app}"}}',
            "start": f"{start_s:.0f}",
            "end": f"{end_s + STEP_S:.0f}",
        }
        answer = ask(self._place.below(f"/api/v1/query_range?{urlencode({**query, 'step': STEP_S})}"))
        return dict(self._instances(answer.json())), answer.ahead_s

    def _instances(self, found: Any) -> Iterator[tuple[str, Points]]:
        try:
            if found["status"] != "success":
                raise Fault("content", f"it says {found.get('error') or found['status']}")
            for series in found["data"]["result"]:
                instance = str(series["metric"].get("instance", ""))
                if self._machine in (None, instance):
                    values = ((float(t), float(value)) for t, value in series["values"])
                    yield instance, {t: value for t, value in values if math.isfinite(value)}
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Fault("content", "the answer is none of Prometheus's query_range") from None

    def _since_s(self, wall_s: float) -> float:
        last_s = self._last_unix_s
        return wall_s - LOOK_BACK_S if last_s is None else max(last_s, wall_s - LONGEST_S)

    def _samples(
        self, now: Moment, ahead_s: float, found: Mapping[str, Mapping[str, Points]]
    ) -> Iterator[Values]:
        """Yield a sample for each new time of which the memory is known."""
        columns: dict[float, dict[str, float]] = defaultdict(dict)
        for name, instances in found.items():
            for points in instances.values():
                for unix_s, value in points.items():
                    columns[unix_s].setdefault(name, value)
        newest_s = self._last_unix_s or 0.0
        for unix_s in sorted(
            t for t, point in columns.items() if t > newest_s and {TOTAL, AVAILABLE} <= point.keys()
        ):
            point = columns[unix_s]
            self._last_unix_s = unix_s
            same, self._last = (
                self._last == (point[TOTAL], point[AVAILABLE]),
                (point[TOTAL], point[AVAILABLE]),
            )
            if same:
                continue
            yield {
                "t": now.of_wall(unix_s, ahead_s),
                "anon_bytes": max(0.0, point[TOTAL] - point[AVAILABLE]),
                "vm_limit_bytes": point[TOTAL],
                "balance_s": _seconds(point.get(BALANCE)),
                "throttled_s": _seconds(point.get(THROTTLE)),
            }

    def _exits(
        self,
        now: Moment,
        ahead_s: float,
        instances: Mapping[str, Points],
        asked_from_s: float,
        since_s: float,
    ) -> Iterator[Told]:
        """Yield the exits for memory that were not told of yet: each point above zero behind a gap, or behind a zero.

        The series is there when an exit was, and gone a scrape later; so two exits may both be a 1. What stands at the
        beginning of what was asked for may go on from before, and is none: it would be one at each look.
        """
        for instance, points in instances.items():
            before_s, before = asked_from_s, math.inf
            for unix_s, value in sorted(points.items()):
                anew = value > before or (value > 0 and unix_s - before_s > MOST_APART * STEP_S)
                before_s, before = unix_s, value
                if (
                    anew
                    and unix_s >= since_s
                    and not any(abs(unix_s - one) < STEP_S for one in self._exits_known)
                ):
                    self._exits_known.add(unix_s)
                    facts = {"instance": instance, "value": value, "unix_s": unix_s}
                    yield Told(now.of_wall(unix_s, ahead_s), "exit_oom", facts)
        self._exits_known = {unix_s for unix_s in self._exits_known if unix_s > since_s - PAST_S}

    def _volume(self, now: Moment, instances: Mapping[str, Points]) -> Iterator[Told]:
        newest = [points[max(points)] for points in instances.values() if points]
        full = max(newest, default=0.0) >= VOLUME_FULL_PCT
        if full and not self._volume_full:
            yield Told(now.t, "volume_full", {"used_pct": max(newest)})
        self._volume_full = full


def _seconds(centiseconds: float | None) -> float | None:
    return None if centiseconds is None else centiseconds / _PER_S


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
