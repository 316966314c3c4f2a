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
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.closed_loop import RATE_PER_S
from benchmarks.errors import BenchmarkError
from benchmarks.pairs import Cost, Pair, cost
from benchmarks.recorder_page import markdown
from benchmarks.report import commit
from benchmarks.watched_target import Target, Window, target
from profiles import machine
from profiles.backends import best_backend
from profiles.errors import OomproofError

ROOT = Path(__file__).resolve().parent.parent


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


def _pair(watched: Target, case: Case, seconds: float, number: int) -> Pair:
    """Take a window with and one without, the first of them by turns."""
    with_it = without = Window([])
    for with_recorder in (True, False) if number % 2 else (False, True):
        if not with_recorder:
            without = watched.unwatched(seconds)
        elif case.sample_hz:
            with_it = watched.recorded(case.sample_hz, seconds)
        else:
            with_it = watched.unwatched(seconds)
    used = with_it.cost
    cpu_share, rss_mb = (None, None) if used is None else (used.cpu_share, used.rss_mb)
    return Pair(with_it.latencies_us, without.latencies_us, cpu_share, rss_mb)


def _measure(options: argparse.Namespace, load_average: float) -> None:
    costs: list[Cost] = []
    for case in CASES:
        with target(case.processes) as watched:
            pairs = []
            for number in range(options.pairs):
                pairs.append(_pair(watched, case, options.seconds, number))
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
