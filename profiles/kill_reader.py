"""Kills out of the kernel's messages, read one after the other: a kill's report is many lines long."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TypeVar

from profiles.kernel_log import (
    Constraint,
    KernelKill,
    Task,
    parse_chosen,
    parse_constraint,
    parse_group,
    parse_kill,
    parse_limit_mb,
    parse_limit_of,
    parse_table,
    parse_task,
)

MOST_TASKS = 4096
"""So many rows of one task table are kept; a machine has fewer processes."""
MOST_REMEMBERED = 8
"""So many reports wait for their kill: it follows at once, unless it was lost, and pids come again."""
WORDS = ("oom", "Kill", "Task", "memory: usage")
"""One of these is in every message of a kill's report that is read, but for the rows of its task table."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Group:
    """A group that is killed as a whole: its path, and the kill that it follows, where that was seen."""

    path: str
    first: KernelKill | None


class KillReader:
    """Reads one machine's messages in their order.

    A report's messages may lie far apart, and those of two reports may be mixed: what belongs to which is told by
    the victim's pid. Where that does not tell, such as for the rows of two task tables at once, it is left unknown.
    """

    def __init__(self) -> None:
        self._constraints: OrderedDict[int, Constraint] = OrderedDict()
        self._chosen: OrderedDict[int, bool] = OrderedDict()
        self._tables: OrderedDict[int, tuple[Task, ...]] = OrderedDict()
        self._limits: OrderedDict[int, float] = OrderedDict()
        self._groups: OrderedDict[int, tuple[str, str]] = OrderedDict()
        self._broken = ""
        self._begun = 0
        self._limits_of: list[tuple[str, str]] = []
        self._columns: tuple[str, ...] | None = None
        self._rows: dict[int, Task] | None = None
        self._usages: list[float] = []
        self._group: Group | None = None
        self._last: KernelKill | None = None
        self._named: dict[int, str] = {}

    def read(self, message: str) -> KernelKill | None:
        """Take the next message; return the kill that it tells of, or None."""
        if self._columns is not None and (task := parse_task(message, self._columns)) is not None:
            if self._rows is not None and len(self._rows) < MOST_TASKS:
                self._rows.setdefault(task.pid, task)
            return None
        if not self._broken and not any(word in message for word in WORDS):
            return None
        if (kill := parse_kill(message)) is not None:
            return self._killed(kill)
        self._note(message)
        return None

    def relevant(self, message: str) -> bool:
        """Whether a message belongs to a kill's report, so that it is worth keeping."""
        in_table = self._columns is not None and message.startswith("[")
        return in_table or any(word in message for word in WORDS)

    def _note(self, message: str) -> None:
        """Keep what a message says about a kill that will follow."""
        message = self._whole(message)
        if (columns := parse_table(message)) is not None:
            # A second table before the first one's end: nobody can tell their rows apart.
            self._rows = {} if self._columns is None else None
            self._columns = columns
        elif (constraint := parse_constraint(message)) is not None:
            _remember(self._constraints, constraint.pid, constraint)
            self._end_report(constraint.pid)
            self._begin()
        elif (chosen := parse_chosen(message)) is not None:
            _remember(self._chosen, *chosen)
            self._end_report(chosen[0])
        elif (limit_of := parse_limit_of(message)) is not None:
            self._limits_of = [*self._limits_of, limit_of][-2:]
        elif (limit_mb := parse_limit_mb(message)) is not None:
            self._usages = [*self._usages, limit_mb][-2:]
        elif (path := parse_group(message)) is not None:
            self._group = Group(path, self._last)
        elif " invoked oom-killer: " in message:
            self._begun += 1
            self._chosen.clear()
            self._begin()

    def _begin(self) -> None:
        """Forget the kills before: those of one report are over with the next."""
        self._group = None
        self._named.clear()

    def _whole(self, message: str) -> str:
        """Join an `oom-kill:` message that another CPU's broke in two: its rest begins with a comma."""
        if message.startswith("oom-kill:"):
            self._broken = "" if ",uid=" in message else message
        elif self._broken and message.startswith(","):
            message = self._broken + message
            self._broken = "" if ",uid=" in message else message
        return message

    def _end_report(self, pid: int) -> None:
        """Give what came before the choice of a victim to that victim, where it can be no other's."""
        rows, columns, self._rows, self._columns = self._rows, self._columns, None, None
        usages, self._usages = self._usages, []
        limits_of, self._limits_of = self._limits_of, []
        begun, self._begun = self._begun, 0
        if begun > 1 or (
            columns is not None and pid not in (rows or ())
        ):  # another report is mixed with this one
            return
        if len(usages) == 1:
            _remember(self._limits, pid, usages[0])
        if len(limits_of) == 1:
            _remember(self._groups, pid, limits_of[0])
        if rows is not None:
            others = (task for task in rows.values() if task.pid != pid)
            _remember(self._tables, pid, tuple(sorted(others, key=lambda task: -task.rss_mb)))

    def _killed(self, kill: KernelKill) -> KernelKill:
        # Told by its words alone, since the message that announces a group's kill may be lost.
        repeated = self._named.get(kill.pid, "").startswith(kill.line)
        if not repeated and len(self._named) < MOST_TASKS and kill.whole_machine is False:
            self._named[kill.pid] = kill.line
        kill = self._of_group(kill) or self._explained(kill)
        if repeated:
            return replace(kill, again=True)
        self._last = kill if not kill.group_kill else self._last
        return kill

    def _of_group(self, kill: KernelKill) -> KernelKill | None:
        """Return the kill with what its group's first one says, when it follows that one."""
        if self._group is None or kill.whole_machine is not False:
            return None
        first = self._group.first
        return replace(
            kill,
            memcg=None if first is None else first.memcg,
            limit_mb=None if first is None else first.limit_mb,
            task_memcg=self._group.path,
            group_kill=True,
        )

    def _explained(self, kill: KernelKill) -> KernelKill:
        """Return the kill with what the messages before it said."""
        pid = self._chosen_for(kill)
        constraint, chosen = self._constraints.pop(pid, None), self._chosen.pop(pid, None)
        group = self._groups.pop(pid, (None, None))
        limit_mb, alive = self._limits.pop(pid, None), self._tables.pop(pid, None)
        whole = chosen if kill.whole_machine is None else kill.whole_machine
        task_memcg, memcg = group if whole is False else (None, None)
        if constraint is not None:
            whole = constraint.whole_machine if whole is None else whole
            memcg, task_memcg = constraint.memcg, constraint.task_memcg
        return replace(
            kill,
            whole_machine=whole,
            memcg=memcg,
            task_memcg=task_memcg,
            limit_mb=None if memcg is None else limit_mb,
            alive=None if alive is None else tuple(task for task in alive if task.pid != kill.pid),
        )

    def _chosen_for(self, kill: KernelKill) -> int:
        """Return the process that was chosen for this kill: before 5.0 its victim may be a child of that one."""
        if kill.whole_machine is None and kill.pid not in self._chosen and len(self._chosen) == 1:
            return next(iter(self._chosen))
        return kill.pid


def _remember(kept: OrderedDict[int, Value], pid: int, value: Value) -> None:
    kept.pop(pid, None)
    kept[pid] = value
    if len(kept) > MOST_REMEMBERED:
        kept.popitem(last=False)
