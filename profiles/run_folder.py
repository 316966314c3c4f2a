"""The run folder, read: typed access to everything a run left behind.

A run may have been cut off at any moment, so nothing here insists on being whole: a missing file reads as
empty, a missing value as None, and an unfinished last line (one without its newline) is left out. A line that
is broken *inside* a file is no accident of timing, and is refused with its place.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from profiles.errors import RunError

Record = TypeVar("Record")


class RunFolderError(RunError):
    """A file of a run folder holds something that no run writes; the message names file, line and value."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of `samples.csv`; `t` is the recorder's monotonic clock, in seconds. None: not measured."""

    t: float
    vm_bytes: float | None = None
    anon_bytes: float | None = None
    file_bytes: float | None = None
    kernel_bytes: float | None = None
    server_rss_bytes: float | None = None
    children_rss_bytes: float | None = None
    processes: float | None = None
    cpu_s: float | None = None
    throttled_s: float | None = None
    balance_s: float | None = None
    host_psi_some: float | None = None
    host_psi_full: float | None = None
    late_s: float | None = None
    load_cpu_s: float | None = None
    load_rss_bytes: float | None = None
    recorder_cpu_s: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One line of `requests.csv`: a request that ended, or a block that began to play. Wall seconds."""

    t: float
    reader: str = ""
    kind: str = ""
    status: int | None = None
    bytes: int | None = None
    latency_s: float | None = None
    late_s: float | None = None
    source: str = ""


SAMPLE_COLUMNS: tuple[str, ...] = tuple(column.name for column in fields(Sample))
REQUEST_COLUMNS: tuple[str, ...] = tuple(column.name for column in fields(Request))


@dataclass(frozen=True, slots=True)
class Event:
    """One line of `events.jsonl`: when, what, and the facts that came with it."""

    t: float
    event: str
    facts: Mapping[str, object]

    def text(self, key: str) -> str:
        """The fact of that name as text; empty when the event has none."""
        value = self.facts.get(key)
        return "" if value is None else str(value)


@dataclass(frozen=True)
class RunFolder:
    """What one run left at `path`, read when first asked for."""

    path: Path

    @cached_property
    def run(self) -> Mapping[str, object]:
        """`run.json`: the scenario as used, versions, machine, VM, start and end. Empty when missing."""
        return _read_object(self.path / "run.json")

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """`samples.csv`, in the order written."""
        return tuple(_read_csv(self.path / "samples.csv", _sample))

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """`requests.csv`, in the order written."""
        return tuple(_read_csv(self.path / "requests.csv", _request))

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """`events.jsonl`, in the order written."""
        return tuple(_read_events(self.path / "events.jsonl"))

    @cached_property
    def verdict(self) -> Mapping[str, object]:
        """`verdict.json` as written. Empty when this run was not judged yet."""
        return _read_object(self.path / "verdict.json")

    def named(self, event: str) -> list[Event]:
        """The events of that name, in the order written."""
        return [found for found in self.events if found.event == event]

    @property
    def time_zero_s(self) -> float | None:
        """When the load started, on the run's clock; else the first sample; None when there is neither."""
        started = next((event.t for event in self.events if event.event == "load_started"), None)
        if started is not None:
            return started
        return self.samples[0].t if self.samples else None


def _whole_lines(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return text[: text.rfind("\n") + 1]


def _read_object(path: Path) -> Mapping[str, object]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise RunFolderError(
            f"{path}: not JSON ({error}). The run was cut off while it was written."
        ) from None
    if not isinstance(found, dict):
        raise RunFolderError(f"{path}: holds a {type(found).__name__}, not an object.")
    return found


def _read_csv(path: Path, parse: Callable[[Mapping[str, str]], Record]) -> Iterator[Record]:
    reader = csv.DictReader(io.StringIO(_whole_lines(path)), restval="")
    for row in reader:
        try:
            yield parse(row)
        except (KeyError, ValueError) as error:
            raise RunFolderError(
                f"{path}:{reader.line_num}: {error}. The line is not one that a run writes."
            ) from None


def _read_events(path: Path) -> Iterator[Event]:
    for number, line in enumerate(_whole_lines(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            facts = json.loads(line)
            yield Event(t=float(facts["t"]), event=str(facts["event"]), facts=facts)
        except (KeyError, TypeError, ValueError) as error:
            raise RunFolderError(
                f"{path}:{number}: {error}. The line is not one that a run writes."
            ) from None


def _number(text: str | None) -> float | None:
    return float(text) if text else None


def _count(text: str | None) -> int | None:
    return int(float(text)) if text else None


def _sample(row: Mapping[str, str]) -> Sample:
    return Sample(float(row["t"]), *(_number(row.get(column)) for column in SAMPLE_COLUMNS[1:]))


def _request(row: Mapping[str, str]) -> Request:
    return Request(
        t=float(row["t"]),
        reader=row.get("reader", ""),
        kind=row.get("kind", ""),
        status=_count(row.get("status")),
        bytes=_count(row.get("bytes")),
        latency_s=_number(row.get("latency_s")),
        late_s=_number(row.get("late_s")),
        source=row.get("source", ""),
    )
