"""A world for soaks to watch: clocks that only move when somebody waits, and a server whose lives are written down."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from profiles.soak.asked import Asked, Secrets
from profiles.soak.soak import Ended, begin, soak
from profiles.soak.watch import Screen
from profiles.soak.web import Answer, Fault, Place

MIB = 1024 * 1024
WALL_S = 1_800_000_000.0
TARGET, PROMETHEUS, MACHINES = "http://app.test", "http://fly.test/prometheus/org", "http://fly.test"
MACHINE = "e2865134a39426"


class ScriptedClock:
    """Clocks that a test moves: by waiting, or by hand."""

    def __init__(self, wall_s: float = WALL_S, monotonic_s: float = 5000.0) -> None:
        self.wall_s = wall_s
        self.monotonic_s = monotonic_s
        self.slept_s = 0.0
        self.on_sleep: Callable[[], None] = lambda: None

    def monotonic(self) -> float:
        """Return the monotonic clock."""
        return self.monotonic_s

    def wall(self) -> float:
        """Return the wall clock."""
        return self.wall_s

    def boot(self) -> float:
        """Return the clock that goes on in sleep."""
        return self.monotonic_s + self.slept_s

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.on_sleep()
        self.pass_s(seconds)

    def lid_closed_s(self, seconds: float) -> None:
        """Let the machine sleep."""
        self.slept_s += seconds
        self.wall_s += seconds

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.wall_s += seconds
        self.monotonic_s += seconds


@dataclass(frozen=True)
class End:
    """How one life of the server ends, `at_s` seconds after the world began; the next begins `down_s` later."""

    at_s: float
    exit_event: dict[str, Any] | None = None
    by: str = "flyd"
    update: bool = False
    counted: bool = False
    down_s: float = 5.0

    @property
    def next_s(self) -> float:
        """When the next life begins."""
        return self.at_s + self.down_s


OOM = {"oom_killed": True, "exit_code": 137, "restarting": True}


@dataclass
class World:
    """The server and Fly, as they answer; `down` says who cannot be reached when."""

    clock: ScriptedClock
    ends: tuple[End, ...] = ()
    down: Callable[[str, float], Fault | None] = lambda who, t: None
    mb_per_hour: float = 0.0
    ahead_s: float = 0.0
    lag_s: float = 0.0
    """How late Prometheus tells of a sample."""
    page: bytes | None = None
    asked: list[Place] = field(default_factory=list)

    @property
    def t(self) -> float:
        """Seconds since the world began."""
        return self.clock.wall_s - WALL_S

    def ask(self, place: Place, **_: object) -> Answer:
        """Answer, or not, as `profiles.soak.web.ask` does."""
        self.asked.append(place)
        parts = urlsplit(place.address)
        who = (
            "page"
            if place.address.startswith(TARGET)
            else "prometheus"
            if "query" in parts.path
            else "machines"
        )
        fault = self.down(who, self.t)
        if fault is not None:
            raise fault
        if who == "page":
            return Answer(self._page(), 0.0)
        body: object = self._machines() if who == "machines" else self._series(parse_qs(parts.query))
        return Answer(json.dumps(body).encode(), self.ahead_s)

    def started(self, t: float) -> float:
        """When the server started that lives at a time."""
        starts = [-100.0, *(end.next_s for end in self.ends if end.next_s <= t)]
        return starts[-1]

    def held_mb(self, t: float) -> float:
        """What the server holds at a time."""
        wave = 2 * ((int(t) // 15) % 3)
        return 60 + wave + self.mb_per_hour * (t - self.started(t)) / 3600

    def _page(self) -> bytes:
        if self.page is not None:
            return self.page
        if any(end.at_s <= self.t < end.next_s for end in self.ends):
            raise Fault("refused", "nothing listens there")
        started = self.started(self.t)
        return (
            f"process_resident_memory_bytes {self.held_mb(self.t) * MIB:.0f}\n"
            f"process_start_time_seconds {WALL_S + started}\nprocess_cpu_seconds_total {(self.t - started) / 10}\n"
            "process_open_fds 9\nreader_children 2\nreader_children_resident_memory_bytes 1048576\n"
        ).encode()

    def _machines(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        for number, end in enumerate(self.ends):
            if end.update and end.at_s - 1 <= self.t:
                events.append(self._event(f"u{number}", "update", "user", end.at_s - 1))
            if end.exit_event is not None and end.at_s <= self.t:
                exit_event = {
                    **end.exit_event,
                    "exited_at": datetime.fromtimestamp(WALL_S + end.at_s, UTC).isoformat(),
                }
                request = {"request": {"exit_event": exit_event}}
                events.append(self._event(f"x{number}", "exit", end.by, end.at_s, **request))
            if end.exit_event is not None and end.next_s <= self.t:
                events.append(self._event(f"s{number}", "start", "flyd", end.next_s))
        return [{"id": MACHINE, "state": "started", "region": "cdg", "events": events[::-1]}]

    def _event(self, name: str, kind: str, source: str, t: float, **more: object) -> dict[str, Any]:
        stamp = (WALL_S + t + self.ahead_s) * 1000
        return {"id": name, "type": kind, "status": "", "source": source, "timestamp": stamp, **more}

    def _series(self, query: dict[str, list[str]]) -> dict[str, Any]:
        name = query["query"][0].partition("{")[0]
        start, end = (float(query[key][0]) - WALL_S - self.ahead_s for key in ("start", "end"))
        grid = [t for t in _grid(start, end) if -200 <= t <= self.t - self.lag_s]
        value: Callable[[float], float | None] = {
            "fly_instance_memory_mem_total": lambda t: 4096.0 * MIB,
            "fly_instance_memory_mem_available": lambda t: (4096 - 200 - self.held_mb(t)) * MIB,
            "fly_instance_cpu_balance": lambda t: 50000.0,
            "fly_instance_exit_oom": self._exit_oom,
        }.get(name, lambda t: None)
        points = [[WALL_S + self.ahead_s + t, str(value(t))] for t in grid if value(t) is not None]
        result = [{"metric": {"app": "app", "instance": MACHINE}, "values": points}] if points else []
        return {"status": "success", "data": {"resultType": "matrix", "result": result}}

    def _exit_oom(self, t: float) -> float | None:
        return 1.0 if any(end.counted and end.at_s < t <= end.at_s + 15 for end in self.ends) else None


def _grid(start: float, end: float) -> Iterable[float]:
    while start <= end:
        yield start
        start += 15


FLY = Asked(
    TARGET, readers=0, seconds=3600.0, metrics=f"{TARGET}/metrics", fly_app="app", fly_prometheus=PROMETHEUS,
    fly_machines=MACHINES,
)  # fmt: skip
PAGE = Asked(TARGET, readers=0, seconds=3600.0, metrics=f"{TARGET}/metrics")


def enter(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """Have all sources ask this world."""
    for module in ("page", "prometheus", "machines"):
        monkeypatch.setattr(f"profiles.soak.{module}.ask", world.ask)


@dataclass
class Shown:
    """What a person would see."""

    lines: list[str] = field(default_factory=list)

    @property
    def screen(self) -> Screen:
        """Where it is shown."""
        return Screen(self.lines.append, lambda text: None)


def soaked(folder: Path, asked: Asked, clock: ScriptedClock, shown: Shown | None = None) -> Ended:
    """Soak, into a new folder or the one that is there."""
    if not folder.exists():
        begin(folder, asked, None, None)
    return soak(folder, asked, Secrets(token="t"), (shown or Shown()).screen, clock=clock)
