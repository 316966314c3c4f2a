"""What `heap.json` holds: who held the server's memory, when, and what a capture cannot tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

HEAP_FILE = "heap.json"
NO_FRAME = "native code, outside any Python frame"
"""Whose memory it is that a thread without a Python frame asked for."""

Origin = Literal["own", "package", "stdlib"]
Course = Literal["grows", "slows", "stopped", "late"]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True)


class Place(_Table):
    """A line of code that asked for memory.

    The innermost line of the program's own where its stack has one (`origin` `own`), else of a package that it
    uses, else of Python's library; `innermost` is the frame that called the allocator, in its own words.
    """

    file: str
    line: int
    function: str
    origin: Origin
    innermost: str

    @property
    def name(self) -> str:
        """The line as a report shows it."""
        return f"{self.file}:{self.line} {self.function}" if self.line else self.file


class Held(Place):
    """What a line held: bytes asked for and not given back, in so many allocations."""

    bytes: int
    count: int


class Grown(Place):
    """What a line held before the first wave and after each, once the server was quiet.

    `course`: `grows` with both waves, `slows` (less than half as much the second time), `stopped` after the first,
    `late` (only in the second). `pools_bytes` is how much of what it holds at the end has the size of the pools of
    Python's own allocator, which stand at the line that needed a new one and not at those that fill it.
    """

    before_bytes: int
    after_1_bytes: int
    after_2_bytes: int
    pools_bytes: int
    bytes_per_session: float | None
    course: Course


class Waves(_Table):
    """The load played twice: the `sessions` of each wave (None: not counted), and what was held at three moments.

    `t_s` and `heap_bytes` are before the first wave, after it and after the second; `quiet` says of each wave
    whether the server had come to rest before its moment.
    """

    sessions: tuple[int, int] | None
    t_s: tuple[float, float, float]
    heap_bytes: tuple[int, int, int]
    quiet: tuple[bool, bool]
    sites: tuple[Grown, ...]


class Moment(_Table):
    """The server's heap beside the VM at one moment; what nobody measured is None.

    `name`: `heap_peak`, `vm_peak` (most anonymous memory), `end` (the server was killed or ended by itself).
    """

    name: Literal["heap_peak", "vm_peak", "end"]
    t_s: float | None
    heap_bytes: int
    memray_rss_bytes: int | None = None
    server_rss_bytes: float | None = None
    children: int | None = None
    children_rss_bytes: float | None = None
    anon_bytes: float | None = None
    vm_bytes: float | None = None


class HeapRecord(_Table):
    """One capture, read. Times `t_s` are seconds since the load started, bytes are bytes."""

    scenario: str
    capture: str
    capture_bytes: int | None = None
    allocations: int | None = None
    python_allocator: str | None = None
    ended_whole: bool | None = None
    captured_from_s: float | None = None
    captured_to_s: float | None = None
    rss_at_start_bytes: int | None = None
    peak_bytes: int | None = None
    moments: tuple[Moment, ...] = ()
    sites: tuple[Held, ...] = ()
    other_sites: int = 0
    other_sites_bytes: int = 0
    waves: Waves | None = None
    no_waves: str | None = None
    timeline: tuple[tuple[float, int, int], ...] = ()
    """`t_s`, heap in bytes, RSS in bytes as memray saw it."""
    flame_graph: str | None = None
    flame_graph_over_time: str | None = None
    notes: tuple[str, ...] = ()

    def moment(self, name: str) -> Moment | None:
        """The moment of that name, where there is one."""
        return next((moment for moment in self.moments if moment.name == name), None)


def read_heap(folder: Path) -> HeapRecord | None:
    """Return what the run in `folder` knows of its heap; None where none was captured, or not to be read."""
    try:
        return HeapRecord.model_validate(json.loads((folder / HEAP_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError):
        return None


def save_heap(record: HeapRecord, folder: Path) -> None:
    """Write `heap.json`, aside and renamed, so that no reader finds half of it."""
    aside = folder / f"{HEAP_FILE}.tmp"
    aside.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
    aside.replace(folder / HEAP_FILE)
