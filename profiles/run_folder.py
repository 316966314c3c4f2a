"""The run folder, read: typed access to everything a run left behind.

A run may have been cut off at any moment, so nothing here insists on being whole: a missing file reads as
empty, a missing value as None, and an unfinished last line (one without its newline) is left out. A line that
is broken *inside* a file is no accident of timing, and is refused with its place.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from sys import intern
from typing import NamedTuple, TypeVar

from profiles.errors import RunError
from profiles.request_rows import Request, RequestRows
from profiles.restart_evidence import explained

__all__ = ["Event", "LoadSample", "Request", "RunFolder", "RunFolderError", "Sample"]

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
    machine_cpu_s: float | None = None
    vm_limit_bytes: float | None = None
    swap_bytes: float | None = None
    limit_hits: float | None = None
    oom_kills: float | None = None
    vm_psi_some: float | None = None
    vm_psi_full: float | None = None
    server_fds: float | None = None
    children_fds: float | None = None
    server_threads: float | None = None
    children_threads: float | None = None
    recorder_rss_bytes: float | None = None


class LoadSample(NamedTuple):
    """One line of `generator.csv`: what a process of the load said of itself, about once a second.

    `cpu_s` counts up; `loop_lag_s` is the worst lateness of a short timer since the line before.
    """

    t: float
    process: str = ""
    cpu_s: float | None = None
    loop_lag_s: float | None = None
    rss_bytes: float | None = None
    open_files: float | None = None
    open_files_limit: float | None = None
    readers: float | None = None


SAMPLE_COLUMNS: tuple[str, ...] = tuple(column.name for column in fields(Sample))
REQUEST_COLUMNS: tuple[str, ...] = Request._fields
LOAD_COLUMNS: tuple[str, ...] = LoadSample._fields


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
        return tuple(_read_csv(self.path / "samples.csv", SAMPLE_COLUMNS, _sample))

    @cached_property
    def requests(self) -> Sequence[Request]:
        """`requests.csv`, in the order written."""
        return RequestRows(_read_csv(self.path / "requests.csv", REQUEST_COLUMNS, _request))

    @cached_property
    def generator(self) -> tuple[LoadSample, ...]:
        """`generator.csv`, in the order written."""
        return tuple(_read_csv(self.path / "generator.csv", LOAD_COLUMNS, _load_sample))

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """`events.jsonl`, in the order written; of a soak in time's order, with the ends that they add up to."""
        return explained(tuple(_read_events(self.path / "events.jsonl")))

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

    @property
    def load_span(self) -> tuple[float, float]:
        """When the load started and ended, on the run's clock; a run cut off ends with its last sample."""
        ended = next((event.t for event in self.events if event.event == "load_ended"), None)
        last = self.samples[-1].t if self.samples else float("inf")
        return self.time_zero_s or 0.0, last if ended is None else ended


def _whole_lines(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return text[: text.rfind("\n") + 1]


def _each_whole_line(path: Path) -> Iterator[str]:
    """Yield the lines of a file that may be large, but for an unfinished last one."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.endswith("\n"):
                    yield line
    except FileNotFoundError:
        return


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


def _read_csv(
    path: Path, columns: Sequence[str], parse: Callable[[Sequence[str]], Record]
) -> Iterator[Record]:
    """Yield a record a line; `parse` gets the cells in the order of `columns`, empty where the file has none."""
    reader = csv.reader(_each_whole_line(path))
    header = next(reader, [])
    if header and columns[0] not in header:
        raise RunFolderError(
            f"{path}:1: {','.join(header)[:60]!r}: no heading with a column {columns[0]!r}. Begin with one, of "
            f"{', '.join(columns[:4])} and so on, commas between."
        )
    cells = itemgetter(*(header.index(column) if column in header else -1 for column in columns))
    for row in reader:
        if not row:
            continue
        try:
            if len(row) != len(header):
                raise ValueError(f"{len(row)} cells under {len(header)} columns")  # noqa: TRY301 - told as below
            row.append("")
            yield parse(cells(row))
        except ValueError as error:
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


def _number(text: str) -> float | None:
    return float(text) if text else None


def _sample(cells: Sequence[str]) -> Sample:
    return Sample(float(cells[0]), *map(_number, cells[1:]))


def _request(cells: Sequence[str]) -> Request:
    t, reader, kind, status, size, latency_s, late_s, source = cells
    return Request(
        float(t),
        intern(reader),
        intern(kind),
        int(status) if status else None,
        int(size) if size else None,
        float(latency_s) if latency_s else None,
        float(late_s) if late_s else None,
        intern(source),
    )


def _load_sample(cells: Sequence[str]) -> LoadSample:
    return LoadSample(float(cells[0]), cells[1], *map(_number, cells[2:]))
