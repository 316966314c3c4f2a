"""The target of a run: the reference server, started inside the VM and restarted as its machine would be."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from profiles import processes
from profiles.errors import RunError
from profiles.event_log import EventLog
from profiles.vm import Vm

START_WITHIN_S = 60.0


@dataclass
class Server:
    """The reference server in a VM."""

    vm: Vm
    command: list[str]
    port: int
    log: Path
    environment: dict[str, str]
    events: EventLog
    heap: Path | None = None
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RunError: it ended, or did not answer in time.
        """
        self.process = self.vm.start_server(self._command(), self.log, self.environment)
        self.events.write("started" if self.restarts == 0 else "restarted", pid=self.process.pid)
        deadline = time.monotonic() + START_WITHIN_S
        while not healthy(self.url):
            if self.process.poll() is not None:
                raise RunError(f"server: ended while starting: {processes.last_line(self.log)}")
            if time.monotonic() > deadline:
                raise RunError(
                    f"server: no answer on {self.url} within {START_WITHIN_S:g} s. See {self.log}."
                )
            time.sleep(0.05)
        self.events.write("ready")

    def _command(self) -> list[str]:
        if self.heap is None:
            return self.command
        capture = self.heap if self.restarts == 0 else self.heap.with_suffix(f".{self.restarts}.bin")
        return processes.python_module("memray", "run", "-o", capture, *self.command[1:])

    def ended(self) -> int | None:
        """Return its exit status once it has ended (a signal is negative), else None."""
        return None if self.process is None else self.process.poll()

    def restart(self) -> None:
        """Empty the VM and start again, as a machine restart does."""
        self.vm.empty()
        self.restarts += 1
        self.start()

    def stop(self) -> None:
        """End it gently: a heap capture is whole only after SIGINT."""
        if self.process is not None:
            status = processes.stop(self.process, within_s=60.0 if self.heap else 10.0)
            self.events.write("stopped", returncode=status)


def healthy(url: str, timeout_s: float = 5.0) -> bool:
    """Return whether the server says that it is healthy."""
    try:
        with urllib.request.urlopen(f"{url}/api/health", timeout=timeout_s) as answer:  # noqa: S310  # a loopback URL made here
            return bool(json.load(answer).get("ok"))
    except (OSError, ValueError, urllib.error.URLError):
        return False
