"""Fly's two interfaces as far as a soak reads them, without a socket: a request in, an answer out.

`/prometheus/ORG/api/v1/query_range` and `/query` are Prometheus's; `/v1/apps/APP/machines` is the machines API. A
third, `/stand-in`, is Fly's nowhere: it tells a test the truth, and lets it do what Fly does by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from tests.fly.app_config import AppConfig
from tests.fly.machine import Machine
from tests.fly.series import QueryError, SeriesStore


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes


class Clock(Protocol):
    """Fly's clocks: the wall's, which may be wrong, and the one that intervals are measured on."""

    skew_s: float

    def wall(self) -> float:
        """Return the Unix time as Fly has it."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


@dataclass
class Api:
    """Answers requests about one app with one machine; samples are told `lag_s` after they were taken."""

    config: AppConfig
    org: str
    token: str
    machine_id: str
    machine: Machine
    series: SeriesStore
    clock: Clock
    lag_s: float = 0.0
    broken: bool = False
    """Whether every request of Fly's is answered with 503, as on a bad day."""
    asked: int = 0
    """How often the list of machines was asked for."""

    def answer(self, method: str, target: str, authorization: str) -> Answer:
        """Return what is answered to a request."""
        parts = urlsplit(target)
        path = parts.path.rstrip("/").split("/")[1:]
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if path[:1] == ["stand-in"]:
            return self._stand_in(method, path[1:], query)
        if self.broken:
            return _text(503, "upstream unavailable")
        is_known = authorization in {f"Bearer {self.token}", f"FlyV1 {self.token}", self.token}
        if path[:1] == ["prometheus"]:
            return self._prometheus(path[1:], query, is_known=is_known)
        if path[:2] == ["v1", "apps"] and path[3:4] == ["machines"]:
            return self._machines(method, path[2], path[4:], is_known=is_known)
        return _text(404, "404 page not found")

    def _prometheus(self, path: list[str], query: Mapping[str, str], *, is_known: bool) -> Answer:
        if not is_known or path[:1] != [self.org]:
            return _text(401, "something went wrong resolving organization")
        if path[1:] not in (["api", "v1", "query_range"], ["api", "v1", "query"]):
            return _text(404, "unsupported path requested")
        newest = self.clock.wall() - self.lag_s
        try:
            if path[-1] == "query":
                t = float(query.get("time", newest))
                found: list[object] = self.series.query_range(query["query"], t, t, 1.0, newest)
                data = [
                    {"metric": one["metric"], "value": one["values"][0]}
                    for one in found
                    if isinstance(one, dict)
                ]
                return _json(200, {"status": "success", "data": {"resultType": "vector", "result": data}})
            start, end = float(query["start"]), float(query["end"])
            found = self.series.query_range(query["query"], start, end, _step(query["step"]), newest)
        except (KeyError, ValueError, QueryError) as error:
            return _json(400, {"status": "error", "errorType": "bad_data", "error": str(error)})
        return _json(200, {"status": "success", "data": {"resultType": "matrix", "result": found}})

    def _machines(self, method: str, app: str, path: list[str], *, is_known: bool) -> Answer:
        if not is_known:
            return _json(401, {"error": "unauthorized"})
        if app != self.config.app:
            return _json(404, {"error": "app not found"})
        if not path:
            self.asked += 1
            return _json(200, [self._machine()])
        if path[0] != self.machine_id:
            return _json(404, {"error": "machine not found"})
        return self._order(path[1]) if method == "POST" and len(path) == 2 else _json(200, self._machine())

    def _order(self, word: str) -> Answer:
        now = self.clock.monotonic()
        orders: dict[str, Callable[[], bool]] = {
            "stop": lambda: self.machine.stop("user", now),
            "start": lambda: self.machine.start(now),
            "restart": lambda: self.machine.stop("user", now, again=True),
            "auto-stop": lambda: self.machine.stop("proxy", now),
        }
        if word not in orders:
            return _text(404, "404 page not found")
        if not orders[word]():
            return _json(
                412, {"error": f"unable to {word} machine from current state: '{self.machine.shown_state}'"}
            )
        return _json(200, {"ok": True})

    def _machine(self) -> dict[str, object]:
        size = self.config.size
        guest = {"cpu_kind": "shared", "cpus": size.cpus, "memory_mb": size.memory_mb}
        return {
            "id": self.machine_id,
            "name": "stand-in",
            "state": self.machine.shown_state,
            "region": self.config.region,
            "config": {
                "guest": guest,
                "restart": {"policy": self.config.policy, "max_retries": self.config.retries},
            },
            "events": self.machine.events.listed(),
        }

    def _stand_in(self, method: str, path: list[str], query: Mapping[str, str]) -> Answer:
        if method == "POST" and path == ["set"]:
            self.clock.skew_s = float(query.get("skew_s", self.clock.skew_s))
            self.lag_s = float(query.get("lag_s", self.lag_s))
            self.broken = query.get("broken", str(self.broken)).lower() == "true"
        elif method == "POST" and path == ["auto-stop"]:
            return self._order("auto-stop")
        elif method != "GET" or path:
            return _text(404, "404 page not found")
        machine = self.machine
        truth = {
            "state": machine.state,
            "deaths": [asdict(death) for death in machine.deaths],
            "children_killed": machine.children_killed,
            "skew_s": self.clock.skew_s,
            "asked": self.asked,
        }
        return _json(200, truth)


def _step(text: str) -> float:
    factor = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:])
    return float(text) if factor is None else float(text[:-1]) * factor


def _json(status: int, value: object) -> Answer:
    return Answer(status, "application/json; charset=utf-8", json.dumps(value).encode())


def _text(status: int, text: str) -> Answer:
    return Answer(status, "text/plain; charset=utf-8", text.encode())
