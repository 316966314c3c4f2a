"""Two profiled runs read for their difference, from what their heap.json remembers: an old pair tells it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from profiles.errors import OomproofError
from profiles.gate.heap_difference import HeapDifference, heap_difference
from profiles.heap_record import HEAP_FILE, HeapRecord, read_heap
from profiles.run_folder import RunFolder


def read_heap_difference(base: Path, head: Path) -> HeapDifference:
    """Return the difference between two run folders that were captured, by what their heap.json remembers.

    Raises:
        OomproofError: a folder remembers no heap.
        RunFolderError: a file of a run is damaged.
    """
    records = _record(base), _record(head)
    runs = RunFolder(base).run, RunFolder(head).run
    return heap_difference(*records, notes=(*_other_conditions(*runs), *_doubts(*records)))


def _doubts(base: HeapRecord, head: HeapRecord) -> Iterator[str]:
    if base.scenario != head.scenario:
        yield f"Two scenarios: base played {base.scenario}, head {head.scenario}."
    if base.python_allocator != head.python_allocator:
        yield f"Python's allocator was {base.python_allocator} in base and {head.python_allocator} in head."
    for side, record in (("base", base), ("head", head)):
        if record.ended_whole is False:
            yield f"{side}: the capture ends with a kill."
        for note in record.notes:
            yield f"{side}: {note}"


def _record(folder: Path) -> HeapRecord:
    record = read_heap(folder)
    if record is None:
        raise OomproofError(
            f"{folder}: no {HEAP_FILE} that can be read. Give the folder of a profiled run, or read its capture with "
            f"`oomproof profile --again {folder}`."
        )
    if not record.sites:
        why = record.notes[0].rstrip(".") if record.notes else "no line of it held anything"
        raise OomproofError(f"{folder}: nothing is known of its heap ({why}). Profile it again.")
    return record


def _other_conditions(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[str]:
    """Only the code may differ: the same load with the same seed, on the same document and Python."""
    for what, *path in (
        ("load", "scenario", "load"),
        ("document", "document_sha256"),
        ("Python", "machine", "python"),
    ):
        one, other = _at(base, path), _at(head, path)
        if isinstance(one, dict) and isinstance(other, dict):
            for key in {**one, **other}:
                if one.get(key) != other.get(key):
                    yield f"The {what} differs: {key} {one.get(key)} in base, {other.get(key)} in head."
        elif one != other:
            yield f"The {what} differs: {one} in base, {other} in head."


def _at(table: Any, path: Iterable[str]) -> Any:
    for key in path:
        table = table.get(key) if isinstance(table, dict) else None
    return table
