"""The target of a run: a server, started inside the VM and restarted as its machine would be."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from profiles import processes
from profiles.errors import OomproofError, RunError
from profiles.event_log import EventLog
from profiles.health import HEALTH_PATH, ailment
from profiles.heap_capture import capture_path, captured
from profiles.vm import Vm

START_WITHIN_S = 60.0
RECORDED_WITHIN_S = 1.0
"""By then the recorder has read the kernel's line about a kill: it looks ten times a second."""
MOST_RESTARTS = 10
"""Fly's restart policy gives up after ten tries."""
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH")
"""What a server gets of our environment. Anything else, such as OMP_NUM_THREADS, must stand in its scenario."""


@dataclass
class Server:
    """A server in a VM; `health` is the path that it answers when it is healthy."""

    vm: Vm
    command: list[str]
    port: int
    log: Path
    settings: Mapping[str, str]
    events: EventLog
    heap: Path | None = None
    health: str = HEALTH_PATH
    restarts: int = 0
    starting: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process, also when it has ended; None before it was started."""
        return None if self.process is None else self.process.pid

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RunError: it ended, or did not answer in time.
        """
        self._spawn("started")
        deadline = time.monotonic() + START_WITHIN_S
        while not self.became_ready():
            if (status := self.ended()) is not None:
                self.events.write("exited", returncode=status, pid=self.pid)
                raise RunError(self._early_end(status))
            if time.monotonic() > deadline:
                raise RunError(self._silence())
            time.sleep(0.05)

    def restart(self) -> None:
        """Empty the VM and start again, as a machine restart does; does not wait for it to be ready.

        Raises:
            RunError: what was left of it would not die.
        """
        self.vm.empty()
        self.restarts += 1
        self._spawn("restarted")

    def became_ready(self) -> bool:
        """Return, once a start, whether it answers by now."""
        if not self.starting or self._ailment() is not None:
            return False
        self.starting = False
        self.events.write("ready")
        return True

    def _ailment(self) -> str | None:
        return ailment(self.url, self.health, timeout_s=1.0)

    def _early_end(self, status: int) -> str:
        if status == -signal.SIGKILL and self.vm.walls.read().oom_kills:
            time.sleep(RECORDED_WITHIN_S)
            return f"server: killed for memory while starting, in {self.vm.size.memory_mb} MB. Give it more --memory."
        return f"server: ended with status {status} while starting: {processes.last_line(self.log)}. See {self.log}."

    def _silence(self) -> str:
        """Say why nobody can use a server that runs: it listens elsewhere, or answers something else."""
        said = processes.last_line(self.log)
        return (
            f"server: not healthy on {self.url}{self.health} within {START_WITHIN_S:g} s: {self._ailment()}. "
            f"Its log ends: {said}. It must listen on PORT ({self.port}); see also target.port and target.health."
        )

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
        try:
            self.process = self.vm.start_server(self._command(), self.log, environment)
        except (
            OSError
        ) as error:  # such as a script without its first line: what is not there was found before
            why = error.strerror
            raise OomproofError(f"server: {self.command[0]}: {why}. Name its interpreter.") from None
        self.starting = True
        self.events.write(event, pid=self.process.pid)

    def _command(self) -> list[str]:
        if self.heap is None:
            return self.command
        capture = capture_path(self.heap.parent, self.restarts)
        self.events.write("capturing", file=capture.name, wall_s=time.time())
        return captured(self.command, capture)
