"""All of Fly that a soak meets, put together on loopback: a machine in a VM, its scrapes, the two interfaces.

One thread does everything, a little at a time: what starts processes is safest so, and no answer takes long.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from profiles import processes
from profiles.errors import OomproofError
from profiles.load import own_upstream
from profiles.scenario import SpeechUpstream
from profiles.target_command import check_port_free
from profiles.vm import open_vm
from tests.fly.api import Api
from tests.fly.app_config import AppConfig, read_app_config
from tests.fly.console import Console
from tests.fly.guest import VmGuest
from tests.fly.machine import Machine
from tests.fly.restart_policy import RestartPolicy
from tests.fly.series import SeriesStore

HOST = "127.0.0.1"
MACHINE_ID = "e2865134a39426"
VOLUME_MB = 10 * 1024
TICK_S = 0.05
RECORDER_HZ = 5.0
ADDRESS_FILE = "addresses.json"
"""Where it says, once it serves, what a soak must be told."""
LOOKED_BACK_S = 30.0
"""So long a series goes on after its last sample (Prometheus: 5 min; VictoriaMetrics: by the samples' distance)."""


@dataclass(frozen=True)
class Conditions:
    """What was asked for: the options of `python -m tests.fly`."""

    folder: Path
    fly_toml: Path
    memory: int | None
    balance_s: float
    env: list[str]
    port: int
    api_port: int
    token: str
    org: str
    scrape_s: float
    lag_s: float
    skew_s: float
    pause_s: float
    pace: float
    latency: str
    api_base: str | None


class SkewedClock:
    """Fly's clocks; the wall's is ahead by `skew_s`."""

    def __init__(self, skew_s: float) -> None:
        self.skew_s = skew_s

    def wall(self) -> float:
        """Return the Unix time as Fly has it."""
        return time.time() + self.skew_s

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()


class Landscape:
    """The machine and what looks at it; `turn` does what is due and answers one request, if there is one."""

    def __init__(self, api: Api, guest: VmGuest, port: int, scrape_s: float) -> None:
        self._api, self._guest, self._scrape_s = api, guest, scrape_s
        self._scrape_due = 0.0
        self.server = http.server.HTTPServer((HOST, port), _handler(api))
        self.server.timeout = TICK_S

    def turn(self) -> None:
        """Go on a little."""
        now = self._api.clock.monotonic()
        self._api.machine.tick(now)
        if now >= self._scrape_due:
            self._scrape_due = max(self._scrape_due + self._scrape_s, now)
            self.scrape()
        self.server.handle_request()

    def scrape(self) -> None:
        """Take one sample of the machine, as Fly does from outside."""
        api, machine = self._api, self._api.machine
        labels = {
            "app": api.config.app,
            "instance": MACHINE_ID,
            "region": api.config.region,
            "host": "stand-in",
        }
        t = api.clock.wall()
        if machine.is_up:
            for name, value in self._guest.measured().items():
                api.series.add(name, labels, t, value)
        if machine.exits:
            api.series.add("fly_instance_exit_oom", labels, t, float(any(machine.exits)))
            machine.exits.clear()


def run(conditions: Conditions) -> int:
    """Serve until SIGINT or SIGTERM.

    Raises:
        OomproofError: no VM can be made here, or a port is taken.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    with contextlib.suppress(_Left), _landscape(conditions) as landscape:
        while True:
            landscape.turn()
    return 0


@contextlib.contextmanager
def _landscape(asked: Conditions) -> Iterator[Landscape]:
    config = read_app_config(asked.fly_toml)
    if asked.memory is not None:
        config = replace(config, size=replace(config.size, memory_mb=asked.memory))
    volume, state = asked.folder / "volume", asked.folder / time.strftime("%Y%m%dT%H%M%S")
    volume.mkdir(parents=True, exist_ok=True)
    state.mkdir()
    port = asked.port or processes.free_port()
    check_port_free(port)
    clock = SkewedClock(asked.skew_s)
    with contextlib.ExitStack() as stack:
        api_base = asked.api_base or stack.enter_context(_speech(asked, state))
        vm = stack.enter_context(open_vm(state, config.size, asked.balance_s, sample_hz=RECORDER_HZ))
        settings = _settings(config, asked, port, api_base)
        guest = VmGuest(vm, state, volume, settings, volume_mb=VOLUME_MB)
        console = Console(asked.folder / "fly.log", MACHINE_ID, config.region, clock.wall)
        stack.callback(console.close)
        machine = Machine(
            guest,
            RestartPolicy(config.policy, config.retries),
            console,
            clock.wall,
            pause_s=asked.pause_s,
            stop=config.kill_signal,
            stop_within_s=config.kill_timeout_s,
        )
        series = SeriesStore(max(LOOKED_BACK_S, 2 * asked.scrape_s))
        token = asked.token.removeprefix("FlyV1 ")
        api = Api(config, asked.org, token, MACHINE_ID, machine, series, clock, asked.lag_s)
        landscape = Landscape(api, guest, asked.api_port, asked.scrape_s)
        stack.callback(landscape.server.server_close)
        machine.launch()
        _tell(asked, config, port, landscape.server.server_port, settings)
        yield landscape


@contextlib.contextmanager
def _speech(asked: Conditions, state: Path) -> Iterator[str]:
    speech = SpeechUpstream(latency=asked.latency)
    with own_upstream(state / "upstream.log", asked.pace, 1, speech) as upstream:
        yield upstream.base_url


def _settings(config: AppConfig, asked: Conditions, port: int, api_base: str) -> dict[str, str]:
    """Return the server's environment: fly.toml's, but for what is of this machine, and what was asked for."""
    own = {"HOST": HOST, "PORT": str(port), "API_BASE": api_base, "API_KEY": "none"}
    metrics = config.environment.get("METRICS_PORT", "0").strip()
    if metrics != "0":
        own["METRICS_PORT"] = str(processes.free_port())
    given = dict(part.split("=", 1) for part in asked.env if "=" in part)
    if len(given) < len(asked.env):
        raise OomproofError(f"--env: one of {asked.env} is not NAME=VALUE.")
    return {**config.environment, **own, **given}


def _tell(asked: Conditions, config: AppConfig, port: int, api_port: int, settings: dict[str, str]) -> None:
    """Say where everything is: a file for a program, and the command for a person."""
    api = f"http://{HOST}:{api_port}"
    metrics = settings.get("METRICS_PORT", "0")
    told = {
        "target": f"http://{HOST}:{port}",
        "metrics": f"http://{HOST}:{metrics}/metrics" if metrics != "0" else "/metrics",
        "prometheus": f"{api}/prometheus/{asked.org}",
        "machines": api,
        "app": config.app,
        "org": asked.org,
        "token": asked.token,
        "log": str(asked.folder / "fly.log"),
        "upstream": settings["API_BASE"],
    }
    whole = asked.folder / f"{ADDRESS_FILE}.part"
    whole.write_text(json.dumps(told, indent=2), encoding="utf-8")
    whole.rename(asked.folder / ADDRESS_FILE)
    print(f"Server    {told['target']}\nFly       {api}\nLog       {told['log']}\nCtrl-C ends it. Elsewhere:")
    options = {
        "--target": told["target"],
        "--metrics": told["metrics"],
        "--fly-app": told["app"],
        "--fly-prometheus": told["prometheus"],
        "--fly-machines": told["machines"],
        "--log": told["log"],
        "--pace": f"{asked.pace:g}",
    }
    words = " ".join(f"{option} {value}" for option, value in options.items())
    print(f"  FLY_API_TOKEN='{asked.token}' FLY_ORG={asked.org} .venv/bin/oomproof soak {words}", flush=True)


def _handler(api: Api) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 5.0

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._answer()

        def _answer(self) -> None:
            answer = api.answer(self.command, self.path, self.headers.get("Authorization", ""))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(answer.body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(api.clock.wall() if timestamp is None else timestamp)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the base class's name
            """Say nothing."""

    return Handler


class _Left(BaseException):
    """A signal asked for the end."""


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise _Left
