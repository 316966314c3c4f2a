"""The target of a run: the reference server, started inside the VM and restarted as its machine would be."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from profiles import processes
from profiles.errors import RunError
from profiles.event_log import EventLog
from profiles.vm import Vm

START_WITHIN_S = 60.0
MOST_RESTARTS = 10
"""Fly's restart policy gives up after ten tries."""
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH")
"""What a server gets of our environment. Anything else, such as OMP_NUM_THREADS, must stand in its scenario."""

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Server:
    """The reference server in a VM."""

    vm: Vm
    command: list[str]
    port: int
    log: Path
    settings: Mapping[str, str]
    events: EventLog
    heap: Path | None = None
    restarts: int = 0
    starting: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RunError: it ended, or did not answer in time.
        """
        self._spawn("started")
        deadline = time.monotonic() + START_WITHIN_S
        while not self.became_ready():
            if self.ended() is not None:
                raise RunError(f"server: ended while starting: {processes.last_line(self.log)}")
            if time.monotonic() > deadline:
                raise RunError(
                    f"server: no answer on {self.url} within {START_WITHIN_S:g} s. See {self.log}."
                )
            time.sleep(0.05)

    def restart(self) -> None:
        """Empty the VM and start again, as a machine restart does; does not wait for it to be ready.

        Raises:
            RunError: it was restarted too often already.
        """
        if self.restarts >= MOST_RESTARTS:
            raise RunError(f"server: ended again after {MOST_RESTARTS} restarts. See {self.log}.")
        self.vm.empty()
        self.restarts += 1
        self._spawn("restarted")

    def became_ready(self) -> bool:
        """Return, once a start, whether it answers by now."""
        if not self.starting or not healthy(self.url, timeout_s=1.0):
            return False
        self.starting = False
        self.events.write("ready")
        return True

    def ended(self) -> int | None:
        """Return its exit status once it has ended (a signal is negative), else None."""
        return None if self.process is None else self.process.poll()

    def stop(self) -> None:
        """End it gently: a heap capture is whole only after SIGINT."""
        if self.process is not None:
            within_s = 60.0 if self.heap else 10.0
            status = processes.stop(self.process, within_s, gently=signal.SIGINT)
            self.events.write("stopped", returncode=status)

    def _spawn(self, event: str) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
        environment = {**inherited, **coverage, **self.settings}
        self.process = self.vm.start_server(self._command(), self.log, environment)
        self.starting = True
        self.events.write(event, pid=self.process.pid)

    def _command(self) -> list[str]:
        if self.heap is None:
            return self.command
        capture = self.heap if self.restarts == 0 else self.heap.with_suffix(f".{self.restarts}.bin")
        return processes.python_module("memray", "run", "-o", capture, *self.command[1:])


def healthy(url: str, path: str = "/api/health", *, timeout_s: float = 5.0) -> bool:
    """Return whether the server says that it is healthy; it is asked directly, past any proxy."""
    try:
        with _DIRECT.open(f"{url}{path}", timeout=timeout_s) as answer:
            return bool(json.load(answer).get("ok"))
    except (OSError, ValueError, http.client.HTTPException):
        return False
