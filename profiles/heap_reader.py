"""A capture read, in a process of its own: it takes memory and minutes, and a damaged file may end its reader.

`python -m profiles.heap_reader CAPTURE OUT [--at MS …] [--marks MS MS MS] [--sessions N]`; times are memray's, ms of
the wall clock. What is known after each step is in OUT, so that a reader which is ended in the middle leaves the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles.heap_record import Place
from profiles.heap_sites import Interval, place_of, sites_grown, sites_held

if TYPE_CHECKING:
    from memray import FileReader, MemorySnapshot

MOST_SITES = 30
TIMELINE_POINTS = 600
COARSE_SNAPSHOTS = 2000
"""Over two waves allocations are told apart by so many snapshots: finer ones cost memory and tell no more."""
_EVERY_SNAPSHOT = 2**31 - 1
_MEMORY_SHARE = 0.5
"""How much of this machine's memory reading may take."""
_MMAP = 14


def read_capture(
    capture: Path, out: Path, at_ms: Sequence[int], marks_ms: Sequence[int], sessions: int | None
) -> None:
    """Read the capture, step by step, into `out`.

    Raises:
        OSError: it is not a capture, or cannot be read.
    """
    from memray import FileReader  # noqa: PLC0415 - what the rest needs of this module needs no memray

    known: dict[str, Any] = {}
    with FileReader(capture, max_memory_records=_EVERY_SNAPSHOT) as reader:
        _save(out, known, _whole(reader, at_ms))
        _save(out, known, _peak(reader))
    if marks_ms:
        with FileReader(capture, max_memory_records=COARSE_SNAPSHOTS) as reader:
            _save(out, known, _waves(reader, marks_ms, sessions))


def _whole(reader: FileReader, at_ms: Sequence[int]) -> dict[str, Any]:
    """What the capture is, how heap and RSS went, and what they were at the moments asked for."""
    snapshots = list(reader.get_memory_snapshots())
    about = reader.metadata
    highest = max(snapshots, key=lambda snapshot: snapshot.heap, default=None)
    return {
        "allocations": about.total_allocations,
        "python_allocator": about.python_allocator,
        "peak_bytes": about.peak_memory,
        "ended_ms": round(about.end_time.timestamp() * 1000),
        "first": snapshots[:1],
        "last": snapshots[-1:],
        "highest": [highest] if highest else [],
        "at": [_at(snapshots, ms) for ms in at_ms],
        "timeline": _thinned(snapshots),
    }


def _at(snapshots: Sequence[MemorySnapshot], ms: int) -> MemorySnapshot | None:
    index = bisect_right(snapshots, ms, key=lambda snapshot: snapshot.time)
    return snapshots[index - 1] if index else None


def _thinned(snapshots: Sequence[MemorySnapshot]) -> list[MemorySnapshot]:
    """The series with the lowest and the highest heap of every stretch, the first and the last."""
    stretch = max(1, -(-2 * len(snapshots) // TIMELINE_POINTS))
    kept = {0, len(snapshots) - 1} if snapshots else set()
    for start in range(0, len(snapshots), stretch):
        part = range(start, min(start + stretch, len(snapshots)))
        kept |= {min(part, key=lambda i: snapshots[i].heap), max(part, key=lambda i: snapshots[i].heap)}
    return [snapshots[index] for index in sorted(kept)]


def _peak(reader: FileReader) -> dict[str, Any]:
    """What each line held when the heap was largest."""
    root = str(Path.cwd())
    sites = sites_held(
        (place_of(record.stack_trace(), root), record.size, record.n_allocations)
        for record in reader.get_high_watermark_allocation_records(merge_threads=True)
    )
    rest = sites[MOST_SITES:]
    return {
        "sites": [site.model_dump() for site in sites[:MOST_SITES]],
        "other_sites": len(rest),
        "other_sites_bytes": sum(site.bytes for site in rest),
    }


def _waves(reader: FileReader, marks_ms: Sequence[int], sessions: int | None) -> dict[str, Any]:
    """What each line held before the first wave, after it, and after the second."""
    snapshots = list(reader.get_memory_snapshots())
    marks = [max(0, bisect_right(snapshots, ms, key=lambda shot: shot.time) - 1) for ms in marks_ms]
    sites = sites_grown(_intervals(reader), marks, sessions)
    return {
        "mark_heap_bytes": [snapshots[mark].heap for mark in marks],
        "grown": [site.model_dump() for site in sites[:MOST_SITES]],
    }


def _intervals(reader: FileReader) -> Iterator[tuple[Place, list[Interval]]]:
    root = str(Path.cwd())
    for record in reader.get_temporal_allocation_records(merge_threads=True):
        intervals = [
            Interval(
                lived.allocated_before_snapshot,
                lived.deallocated_before_snapshot,
                lived.n_allocations,
                lived.n_bytes,
                is_mapping=record.allocator == _MMAP,
            )
            for lived in record.intervals
        ]
        yield place_of(record.stack_trace(), root), intervals


def _save(out: Path, known: dict[str, Any], more: dict[str, Any]) -> None:
    known |= more
    aside = out.with_suffix(".tmp")
    aside.write_text(json.dumps(known), encoding="utf-8")
    aside.replace(out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the capture; a file that cannot be read is one line and status 1."""
    parser = argparse.ArgumentParser(prog="python -m profiles.heap_reader", description=__doc__)
    parser.add_argument("capture", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--at", type=int, nargs="*", default=[])
    parser.add_argument("--marks", type=int, nargs=3, default=[])
    parser.add_argument("--sessions", type=int)
    chosen = parser.parse_args(arguments)
    most = int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * _MEMORY_SHARE)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        read_capture(chosen.capture, chosen.out, chosen.at, chosen.marks, chosen.sessions)
    except (OSError, MemoryError) as error:
        print(error or "it needs more memory than half of this machine's", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
