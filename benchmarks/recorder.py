"""`python -m benchmarks.recorder`: what the recorder costs, and what it costs the server that it watches.

It starts the reference server in a VM with a small steady load, and takes windows with and without the recorder, in
pairs. About ten minutes; everything ends by itself, and what was measured is kept. It needs what a VM needs: root.

Exit codes: 0 measured, 2 wrong use or a machine that cannot, 130 interrupted.
"""

import argparse
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.closed_loop import RATE_PER_S
from benchmarks.errors import BenchmarkError
from benchmarks.pairs import Cost, Pair, cost
from benchmarks.recorder_page import markdown
from benchmarks.report import commit
from benchmarks.servers import within
from profiles import machine, processes
from profiles.backends import best_backend, walls_of
from profiles.errors import OomproofError
from profiles.health import healthy
from profiles.run_folder import RunFolder
from profiles.vm import recording
from profiles.vm_size import MIB, VmSize
from profiles.walls import NAME_PREFIX, Walls

ROOT = Path(__file__).resolve().parent.parent
SETTLE_S = 0.5
"""Between a recorder's start or end and the window: what it does once is not what it costs."""
PATH = "/api/health"


@dataclass(frozen=True)
class Case:
    """So many samples a second of so many processes; none a second is a pair of windows without a recorder."""

    sample_hz: int
    processes: int

    @property
    def name(self) -> str:
        """What the report calls it."""
        watched = f"{self.sample_hz} Hz" if self.sample_hz else "noise"
        return f"{watched}, {self.processes} process{'es' if self.processes > 1 else ''}"


CASES = (Case(0, 1), Case(10, 1), Case(10, 40), Case(50, 1), Case(50, 40))


class _Target:
    """The server in its VM, and how a window of it is taken."""

    def __init__(self, walls: Walls, size: VmSize, server: subprocess.Popen[bytes], url: str) -> None:
        self._walls = walls
        self._size = size
        self._server = server
        self._url = url

    def pair(self, case: Case, seconds: float, number: int) -> Pair:
        """Take a window with and one without, the first of them by turns.

        Raises:
            BenchmarkError: the server or the client failed.
        """
        watched: tuple[list[float], float | None, float | None] = ([], None, None)
        unwatched: list[float] = []
        for with_recorder in (True, False) if number % 2 else (False, True):
            if with_recorder and case.sample_hz:
                watched = self._watched(case, seconds)
            elif with_recorder:
                watched = (self._window(seconds), None, None)
            else:
                unwatched = self._window(seconds)
        return Pair(watched[0], unwatched, watched[1], watched[2])

    def _watched(self, case: Case, seconds: float) -> tuple[list[float], float | None, float | None]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with recording(folder, self._walls, self._size, sample_hz=case.sample_hz) as vm:
                vm.tell(f"server {self._server.pid}")
                began_t = time.monotonic() + SETTLE_S
                latencies_us = self._window(seconds)
            samples = [sample for sample in RunFolder(folder).samples if sample.t >= began_t]
        if len(samples) < 2 or samples[-1].processes != case.processes:
            raise BenchmarkError(f"{case.name}: the recorder saw {samples[-1:]}")
        used_s = (samples[-1].recorder_cpu_s or 0.0) - (samples[0].recorder_cpu_s or 0.0)
        rss_mb = max(sample.recorder_rss_bytes or 0.0 for sample in samples) / MIB
        return latencies_us, used_s / (samples[-1].t - samples[0].t), rss_mb

    def _window(self, seconds: float) -> list[float]:
        time.sleep(SETTLE_S)
        command = processes.python_module("benchmarks.closed_loop", self._url + PATH, seconds)
        client = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=seconds + 60
        )
        if client.returncode != 0 or self._server.poll() is not None:
            raise BenchmarkError(f"client: {client.stderr.strip().splitlines()[-1:]}")
        return [float(latency) for latency in client.stdout.split()]


@contextmanager
def _target(count: int) -> Iterator[_Target]:
    """The reference server in a VM with so many processes in all."""
    size = VmSize(1024, os.cpu_count() or 1, float(os.cpu_count() or 1))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        walls = walls_of(best_backend(), f"{NAME_PREFIX}{os.getpid()}-{time.monotonic_ns()}", folder)
        started: list[subprocess.Popen[bytes]] = []
        try:
            walls.create(size)
            url = f"http://127.0.0.1:{processes.free_port()}"
            settings = {
                "HOST": "127.0.0.1",
                "PORT": url.rpartition(":")[2],
                "DOCSTORE_DIR": str(folder / "store"),
            }
            commands = [processes.python_module("reference_server"), *[["sleep", "3600"]] * (count - 1)]
            environment = {**os.environ, **settings}
            for command in commands:
                log = folder / "server.log"
                started.append(processes.start(command, log, environment=environment, in_child=walls.join))
            within(60.0, f"server: not healthy: {folder}", lambda: healthy(url, timeout_s=1.0))
            yield _Target(walls, size, started[0], url)
        finally:
            walls.destroy()
            for process in started:
                processes.stop(process)


def _measure(options: argparse.Namespace, load_average: float) -> None:
    costs: list[Cost] = []
    for case in CASES:
        with _target(case.processes) as target:
            pairs = []
            for number in range(options.pairs):
                pairs.append(target.pair(case, options.seconds, number))
                _say(f"{case.name}: pair {number + 1} of {options.pairs}")
        costs.append(cost(case.name, case.sample_hz, case.processes, pairs))
        _save(options, costs, load_average)


def _save(options: argparse.Namespace, costs: Sequence[Cost], load_average: float) -> None:
    value = {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", "-m", "benchmarks.recorder", *options.given]),
        "commit": commit(),
        "machine": machine.describe(),
        "backend": best_backend(),
        "load_average": load_average,
        "rate_per_s": RATE_PER_S,
        "window_s": options.seconds,
        "cases": [asdict(one) for one in costs],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "result.json").write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    (options.out / "recorder.md").write_text(markdown(value), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = _parse(sys.argv[1:] if argv is None else argv)
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, signal.default_int_handler)
    try:
        _measure(options, round(os.getloadavg()[0], 1))
    except (BenchmarkError, OomproofError) as error:
        _say(str(error))
        return 2
    except OSError as error:
        _say(f"{error.filename or options.out}: {error.strerror}")
        return 2
    except KeyboardInterrupt:
        _say(f"interrupted; the cases that were measured are in {options.out}")
        return 130
    sys.stdout.write((options.out / "recorder.md").read_text(encoding="utf-8"))
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recorder", description=__doc__)
    parser.add_argument("--pairs", type=_whole, default=10, help="of windows a case (%(default)s)")
    parser.add_argument("--seconds", type=_whole, default=4, help="of a window (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "reports" / "bench-recorder", help="where the report goes"
    )
    options = parser.parse_args(argv)
    options.given = list(argv)
    return options


def _whole(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1.")
    return number


if __name__ == "__main__":
    sys.exit(main())
