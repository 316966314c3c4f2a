"""Invented heap records: small, believable and made up. No figure in them was measured."""

from __future__ import annotations

from typing import Any

from profiles.heap_record import HeapRecord, Held

MB = 2**20


def held(where: str, size_mb: float, count: int = 10, **changes: Any) -> Held:
    """A line such as `app/store.py:30 keep` that held so many MB."""
    place, _, function = where.partition(" ")
    file, _, line = place.partition(":")
    given: dict[str, Any] = {
        "file": file, "line": int(line or 0), "function": function, "origin": "own",
        "innermost": f"{file}:{line} {function}", "bytes": round(size_mb * MB), "count": count,
    }  # fmt: skip
    return Held.model_validate({**given, **changes})


def heap(*sites: Held, **changes: Any) -> HeapRecord:
    """A heap that lists these lines, and had nothing else."""
    given: dict[str, Any] = {
        "scenario": "cached", "capture": "heap.bin", "sites": sites, "peak_bytes": sum(site.bytes for site in sites),
        "python_allocator": "pymalloc", "ended_whole": True,
    }  # fmt: skip
    return HeapRecord.model_validate({**given, **changes})
