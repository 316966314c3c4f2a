"""`python -m benchmarks.suite.psutil_poll FILE HZ CALL PID…`: memory of processes, polled with psutil until ended.

The peer of the recorder, as one would write it: `CALL` is `memory_info` (RSS) or `memory_full_info` (USS and PSS
too), and each row is on disk before the next is taken. It is told the processes and looks for no others. A row is the
monotonic time, the CPU seconds that it used itself so far, and the sum of the processes' memory in bytes.
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TextIO

import psutil

Call = Literal["memory_info", "memory_full_info"]
CALLS: tuple[Call, ...] = ("memory_info", "memory_full_info")
SUM = {"memory_info": "rss", "memory_full_info": "uss"}
"""What is summed of an answer."""


def rows(call: Call, watched: Iterable[psutil.Process]) -> Iterator[tuple[float, float, int]]:
    """Yield a row whenever it is asked for, for ever.

    Raises:
        psutil.NoSuchProcess: one of the processes has ended.
    """
    field = SUM[call]
    asked = [getattr(process, call) for process in watched]
    while True:
        held_bytes = sum(getattr(ask(), field) for ask in asked)
        yield time.monotonic(), time.process_time(), held_bytes


def poll(out: TextIO, found: Iterator[tuple[float, float, int]], interval_s: float) -> None:
    """Write row after row, one each interval; what was missed stays missed."""
    due = time.monotonic()
    for row in found:
        out.write(",".join(map(str, row)) + "\n")
        out.flush()
        due = max(due + interval_s, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def main(argv: Sequence[str] | None = None) -> int:
    """Poll until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite.psutil_poll", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("hz", type=float)
    parser.add_argument("call", choices=CALLS)
    parser.add_argument("pids", type=int, nargs="+")
    chosen = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with chosen.file.open("w", encoding="ascii") as out:
        found = rows(chosen.call, [psutil.Process(pid) for pid in chosen.pids])
        poll(out, found, 1 / chosen.hz)
    return 0


if __name__ == "__main__":
    sys.exit(main())
