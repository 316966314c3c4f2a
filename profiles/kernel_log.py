"""What single messages of the kernel say about a kill for memory, old kernels' and new ones'.

A message is a line without what stands before it in a log (see `log_lines`). Facts are from the kernel's
`mm/oom_kill.c` and `mm/memcontrol.c`, 3.10 to 6.18. A name in a message is whatever its process called itself, so
each pattern is held at both ends by what only the kernel writes there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PAGE_KB = 4
"""Task tables count pages; the kernels that we meet have pages of 4 KiB."""

_KILLED = re.compile(
    r"(?:(?P<message>Memory cgroup out of memory|Out of memory)(?: \(oom_kill_allocating_task\))?: )?"
    r"Killed process (?P<pid>\d+)(?:, UID \d+,)? \((?P<rest>.*)"
)
_SIZES = re.compile(
    # Greedy: a process may be called `x) total-vm:1kB`, but no name is as long as all of this.
    r"(?P<comm>.*)\)(?:, UID \d+,)? total-vm:\d+kB, anon-rss:(?P<anon>\d+)kB"
    r"(?:, file-rss:(?P<file>\d+)kB)?(?:, shmem-rss:(?P<shmem>\d+)kB)?"
)
_CHOSEN = re.compile(
    r"(?P<message>Memory cgroup out of memory|Out of memory)[^:]*: Kill process (?P<pid>\d+) \("
)
_CONSTRAINT = re.compile(
    r"oom-kill:constraint=CONSTRAINT_(?P<constraint>[A-Z_]+),.*?"
    r"(?:oom_memcg=(?P<memcg>.*)|global_oom),task_memcg=(?P<task_memcg>.*),task=.*,pid=(?P<pid>\d+),uid=\d+"
)
_LIMIT_OF = re.compile(r"Task in (?P<task_memcg>.*) killed as a result of limit of (?P<memcg>.*\S)")
_GROUP = re.compile(r"Tasks in (?P<memcg>.*) are going to be killed due to memory\.oom\.group set")
_TABLE = re.compile(r"\[ *pid *\] +(?P<columns>uid +tgid +total_vm +rss .*\bname)\s*$")
_USAGE = re.compile(r"memory: usage \d+kB, limit (?P<limit>\d+)kB, failcnt \d+")
_ROW = re.compile(r"\[ *(?P<pid>\d+)\] +(?P<cells>\d.*)")
_ESCAPE = re.compile(rb"\\x([0-9a-fA-F]{2})")


@dataclass(frozen=True)
class Task:
    """One process of the kernel's task table, which it prints before it kills; sizes in MB."""

    pid: int
    comm: str
    rss_mb: float


@dataclass(frozen=True)
class KernelKill:
    """One process killed by the kernel for memory; None: the log does not say, or was cut off there.

    `memcg` is the control group whose limit of `limit_mb` was hit, `task_memcg` the victim's own. `group_kill`: it
    died because its whole group was to (`memory.oom.group`); `again`: the kernel named it a second time for that,
    and counted it twice. `alive` are the other processes of the task table, the largest first.
    """

    pid: int
    comm: str | None
    anon_rss_mb: float | None
    whole_machine: bool | None
    line: str
    rss_mb: float | None = None
    memcg: str | None = None
    limit_mb: float | None = None
    task_memcg: str | None = None
    group_kill: bool = False
    again: bool = False
    alive: tuple[Task, ...] | None = None


@dataclass(frozen=True)
class Constraint:
    """Whom the kernel chose and why, from its `oom-kill:` message; `memcg` None: no group's limit was hit."""

    pid: int
    memcg: str | None
    task_memcg: str
    whole_machine: bool


def parse_kill(message: str) -> KernelKill | None:
    """Return the kill that a message tells of, or None.

    A message that was cut off after the pid is still a kill: its victim's name and size are None.
    """
    match = _KILLED.match(message)
    if match is None:
        return None
    sizes = _SIZES.match(match["rest"])
    whole = None if match["message"] is None else match["message"].startswith("Out")
    if sizes is None:
        return KernelKill(int(match["pid"]), None, None, whole, message)
    resident_kb = [int(size) for size in sizes.group("anon", "file", "shmem") if size is not None]
    return KernelKill(
        pid=int(match["pid"]),
        comm=name_of(sizes["comm"]),
        anon_rss_mb=_mb(int(sizes["anon"])),
        whole_machine=whole,
        line=message,
        rss_mb=_mb(sum(resident_kb)) if len(resident_kb) > 1 else None,
    )


def parse_chosen(message: str) -> tuple[int, bool] | None:
    """Return whom an older kernel (before 5.0) chose, and whether the whole machine was out of memory.

    It may kill a child of that process instead: only its `Killed process` message names the victim.
    """
    match = _CHOSEN.match(message)
    return None if match is None else (int(match["pid"]), match["message"].startswith("Out"))


def parse_constraint(message: str) -> Constraint | None:
    """Return what the kernel's `oom-kill:` message says (4.20 and later)."""
    match = _CONSTRAINT.match(message)
    if match is None:
        return None
    return Constraint(int(match["pid"]), match["memcg"], match["task_memcg"], match["memcg"] is None)


def parse_limit_of(message: str) -> tuple[str, str] | None:
    """Return the victim's group and the one whose limit was hit, as kernels before 4.20 say it."""
    match = _LIMIT_OF.match(message)
    return None if match is None else (match["task_memcg"], match["memcg"])


def parse_group(message: str) -> str | None:
    """Return the group that is to be killed as a whole."""
    match = _GROUP.match(message)
    return None if match is None else match["memcg"]


def parse_limit_mb(message: str) -> float | None:
    """Return the limit of the group that met it, in MB."""
    match = _USAGE.match(message)
    return None if match is None else _mb(int(match["limit"]))


def parse_table(message: str) -> tuple[str, ...] | None:
    """Return the columns of a task table from its heading: kernels differ in them."""
    match = _TABLE.match(message)
    return None if match is None else tuple(match["columns"].split())


def parse_task(message: str, columns: tuple[str, ...]) -> Task | None:
    """Return a row of a task table with these columns, or None.

    A row may be of a thread, where its process has lost its first one: it counts under the process's id.
    """
    match = _ROW.match(message)
    if match is None:
        return None
    cells = match["cells"].split(maxsplit=len(columns) - 1)
    if len(cells) < len(columns):
        return None
    row = dict(zip(columns, cells, strict=True))
    try:
        return Task(int(row["tgid"]), name_of(row["name"]), _mb(int(row["rss"]) * PAGE_KB))
    except ValueError:
        return None


def name_of(written: str) -> str:
    r"""Return a name as its process wrote it: the kernel and `dmesg` write odd bytes as `\xNN`.

    What would move a terminal's cursor stays escaped.
    """
    named = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), written.encode(errors="surrogateescape"))
    text = named.decode(errors="replace")
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def _mb(size_kb: int) -> float:
    return round(size_kb / 1024, 1)
