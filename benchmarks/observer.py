"""A locustfile beside another: it observes the generator from inside its process, whatever the users are.

Environment: `OBSERVER_FOLDER`, where each process writes `observed-PID.json` as its window ends;
`OBSERVER_FROM_S` and `OBSERVER_TO_S`, the window, in seconds since the test began.
"""

import contextlib
import os
import resource
import time
from collections import Counter
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]  # gevent carries no types
from locust import events
from locust.env import Environment

from benchmarks.observation import Observation

_TIMER_S = 0.05
_LOOKS_A_SECOND = 20


class _Observer:
    """Counts while its window is open; the listener to requests takes a microsecond or two of each."""

    def __init__(self) -> None:
        self._counting = False
        self._requests: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._body_bytes = 0
        self._latencies_ms: Counter[int] = Counter()
        self._lags_ms: Counter[int] = Counter()

    def request(
        self,
        name: str,
        response_time: float | None,
        response_length: int | None,
        exception: object,
        **_: Any,
    ) -> None:
        if self._counting:
            self._requests[name] += 1
            self._body_bytes += response_length or 0
            self._latencies_ms[round(response_time or 0)] += 1
            if exception is not None:
                self._failures[f"{exception}" or type(exception).__name__] += 1

    def observe(self, environment: Environment, from_s: float, to_s: float) -> Observation:
        rss_before_bytes = _rss_bytes()
        gevent.sleep(from_s)
        began_t, cpu_s = time.monotonic(), time.process_time()
        self._counting = True
        rss_peak_bytes = self._look_at_the_loop(began_t + to_s - from_s)
        self._counting = False
        ended_t = time.monotonic()
        return Observation(
            pid=os.getpid(),
            began_t=began_t,
            ended_t=ended_t,
            cpu_s=time.process_time() - cpu_s,
            users=environment.runner.user_count if environment.runner else 0,
            rss_before_bytes=rss_before_bytes,
            rss_peak_bytes=rss_peak_bytes,
            sockets=_sockets(),
            open_files_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            requests=dict(self._requests),
            failures=dict(self._failures),
            body_bytes=self._body_bytes,
            latencies_ms=dict(self._latencies_ms),
            lags_ms=dict(self._lags_ms),
        )

    def _look_at_the_loop(self, until_t: float) -> int:
        """Look whether timers are late, and return the highest RSS meanwhile."""
        rss_peak_bytes, looks = _rss_bytes(), 0
        while (now := time.monotonic()) < until_t:
            gevent.sleep(_TIMER_S)
            self._lags_ms[round(1000 * (time.monotonic() - now - _TIMER_S))] += 1
            looks += 1
            if looks % _LOOKS_A_SECOND == 0:
                rss_peak_bytes = max(rss_peak_bytes, _rss_bytes())
        return rss_peak_bytes


def _rss_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def _sockets() -> int:
    count = 0
    for entry in os.scandir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # one is the folder itself, closed by now
            count += os.readlink(entry.path).startswith("socket:")  # noqa: PTH115  # there are thousands
    return count


def _begin(environment: Environment, **_: Any) -> None:
    observer, folder = _Observer(), Path(os.environ["OBSERVER_FOLDER"])
    from_s, to_s = float(os.environ["OBSERVER_FROM_S"]), float(os.environ["OBSERVER_TO_S"])
    events.request.add_listener(observer.request)  # type: ignore[no-untyped-call]  # Locust leaves it untyped
    gevent.spawn(lambda: observer.observe(environment, from_s, to_s).save(folder))


events.test_start.add_listener(_begin)  # type: ignore[no-untyped-call]  # as above
