"""The readers of a soak: our Locust load, for hours, started again when it dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from profiles import processes
from profiles.load import LOADTESTS
from profiles.load_processes import LoadProcesses
from profiles.soak.asked import MIX, SEED, SESSION_S, Asked
from profiles.soak.findings import Told

CHAPTERS_FILE = "chapters.json"
HEADERS_VARIABLE = "OOMPROOF_LOAD_HEADERS"
"""Where the load finds the headers: an environment is shown to nobody else."""
KEPT_FROM_LOAD = ("FLY_API_TOKEN", "FLY_ORG", "OOMPROOF_SOAK_HEADERS", "OOMPROOF_SOAK_WEBHOOK")
_SESSIONS = 10**9
"""So many follow each other: more than any soak has time for."""
_FIRST_DELAY_S, _LONGEST_DELAY_S = 5.0, 60.0
_WELL_AFTER_S = 600.0
"""A load that has lived so long is started again without a longer delay."""
_STOP_WITHIN_S = 20.0


def load_environment(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what our load finds in its environment: the headers, and no secret that it does not need."""
    known = {name: value for name, value in os.environ.items() if name not in KEPT_FROM_LOAD}
    return {**known, HEADERS_VARIABLE: json.dumps(dict(headers))} if headers else known


class Readers:
    """One load process at a time. `next_reader` is the number of the next life's first reader."""

    def __init__(self, folder: Path, asked: Asked, headers: Mapping[str, str], next_reader: int = 0) -> None:
        self._folder = folder
        self._asked = asked
        self._environment = load_environment(headers)
        self._process: subprocess.Popen[bytes] | None = None
        self._usage: LoadProcesses | None = None
        self._cpu_before_s = 0.0
        self._cpu_s = 0.0
        self._started_t, self._shift_s = 0.0, 0.0
        self._due_t: float | None = None
        self._delay_s = _FIRST_DELAY_S
        self.next_reader = next_reader

    def start(self, t: float, shift_s: float) -> None:
        """Start the load; its rows are then of the soak's axis."""
        first, self.next_reader = self.next_reader, self.next_reader + self._asked.readers
        self._process = processes.start(
            self._command(first, shift_s), self._folder / "load.log", environment=self._environment
        )
        self._usage = LoadProcesses(self._process.pid)
        self._started_t, self._due_t, self._shift_s = t, None, shift_s

    def look(self, t: float, shift_s: float) -> list[Told]:
        """Start the load again when it has died and its delay is over, or the axis was moved; return what happened."""
        if self._process is not None and self._process.poll() is not None:
            return [self._note_end(t, self._process.returncode)]
        if self._process is not None and shift_s != self._shift_s:  # its rows would be of another time
            self.stop()
            self._usage, self._cpu_before_s, self._due_t = None, self._cpu_s, t
        if self._due_t is not None and t >= self._due_t:
            first = self.next_reader
            try:
                self.start(t, shift_s)
            except OSError as error:  # no memory for another process, or no room for its log, just now
                self._delay(t)
                reason = f"could not be started: {error.strerror}"
                return [Told(t, "load_process_ended", {"returncode": None, "reason": reason})]
            return [Told(t, "load_started_again", {"first_reader": first})]
        return []

    def _note_end(self, t: float, returncode: int) -> Told:
        if t - self._started_t > _WELL_AFTER_S:
            self._delay_s = _FIRST_DELAY_S
        self._delay(t)
        self._process, self._usage = None, None
        self._cpu_before_s = self._cpu_s
        last = processes.last_line(self._folder / "load.log")
        return Told(t, "load_process_ended", {"returncode": returncode, "reason": last[:300]})

    def _delay(self, t: float) -> None:
        self._due_t, self._delay_s = t + self._delay_s, min(_LONGEST_DELAY_S, 2 * self._delay_s)

    def usage(self) -> dict[str, float | None]:
        """Return the columns of a sample."""
        values = {} if self._usage is None else self._usage.values()
        if (cpu_s := values.get("load_cpu_s")) is not None:
            self._cpu_s = self._cpu_before_s + cpu_s
            values = {**values, "load_cpu_s": self._cpu_s}
        return values

    def stop(self) -> None:
        """End the load, for good; its last rows are written by then."""
        self._due_t = None
        if self._process is not None:
            processes.stop(self._process, _STOP_WITHIN_S)
            self._process = None

    def _command(self, first_reader: int, shift_s: float) -> list[str]:
        asked, folder = self._asked, self._folder
        return [
            sys.executable, "-m", "locust", "-f", str(LOADTESTS / "locustfile.py"), "--headless",
            "--host", asked.target, "--users", str(asked.readers), "--spawn-rate", str(asked.readers),
            "--chapters-file", str(folder / CHAPTERS_FILE), "--mode", asked.mode, "--mix", MIX,
            "--pace", str(asked.pace), "--session-s", str(SESSION_S), "--sessions", str(_SESSIONS),
            "--seed", str(SEED), "--requests-file", str(folder / "requests.csv"),
            "--generator-file", str(folder / "generator.csv"), "--judged-elsewhere",
            "--first-reader", str(first_reader), f"--clock-shift-s={shift_s:.6f}",
        ]  # fmt: skip
