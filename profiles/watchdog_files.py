"""What the watchdog and those who ask of it share: three small files in a folder of the run."""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass
from pathlib import Path

FOLDER = "watchdog"
"""In the run folder, while the run lasts."""
MEMBERS = "members"
STATE = "state"
CPUS = "cpus"
_WIDTH = 160


@dataclass(frozen=True)
class State:
    """What the watchdog last saw; `t` is the monotonic clock, `stopped_s` how long the VM waited for its CPU share."""

    t: float
    held_bytes: int
    limit_bytes: int
    oom_kills: int
    cpu_s: float
    stopped_s: float


class StateWriter:
    """Keeps the state file open and writes it anew, in place; the number at both ends shows a torn reading."""

    def __init__(self, folder: Path) -> None:
        self._fd = os.open(folder / STATE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._number = 0

    def write(self, state: State) -> None:
        """Write it; raises OSError where the disk does not take it."""
        self._number += 1
        words = " ".join(map(str, (self._number, *astuple(state), self._number)))
        os.pwrite(self._fd, words.ljust(_WIDTH).encode() + b"\n", 0)


def read_state(folder: Path, tries: int = 3) -> State | None:
    """Return the state; None when there is none."""
    for _ in range(tries):
        try:
            words = (folder / STATE).read_bytes().split()
        except OSError:
            return None
        try:
            first, t, held, limit, kills, cpu_s, stopped_s, last = words
            if first == last:
                return State(float(t), int(held), int(limit), int(kills), float(cpu_s), float(stopped_s))
        except ValueError:
            continue
    return None


def write_cpus(folder: Path, cpus: float) -> None:
    """Ask for `cpus` cores' worth of CPU from now on; raises OSError."""
    handle = os.open(folder / CPUS, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.pwrite(handle, f"{cpus:16.6f}\n".encode(), 0)
    finally:
        os.close(handle)


def read_cpus(folder: Path) -> float | None:
    """Return what was last asked for; None where that cannot be read."""
    try:
        return float((folder / CPUS).read_bytes())
    except (OSError, ValueError):
        return None
