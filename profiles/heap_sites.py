"""Whose line it was: allocations put at the program's own code, and what each line held over two waves."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from profiles.heap_record import NO_FRAME, Course, Grown, Held, Origin, Place

SMALLEST_BYTES = 16 * 1024
"""What a line grew by in a wave must be more than this to be shown: a list that doubles its room is no finding."""
SLOWED_SHARE = 0.5
"""A line that grew by less than this share of its first growth is slowing down, as a cache does that fills."""

Frame = tuple[str, str, int]
"""Function, file and line, as memray tells them; a stack has its innermost first."""
_NATIVE: Frame = ("", NO_FRAME, 0)
_STDLIB = re.compile(r"/lib(?:64)?/python3?\.?\d+t?/|/python\d+\.zip/")
_PACKAGES = re.compile(r"/(?:site|dist)-packages/")
POOL_BYTES = 2**20
"""The size of a mapping that Python's allocator takes for small objects (CPython's obmalloc, from 3.10 on)."""


class Interval(NamedTuple):
    """Allocations that lived from one snapshot to another; `freed` is None for those that were never freed."""

    allocated: int
    freed: int | None
    allocations: int
    size_bytes: int
    is_mapping: bool

    def alive_at(self, snapshot: int) -> bool:
        """Whether they lived when the snapshot was taken."""
        return self.allocated <= snapshot and (self.freed is None or self.freed > snapshot)

    @property
    def is_pool(self) -> bool:
        """Whether they are mappings of just the size of a pool for small objects."""
        return self.is_mapping and self.size_bytes == self.allocations * POOL_BYTES


@dataclass
class _Held:
    innermost: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    count: int = 0


@dataclass
class _Grown:
    innermost: Counter[str] = field(default_factory=Counter)
    held: list[int] = field(default_factory=lambda: [0, 0, 0])
    pools_bytes: int = 0


def origin_of(file: str) -> Origin:
    """Return whether a file is the program's own, a package's or Python's library's."""
    if _PACKAGES.search(file):
        return "package"
    return "stdlib" if file == NO_FRAME or file.startswith("<") or _STDLIB.search(file) else "own"


def place_of(stack: Sequence[Frame], root: str = "") -> Place:
    """Return the line that a stack is put at: the innermost own one, else of a package, else of the library.

    The tracker's own frames at the bottom are nobody's. Files are named from `root`, or from where they are installed.
    """
    frames = [frame for frame in stack if "/memray/" not in frame[1]] or [_NATIVE]
    for wanted in ("own", "package", "stdlib"):
        found = next((frame for frame in frames if origin_of(frame[1]) == wanted), None)
        if found is not None:
            break
    assert found is not None  # every frame has one of the three origins
    function, file, line = found
    inner_function, inner_file, inner_line = frames[0]
    innermost = f"{_short(inner_file, root)}:{inner_line} {inner_function}" if inner_line else inner_file
    above = frames[: frames.index(found)]
    importing = ", importing" if any("frozen importlib" in frame[1] for frame in above) else ""
    return Place(
        file=_short(file, root),
        line=line,
        function=function + importing,
        origin=origin_of(file),
        innermost=innermost,
    )


def sites_held(records: Iterable[tuple[Place, int, int]]) -> list[Held]:
    """Return what each line held, the most first, from places with their bytes and counts."""
    sites: dict[tuple[str, int, str, Origin], _Held] = defaultdict(_Held)
    for place, size, count in records:
        site = sites[(place.file, place.line, place.function, place.origin)]
        site.innermost[place.innermost] += size
        site.bytes += size
        site.count += count
    found = [
        Held.model_validate(
            {**_named(key), "innermost": _most(site.innermost), "bytes": site.bytes, "count": site.count}
        )
        for key, site in sites.items()
    ]
    return sorted(found, key=lambda held: (-held.bytes, held.name))


def sites_grown(
    records: Iterable[tuple[Place, Sequence[Interval]]], marks: Sequence[int], sessions: int | None
) -> list[Grown]:
    """Return the lines that grew in one of two waves, those first that grew most in the second.

    Args:
        records: places, each with how long its allocations lived.
        marks: the snapshots before the first wave, after it, and after the second.
        sessions: how many were played in the second wave; None where nobody knows.
    """
    sites: dict[tuple[str, int, str, Origin], _Grown] = defaultdict(_Grown)
    for place, intervals in records:
        site = sites[(place.file, place.line, place.function, place.origin)]
        for interval in intervals:
            for index, mark in enumerate(marks):
                site.held[index] += interval.size_bytes if interval.alive_at(mark) else 0
            if interval.alive_at(marks[-1]):
                site.innermost[place.innermost] += interval.size_bytes if interval.allocated > marks[0] else 0
                site.pools_bytes += interval.size_bytes if interval.is_pool else 0
            else:
                site.innermost[place.innermost] += 0
    found = [_grown(_named(key), site, sessions) for key, site in sites.items() if _course(site.held)]
    return sorted(found, key=lambda grown: (grown.after_1_bytes - grown.after_2_bytes, grown.name))


def _grown(named: dict[str, object], site: _Grown, sessions: int | None) -> Grown:
    before, after_1, after_2 = site.held
    course = _course(site.held)
    assert course is not None
    return Grown.model_validate(
        {
            **named,
            "innermost": _most(site.innermost),
            "before_bytes": before,
            "after_1_bytes": after_1,
            "after_2_bytes": after_2,
            "pools_bytes": site.pools_bytes,
            "bytes_per_session": round((after_2 - after_1) / sessions, 1) if sessions else None,
            "course": course,
        }
    )


def _course(held: Sequence[int]) -> Course | None:
    """How a line went over the two waves; None where neither is worth telling."""
    first, second = held[1] - held[0], held[2] - held[1]
    if second < SMALLEST_BYTES:
        return "stopped" if first >= SMALLEST_BYTES else None
    if first < SMALLEST_BYTES:
        return "late"
    return "grows" if second >= SLOWED_SHARE * first else "slows"


def _named(key: tuple[str, int, str, Origin]) -> dict[str, object]:
    return dict(zip(("file", "line", "function", "origin"), key, strict=True))


def _most(innermost: Counter[str]) -> str:
    return max(innermost, key=lambda name: (innermost[name], name))


def _short(file: str, root: str) -> str:
    if root and file.startswith(f"{root}/") and not _PACKAGES.search(file):
        return file.removeprefix(f"{root}/")
    for pattern in (_PACKAGES, _STDLIB):
        found = pattern.search(file)
        if found is not None:
            return file[found.end() :]
    return file
