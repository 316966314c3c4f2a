"""`python -m benchmarks.options_publish`: what the runs of the options left behind, made fit for a repository.

memray's flame graphs have megabytes each and name every file of the machine's Python by its folder, and logs name the
folder that a run was written to. The graphs go (`heap.bin`, which git ignores, can draw them again), and so do the
captures of restarted servers; folders are told from the repository's root. No figure and no evidence is touched.
`benchmarks.options` does this itself; the command is for runs that were made elsewhere.

Exit codes: 0 done, 2 a file cannot be read or written.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from profiles.heap import write_heap_report
from profiles.heap_flame import OVER_TIME_PAGE, PEAK_PAGE
from profiles.heap_record import read_heap
from profiles.report_text import count

OUT = Path(__file__).resolve().parent.parent / "reports" / "options"
DRAWING_LOG = "memray.log"
LEFT_OUT = "The flame graphs are not published. Draw them anew with a run of your own."
_ABOVE = re.compile(rb"(?<![\w.])/[^\s\"':]*/(?:(?=reports/options/)|(?=\.venv/))")


def make_publishable(folder: Path) -> bool:
    """Take out of a run's folder what no repository should have; return whether anything was there.

    Raises:
        OSError: a file cannot be read or written.
    """
    graphs = [page for name in (PEAK_PAGE, OVER_TIME_PAGE) if (page := folder / name).exists()]
    later = sorted(folder.glob("heap.*.bin"))  # of restarted servers: nothing reads them
    for file in (*graphs, *later):
        file.unlink()
    if graphs:
        (folder / DRAWING_LOG).unlink(missing_ok=True)
    record = read_heap(folder) if graphs else None
    if record is not None:
        none = {"flame_graph": None, "flame_graph_over_time": None, "notes": (*record.notes, LEFT_OUT)}
        write_heap_report(record.model_copy(update=none), folder)
    renamed = [_told_from_the_root(log) for log in sorted(folder.glob("*.log"))]
    return bool(graphs or later) or any(renamed)


def _told_from_the_root(log: Path) -> bool:
    was = log.read_bytes()
    now = _ABOVE.sub(b"", was)
    if now != was:
        log.write_bytes(now)
    return now != was


def main(argv: Sequence[str] | None = None) -> int:
    """Goes through all runs; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.options_publish",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, default=OUT, help="where the runs are")
    options = parser.parse_args(argv)
    try:
        changed = [run for run in sorted(options.out.glob("balance-*/*/")) if make_publishable(run)]
    except OSError as error:
        print(f"options_publish: {error}", file=sys.stderr)
        return 2
    print(f"{count(len(changed), 'run', 'runs')} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
