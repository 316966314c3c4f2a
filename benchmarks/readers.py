"""`python -m benchmarks.readers`: what a cached reader costs the load generator, beside Locust's own users.

It makes the chunks (once), then runs each case: a server on one core, the load on another, readers who start over a
minute and are then observed. Everything ends by itself. The report is written anew after each case.

Exit codes: 0 measured, 1 a case could not be, 2 wrong use or no file server, 130 interrupted (what was measured is
kept).
"""

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cases import CASES, FEWEST_READERS, Case, Cores, cores_here, load_of, server_of
from benchmarks.errors import BenchmarkError
from benchmarks.figures import Conditions, Figures, figures
from benchmarks.generator import run
from benchmarks.nginx import find_nginx
from benchmarks.report import Benchmark, nginx_version, save
from benchmarks.store import Store, make_store
from profiles.local_servers import ending_orphans

ROOT = Path(__file__).resolve().parent.parent
FULL_WINDOW_S = 600.0


class _Bench:
    """The cases of one command, and what has been measured of them."""

    def __init__(self, options: argparse.Namespace, store: Store, cores: Cores, nginx: str | None) -> None:
        self._options = options
        self._store = store
        self._cores = cores
        self._nginx = nginx
        self._measured: list[Figures] = []

    def measure(self, case: Case, folder: Path) -> None:
        """Measures a case, with fewer readers again where they were not carried, and writes the report.

        Raises:
            BenchmarkError: the case could not be measured.
        """
        readers = self._options.readers * case.times
        for attempt in range(100):
            found = self._once(case, readers, folder / f"{attempt}")
            self._measured.append(found)
            self._save()
            _say(_line(found))
            readers //= 2
            if not (case.fewer and found.not_carried and readers >= FEWEST_READERS):
                return

    def _once(self, case: Case, readers: int, folder: Path) -> Figures:
        load_cores = self._cores.of_load(case.processes)
        conditions = Conditions(
            case.name,
            case.users,
            case.server,
            load_cores,
            (self._cores.server,),
            self._store.mean_block_s,
            round(os.getloadavg()[0], 1),
        )
        load = load_of(
            case, self._store, readers, self._options.ramp_s, self._options.seconds, folder / "load"
        )
        _say(f"{case.name}: {readers:,} readers, {load.run_s:.0f} s")
        with server_of(
            case, self._store, readers, self._nginx, self._cores.server, folder / "server"
        ) as server:
            return figures(conditions, load, run(load, server, load_cores, folder / "load"))

    def _save(self) -> None:
        options = self._options
        version = None if self._nginx is None else nginx_version(self._nginx)
        command = shlex.join(["python", "-m", "benchmarks.readers", *options.given])
        save(
            Benchmark(
                command,
                options.readers,
                options.seconds,
                options.ramp_s,
                self._store,
                version,
                self._measured,
            ),
            options.out,
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    options = _parse(sys.argv[1:] if argv is None else argv)
    for wanted in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # whoever started us in the background had the first ignored
        signal.signal(wanted, signal.default_int_handler)
    cases = [case for case in CASES if case.name in options.cases]
    try:
        with ending_orphans():
            cores = cores_here()
            nginx = find_nginx(_say) if any(case.server == "nginx" for case in cases) else None
            store = make_store(options.store, options.chunks, options.aligner, _say)
            return _run_all(cases, _Bench(options, store, cores, nginx))
    except BenchmarkError as error:
        _say(str(error))
        return 2
    except OSError as error:
        _say(f"{error.filename or options.out}: {error.strerror}")
        return 2
    except KeyboardInterrupt:
        _say(f"interrupted; what was measured is in {options.out}")
        return 130


def _run_all(cases: Sequence[Case], bench: _Bench) -> int:
    folder, failed = Path(tempfile.mkdtemp(prefix="bench-readers-")), False
    try:
        for case in cases:
            try:
                bench.measure(case, folder / case.name)
            except BenchmarkError as error:
                _say(f"{case.name}: {error}")
                failed = True
    finally:
        if not failed:  # the logs of a case that could not be measured say why
            shutil.rmtree(folder)
    return int(failed)


def _line(found: Figures) -> str:
    carried = found.not_carried or "carried"
    return (
        f"{found.name}: {found.readers:,} readers, {100 * found.cpu_share:.0f} % of a core, {found.rss_mb:.0f} MiB, "
        f"{found.failures} failures, {found.requests_per_s:.0f} requests/s: {carried}"
    )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readers", description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--readers", type=_whole, default=5000, help="of one process (%(default)s)")
    parser.add_argument(
        "--seconds", type=_whole, default=180, help="how long they are observed (%(default)s)"
    )
    parser.add_argument("--full", action="store_true", help=f"observe for {FULL_WINDOW_S:.0f} s")
    parser.add_argument("--ramp-s", type=_whole, default=60, help="over how long they start (%(default)s)")
    parser.add_argument("--chunks", type=_whole, default=1000, help="of the document (%(default)s)")
    parser.add_argument(
        "--cases", nargs="+", choices=names, default=names, metavar="CASE", help=", ".join(names)
    )
    parser.add_argument(
        "--aligner", choices=("embedded", "none"), default="embedded", help="what times the chunks' words"
    )
    parser.add_argument("--store", type=Path, default=ROOT / ".cache" / "bench-readers", help="kept chunks")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "reports" / "bench-readers", help="where the report goes"
    )
    options = parser.parse_args(argv)
    options.given = list(argv)
    if options.full:
        options.seconds = FULL_WINDOW_S
    return options


def _whole(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1.")
    return number


if __name__ == "__main__":
    sys.exit(main())
