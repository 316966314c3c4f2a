"""A load played more than once, as one process: what the second time adds is what a server does not give back.

`python -m profiles.waves FOLDER [--waves 2] -- COMMAND …` runs the command, waits until the VM is quiet, and runs it
again. The waves are the same to the last request, with the same seed: whatever a cache keeps by text, reader or
page is in it after the first, so what grows again is no cache that has filled. What this cannot tell from a cache is
a store without a bound that is keyed by what was asked: it stops too.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from profiles import processes
from profiles.errors import Terminated
from profiles.event_log import EventLog
from profiles.run_folder import RunFolder, Sample

QUIET_S = 4.0
"""A VM that used hardly any CPU for so long, and has no more processes than before, has done what it was asked."""
QUIET_CPU_SHARE = 0.05
QUIET_WITHIN_S = 60.0
"""A server that still works on after this is taken as it is; the report says so."""
_LOOK_EVERY_S = 0.5
_END_WITHIN_S = 8.0
REQUESTS_VARIABLE = "OOMPROOF_REQUESTS"
"""Where a load of somebody else's finds the file for its rows."""


def waves_command(command: Sequence[str], folder: Path, waves: int) -> list[str]:
    """Return the command that plays a load `waves` times into the run in `folder`."""
    return processes.python_module("profiles.waves", folder, "--waves", waves, "--", *command)


def longest_s(one_wave_s: float, waves: int) -> float:
    """Return how long `waves` waves of at most `one_wave_s` may take, quiet times included."""
    return one_wave_s if waves == 1 else waves * (one_wave_s + QUIET_WITHIN_S)


def play(command: Sequence[str], folder: Path, waves: int) -> int:
    """Play the waves, telling the run's events where each begins, ends and is settled; return the last exit status.

    A wave that fails is the last.
    """
    events, log, before = EventLog(folder), folder / "load.log", _processes_now(folder)
    for wave in range(1, waves + 1):
        events.write("wave_started", wave=wave)
        rows = folder / f"requests-{wave}.csv"
        load = processes.start(command, log, environment={**os.environ, REQUESTS_VARIABLE: str(rows)})
        try:
            status = load.wait()
        finally:
            processes.stop(load, _END_WITHIN_S)
            _append_rows(rows, folder / "requests.csv")
        events.write("wave_ended", wave=wave, returncode=status)
        if status != 0:
            return status
        since = time.monotonic()
        quiet = _await_quiet(folder, before)
        events.write("wave_settled", wave=wave, quiet=quiet, waited_s=round(time.monotonic() - since, 2))
    return 0


def _append_rows(rows: Path, to: Path) -> None:
    """Put a wave's own rows to the run's: a load that is somebody else's may begin its file anew each time."""
    try:
        head, _, lines = rows.read_bytes().partition(b"\n")
    except FileNotFoundError:  # our readers' file is named on their command line, and is appended to
        return
    with to.open("ab") as file:
        file.write(lines if file.tell() else head + b"\n" + lines)
    rows.unlink()


def _await_quiet(folder: Path, before: float | None) -> bool:
    since = time.monotonic()
    while (now := time.monotonic()) - since < QUIET_WITHIN_S:
        if now - since >= QUIET_S and is_quiet(RunFolder(folder).samples, now, before):
            return True
        time.sleep(_LOOK_EVERY_S)
    return False


def is_quiet(samples: Sequence[Sample], now: float, before: float | None) -> bool:
    """Return whether the VM has hardly used the CPU lately, and holds no more processes than `before`.

    Both are needed: what waits for a CPU share that is spent uses little too. What nobody measured is taken as quiet.
    """
    late = [sample for sample in samples if sample.t >= now - QUIET_S]
    if samples and not late:  # the recorder itself waits for the CPU: nobody can tell yet
        return False
    used = [(sample.t, sample.cpu_s) for sample in late if sample.cpu_s is not None]
    if before is not None and any(
        sample.processes is not None and sample.processes > before for sample in late
    ):
        return False
    if len(used) < 2:
        return True
    (first_t, first_s), (last_t, last_s) = used[0], used[-1]
    return last_s - first_s <= QUIET_CPU_SHARE * (last_t - first_t)


def _processes_now(folder: Path) -> float | None:
    counts = (sample.processes for sample in reversed(RunFolder(folder).samples))
    return next((count for count in counts if count is not None), None)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the waves; on SIGTERM the wave at hand is ended."""
    parser = argparse.ArgumentParser(prog="python -m profiles.waves", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--waves", type=int, default=2)
    parser.add_argument("command", nargs="+")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return play(chosen.command, chosen.folder, chosen.waves)
    except Terminated:
        return 128 + signal.SIGTERM


if __name__ == "__main__":
    sys.exit(main())
