"""The stand-in for Fly as a test has it: a process of its own, which ends with the block or with the test's process."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from profiles import processes

READY_WITHIN_S = 60.0
ADDRESS_FILE = "addresses.json"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class StandIn:
    """A running stand-in: where everything is, and what only a test may know of it."""

    addresses: Mapping[str, str]
    process: subprocess.Popen[bytes]
    machine_id: str = "e2865134a39426"

    @property
    def target(self) -> str:
        """The app's address."""
        return self.addresses["target"]

    @property
    def environment(self) -> dict[str, str]:
        """Ours, with what a soak reads from it."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
        return {**ours, "FLY_API_TOKEN": self.addresses["token"], "FLY_ORG": self.addresses["org"]}

    @property
    def options(self) -> list[str]:
        """A soak's options that lead to it."""
        said = self.addresses
        return [
            "--target", self.target, "--metrics", said["metrics"], "--fly-app", said["app"],
            "--fly-prometheus", said["prometheus"], "--fly-machines", said["machines"], "--log", said["log"],
        ]  # fmt: skip

    def truth(self) -> dict[str, Any]:
        """Return what really happened: state, deaths, children killed."""
        return self._asked("/stand-in")

    def set(self, **values: object) -> None:
        """Change a condition: `skew_s`, `lag_s`, `broken`."""
        self._asked(f"/stand-in/set?{urllib.parse.urlencode(values)}", post=True)

    def auto_stop(self) -> None:
        """Stop the machine as Fly's proxy does when nobody asks it for anything."""
        self._asked("/stand-in/auto-stop", post=True)

    def order(self, word: str) -> None:
        """Have the machines API `stop`, `start` or `restart` the machine, as a person or a deploy does."""
        path = f"/v1/apps/{self.addresses['app']}/machines/{self.machine_id}/{word}"
        self._asked(path, post=True)

    def kill_server(self) -> None:
        """SIGKILL the main process, as somebody on the machine might."""
        for child in psutil.Process(self.process.pid).children():
            if "reference_server" in child.cmdline():
                child.kill()

    def await_that(self, condition: Callable[[dict[str, Any]], bool], within_s: float = 60.0) -> None:
        """Return once the truth fulfils the condition."""
        deadline = time.monotonic() + within_s
        while not condition(self.truth()):
            assert time.monotonic() < deadline, self.truth()
            time.sleep(0.1)

    def end(self) -> None:
        """End it before the block does: what a test is done with would only take the CPU."""
        processes.stop(self.process, 30.0)

    def machine(self) -> dict[str, Any]:
        """Return the machine as its API tells it."""
        return self._asked(f"/v1/apps/{self.addresses['app']}/machines/{self.machine_id}")

    def newest(self) -> dict[str, float]:
        """Return the newest value of each series, by name."""
        path = f"/prometheus/{self.addresses['org']}/api/v1/query?query=%7Bapp%21%3D%22%22%7D"
        found = self._asked(path)["data"]["result"]
        return {one["metric"]["__name__"]: float(one["value"][1]) for one in found}

    def _asked(self, path: str, *, post: bool = False) -> dict[str, Any]:
        token = self.addresses["token"]
        named = token if token.startswith("FlyV1 ") else f"Bearer {token}"
        address = self.addresses["machines"] + path
        request = urllib.request.Request(address, b"" if post else None, {"Authorization": named})  # noqa: S310  # ours
        with _DIRECT.open(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextlib.contextmanager
def standing_in(folder: Path, *options: str) -> Iterator[StandIn]:
    """Run `python -m tests.fly` with these options, and yield it once the app answers."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ADDRESS_FILE).unlink(missing_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    log = folder / "stand-in.log"
    process = processes.start(
        processes.python_module("tests.fly", folder, *options), log, environment=environment
    )
    try:
        stand_in = StandIn(_addresses(folder, process, log), process)
        await_app(stand_in)
        yield stand_in
    finally:
        processes.stop(process, 30.0)


def _addresses(folder: Path, process: subprocess.Popen[bytes], log: Path) -> dict[str, str]:
    deadline = time.monotonic() + READY_WITHIN_S
    while not (folder / ADDRESS_FILE).exists():
        assert process.poll() is None, processes.last_line(log)
        assert time.monotonic() < deadline, f"not ready: {processes.last_line(log)}"
        time.sleep(0.05)
    found: dict[str, str] = json.loads((folder / ADDRESS_FILE).read_text(encoding="utf-8"))
    return found


def await_app(stand_in: StandIn) -> None:
    """Return once the app answers."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        with contextlib.suppress(OSError), _DIRECT.open(f"{stand_in.target}/api/health", timeout=5):
            return
        assert stand_in.process.poll() is None, "the stand-in ended"
        assert time.monotonic() < deadline, "the app does not answer"
        time.sleep(0.05)
