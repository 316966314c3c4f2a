"""`python -m benchmarks.suite`: what each part costs, each beside a peer measured in the same minutes.

The short form takes minutes and shows that everything can be measured; `--full` takes most of an hour on a machine that
does nothing else, and is for publishing. Results grow in build/bench; they are published when the machine was quiet
from the first case to the last, and stay aside, with the reasons, when it was not.

Exit codes: 0 published, 1 too noisy to publish or a case could not be measured, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.suite import publish, registry, result, runner
from benchmarks.suite.measured import Effort
from benchmarks.suite.result import Value
from profiles import machine

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = {True: ROOT / "reports" / "bench", False: ROOT / "reports" / "runs" / "bench"}
"""Where the results of the full form and of the short one go; git does not track the second."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parse(sys.argv[1:] if argv is None else argv)
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, signal.default_int_handler)
    try:
        plan = _plan(options)
        aside = publish.new_aside(ROOT)
    except (BenchmarkError, OSError) as error:
        _say(str(error))
        return 2
    value: Value = runner.begun(plan)

    def save(so_far: Value) -> None:
        nonlocal value
        value = so_far
        publish.save_json(so_far, aside)

    try:
        value = runner.run(plan, value, aside, _say, save)
        return _finish(value, options.out, aside)
    except KeyboardInterrupt:
        publish.save(value, aside)
        _say(f"interrupted; what was measured is in {_shown(aside)}")
        return 130
    except OSError as error:
        _say(f"{error.filename or options.out}: {error.strerror}; what was measured is in {_shown(aside)}")
        return 2
    finally:
        shutil.rmtree(aside / "work", ignore_errors=True)


def _plan(options: argparse.Namespace) -> runner.Plan:
    """What is to be run, with everything checked that can be before it is.

    Raises:
        BenchmarkError: something published would be lost, or the earlier result cannot be kept.
    """
    form = "full" if options.full else "short"
    kept: list[Value] = []
    if options.keep is not None:
        kept = result.kept_of(result.read(options.keep), options.cases or (), form, machine.describe())
    there = [case["name"] for case in kept]
    names = options.cases or [name for name in registry.CASES if name not in there]
    publish.check_free(options.out, [*names, *there], overwrite=options.overwrite, keep=options.keep)
    command = shlex.join(["python", "-m", "benchmarks.suite", *options.given])
    return runner.Plan(Effort(options.full), registry.measures(names), kept, registry.CASES, command)


def _finish(value: Value, out: Path, aside: Path) -> int:
    failed = [case["name"] for case in value["cases"] if case["error"] is not None]
    if reasons := result.why_not(value):
        publish.save(value, aside)
        for reason in reasons:
            _say(f"too noisy: {reason}")
        _say(
            f"not published; kept in {_shown(aside)}. --keep {_shown(aside)} measures only what is not good."
        )
        return 1
    publish.publish(value, out)
    sys.stdout.write((out / "bench.md").read_text(encoding="utf-8"))
    _say(f"published in {_shown(out)}")
    if not failed:
        shutil.rmtree(aside)
        return 0
    _say(f"not measured: {', '.join(failed)}; what they left is in {_shown(aside)}")
    return 1


def _shown(path: Path) -> str:
    here = path.resolve()
    return str(here.relative_to(ROOT) if here.is_relative_to(ROOT) else here)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.suite",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--full", action="store_true", help="the form for publishing: most of an hour")
    add("--cases", type=_cases, metavar="A,B", help=f"only these (all: {','.join(registry.CASES)})")
    add("--keep", type=Path, metavar="FOLDER", help="keep the good cases of this earlier result")
    add("--out", type=Path, help="where it goes (reports/bench, of the short form reports/runs/bench)")
    add("--overwrite", action="store_true", help="replace the result that is there")
    options = parser.parse_args(argv)
    options.out = options.out or OUT[options.full]
    options.given = list(argv)
    return options


def _cases(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in registry.CASES]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"{unknown[0]!r} is no case. Use some of {','.join(registry.CASES)}."
        )
    return [name for name in registry.CASES if name in names]


if __name__ == "__main__":
    sys.exit(main())
