"""The kills that a log tells of, read as a stream: a log of any size costs the memory of its last reports only."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Literal

from profiles.fly_log import Told, told_kill
from profiles.json_line import joined
from profiles.kernel_log import KernelKill
from profiles.kill_reader import KillReader
from profiles.log_lines import LogLine, parse_line

LONGEST_LINE = 65536
"""What a longer line has beyond this is left out."""
MOST_SOURCES = 256
"""Of so many machines the last words are remembered; a log of more is no single application's."""
SAME_KILL_S = 60.0
"""What Fly says of a kill comes within this after the kernel's own line about it."""
_WORTH_READING = re.compile(
    rb"oom|OOM|Kill|Task|memory: usage|mems_allowed|^\s*[\"{}]|\[ *\d+\] +\d+ +\d+ +\d+ "
)


@dataclass(frozen=True)
class LoggedKill:
    """One kill in a log; `kill` is None where only Fly says that there was one, and then nobody is named.

    `at` is the time as the log has it: a date, or seconds since the machine started.
    """

    at: str | None
    source: str
    told_by: Literal["kernel", "init", "machine"]
    kill: KernelKill | None = None


@dataclass
class _Machine:
    """One machine of the log: its reports, and who has told of its last kill already."""

    reader: KillReader = field(default_factory=KillReader)
    told: set[str] = field(default_factory=set)
    told_at: str | None = None


def read_lines(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file that may be part of a kill's report, whatever bytes it holds."""
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
        if _WORTH_READING.search(line):
            yield line.decode(errors="replace")


class KillLog:
    """Reads the lines of a log as they come, and remembers of each machine what a kill's report needs."""

    def __init__(self) -> None:
        self._machines: OrderedDict[str, _Machine] = OrderedDict()

    def read(self, text: str) -> LoggedKill | None:
        """Take the next line, a JSON object whole; return the kill that it tells of, or None."""
        line = parse_line(text)
        if line.by == "other":
            return None
        machine = self._machines.setdefault(line.source, _Machine())
        self._machines.move_to_end(line.source)
        if len(self._machines) > MOST_SOURCES:
            self._machines.popitem(last=False)
        if line.by == "platform":
            if (told := told_kill(line.message)) is not None and _is_news(machine, told, line.at):
                return LoggedKill(line.at, line.source, told)
        elif (kill := _kernel_kill(machine.reader, line)) is not None:
            machine.told, machine.told_at = {"kernel"}, line.at
            return LoggedKill(line.at, line.source, "kernel", kill)
        return None


def read_kills(lines: Iterable[str]) -> Iterator[LoggedKill]:
    """Yield the kills that the lines of a log tell of, each once, in their order."""
    log = KillLog()
    for text in joined(lines):
        if (kill := log.read(text)) is not None:
            yield kill


def _kernel_kill(reader: KillReader, line: LogLine) -> KernelKill | None:
    kill = reader.read(line.message)
    if kill is None or kill.again:
        return None
    quoted = (
        line.by == "unmarked" and kill.comm is None
    )  # too little for a line that nothing shows to be the kernel's
    return None if quoted else kill


def _is_news(machine: _Machine, told: Told, at: str | None) -> bool:
    """Whether Fly speaks of a kill that nobody spoke of yet; init and machine each speak once of every kill."""
    news = told in machine.told or not machine.told or not _close(machine.told_at, at)
    if news:
        machine.told, machine.told_at = {told}, at
    else:
        machine.told.add(told)
    return news


def _close(before: str | None, at: str | None) -> bool:
    """Whether two times of a log are of one kill; those that cannot be compared are taken for it."""
    try:
        gap = datetime.fromisoformat(at or "") - datetime.fromisoformat(before or "")
        return gap.total_seconds() <= SAME_KILL_S
    except (ValueError, TypeError):
        return True
