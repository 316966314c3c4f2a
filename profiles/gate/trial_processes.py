"""Trials as processes: so many at once and no more, what goes on is told, and none is left running."""

from __future__ import annotations

import math
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiles import processes
from profiles.backends import remove_stale
from profiles.errors import (
    EXIT_INTERRUPTED,
    EXIT_INVALID,
    EXIT_OK,
    EXIT_USAGE,
    OomproofError,
    RunError,
    Terminated,
)
from profiles.gate.trial import Trial
from profiles.progress import Progress
from profiles.report_text import count

LOOK_EVERY_S = 0.05
STOP_WITHIN_S = 30.0
"""A trial that was told to end has its VM to end, which takes a second or two; what takes longer hangs."""
_MINUTE_S = 60.0


@dataclass(frozen=True)
class TrialProcesses:
    """Runs trials, `at_once` at the same time.

    Attributes:
        work: where what a trial is told lies while it runs.
        at_once: how many.
        check: raises when what all of them need is gone.
        progress: where a person reads how far it is.
    """

    work: Path
    at_once: int
    check: Callable[[], None]
    progress: Progress

    def run(self, trials: Sequence[Trial]) -> None:
        """Run them in this order. A run that broke leaves its folder, to be judged as it is, and its log beside it.

        Raises:
            OomproofError: what no other run would mend, such as a mistake of the user's. Nothing is left running.
        """
        waiting, running = deque(trials), dict[subprocess.Popen[bytes], tuple[Trial, float]]()
        took_s, began = list[float](), time.monotonic()
        try:
            while waiting or running:
                while waiting and len(running) < self.at_once:
                    trial = waiting.popleft()
                    running[self._start(trial)] = trial, time.monotonic()
                time.sleep(LOOK_EVERY_S)
                self.check()
                for process in [process for process in running if process.poll() is not None]:
                    trial, started = running.pop(process)
                    self._check_end(trial, process)
                    took_s.append(time.monotonic() - started)
                names = [trial.folder.name for trial, _ in running.values()]
                left = _left(took_s, len(trials), self.at_once, time.monotonic() - began)
                self.progress.tell(f"{_done(len(took_s), len(trials), names)}{left}")
        finally:
            _stop_all(running)

    def _start(self, trial: Trial) -> subprocess.Popen[bytes]:
        trial.folder.parent.mkdir(parents=True, exist_ok=True)
        trial.store.mkdir(parents=True, exist_ok=True)
        told = self.work / f"{trial.folder.parent.name}-{trial.folder.name}.json"
        told.write_text(trial.to_json(), encoding="utf-8")
        return processes.start(processes.python_module("profiles.gate.trial", told), log_of(trial))

    def _check_end(self, trial: Trial, process: subprocess.Popen[bytes]) -> None:
        status, log = processes.stop(process), log_of(trial)
        said = f"{trial.scenario.name}: {trial.folder.name}: {_last_words(status, log)}"
        if status < 0:
            remove_stale()  # its VM outlived it
        if status == EXIT_OK and log.stat().st_size == 0:
            log.unlink()
        elif trial.folder.exists() and (status in (EXIT_OK, EXIT_INVALID) or status < 0):
            self.progress.line(said)
        elif status == EXIT_INTERRUPTED:
            raise Terminated
        else:
            raise (OomproofError if status == EXIT_USAGE else RunError)(said)


def log_of(trial: Trial) -> Path:
    """Return where a trial's own words are; a trial that had nothing to say leaves no log."""
    return trial.folder.with_name(f"{trial.folder.name}.log")


def _last_words(status: int, log: Path) -> str:
    if status < 0:
        return f"ended by signal {-status} ({signal.strsignal(-status)}), which nobody here sent."
    said = processes.last_line(log)
    return said if status in (EXIT_OK, EXIT_INVALID, EXIT_USAGE) else f"{said.rstrip('.')}. See {log}."


def _done(done: int, of: int, names: Sequence[str]) -> str:
    return f"{done} of {count(of, 'run', 'runs')} done" + (
        f", {' and '.join(names)} going on" if names else ""
    )


def _left(took_s: Sequence[float], of: int, at_once: int, elapsed_s: float) -> str:
    """About how long it still takes, once a run has told how long one takes."""
    if not took_s or len(took_s) == of:
        return ""
    left_s = max(0.0, math.ceil(of / at_once) * sum(took_s) / len(took_s) - elapsed_s)
    return (
        f", about {left_s:.0f} s left"
        if left_s < 2 * _MINUTE_S
        else f", about {left_s / _MINUTE_S:.0f} min left"
    )


def _stop_all(running: Iterable[subprocess.Popen[bytes]]) -> None:
    """All are told before one is waited for: each has a VM to end."""
    for process in running:
        process.terminate()
    if -signal.SIGKILL in [processes.stop(process, STOP_WITHIN_S) for process in running]:
        remove_stale()
