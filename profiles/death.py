"""How each process died: what ended the server, and every kill beside it, with the evidence for the cause.

Three witnesses are heard. The kernel's log names each process that it kills for memory; its counter counts them, in
the VM's group also those for the whole machine's lack of memory; the exit status says which signal ended the server.
SIGKILL with neither the log nor the counter to be read stays unknown: it is the one thing that a kernel kill and any
other have in common. One of the two is enough to say that it was not the kernel, since each sees every kill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from profiles.death_evidence import (
    counter_line,
    describe_status,
    kill_lines,
    log_is_whole,
    log_line,
    number_of,
)
from profiles.kill_counter import counted, earliest_t, life_counts
from profiles.kills import (
    SIGKILL,
    counted_exits,
    is_emulated,
    kill_events,
    kill_total,
    machine_is_vm,
    pid_of,
    server_exits,
)
from profiles.run_folder import Event, RunFolder

Cause = Literal[
    "memcg_kill",
    "machine_kill",
    "emulated_kill",
    "sigkill_by_other",
    "crash",
    "clean_exit",
    "unknown",
]
_TOLD: tuple[Cause, ...] = ("crash", "clean_exit", "sigkill_by_other")
KILLS: tuple[Cause, ...] = ("memcg_kill", "machine_kill", "emulated_kill")
"""Deaths for lack of memory."""
SHELL_SIGKILL = 128 - SIGKILL
"""The exit status with which a shell tells that SIGKILL ended its child."""
SHELL_WITHIN_S = 5.0
"""A shell whose child was killed ends within this, also on a VM that is held to its share of the CPU."""


@dataclass(frozen=True)
class Death:
    """One death; `after_s` is from the load's start, None where nobody noted it.

    `returncode` is the server's exit status (a signal is negative), `size_mb` the anonymous memory that the kernel
    says its victim held. `evidence` says which source told what, and which could not be read.
    """

    after_s: float | None
    cause: Cause
    role: str | None
    victim: str | None
    returncode: int | None
    size_mb: float | None
    evidence: tuple[str, ...]


def deaths(folder: RunFolder) -> list[Death]:
    """Return the deaths up to the load's end in their order, those that only the counter saw last."""
    kills = kill_events(folder)  # once: a crash cycle of hours has thousands
    servers = [kill for kill in kills if kill.text("role") == "server"]
    ends = [_ServerEnd(folder, event, servers) for event in server_exits(folder)]
    told = {id(end.kill) for end in ends if end.kill is not None}
    timed = [((end.kill or end.event).t, end.death()) for end in ends]
    timed += [(kill.t, _of_kill(folder, kill)) for kill in kills if id(kill) not in told]
    timed.sort(key=lambda found: found[0])
    return [death for _, death in timed] + _unnamed(folder)


class _ServerEnd:
    """One end of the server, and what the witnesses say of it."""

    def __init__(self, folder: RunFolder, event: Event, kills: Sequence[Event]) -> None:
        self.folder = folder
        self.event = event
        self.kill = _kill_of(folder, event, kills)
        status = event.facts.get("returncode")
        self.returncode = status if isinstance(status, int) else None

    def death(self) -> Death:
        """Return the death with its cause."""
        cause, lines = self._cause()
        kill = self.kill
        return Death(
            after_s=_after_s(self.folder, self.event if kill is None else kill),
            cause=cause,
            role="server",
            victim=None if kill is None else _text(kill, "comm"),
            returncode=self.returncode,
            size_mb=None if kill is None else number_of(kill, "anon_rss_mb"),
            evidence=(describe_status(self.returncode), *lines),
        )

    def _cause(self) -> tuple[Cause, list[str]]:
        if self.kill is not None:
            return cause_of_kill(self.folder, self.kill), kill_lines(self.kill)
        if (told := self._told_cause()) is not None:
            return told
        if self.returncode == SIGKILL:
            return self._sigkilled()
        if self.returncode == SHELL_SIGKILL and (child := self._child_killed()) is not None:
            said = f"{SHELL_SIGKILL} is what a shell says whose child SIGKILL ended"
            return cause_of_kill(self.folder, child), [said, *kill_lines(child)]
        if self.returncode is None:
            nobody = "nobody took its exit status, so how it ended is not known"
            return "unknown", [nobody, *self._witness_lines()]
        return ("crash", []) if self.returncode else ("clean_exit", ["it ended, and nobody had told it to"])

    def _told_cause(self) -> tuple[Cause, list[str]] | None:
        """Return the cause that a soak put together from what others told of this end; None: nobody did."""
        cause, evidence = self.event.facts.get("cause"), self.event.facts.get("evidence")
        known = next((name for name in _TOLD if name == cause), None)
        return (
            None
            if known is None or not isinstance(evidence, list)
            else (known, [str(line) for line in evidence])
        )

    def _sigkilled(self) -> tuple[Cause, list[str]]:
        lines = self._witness_lines()
        if self.event in counted_exits(self.folder):
            inferred = "it ended by SIGKILL while the counter rose: no line says that it was this one, nor whose limit"
            return cause_by_counter(self.folder), [*lines, inferred]
        if log_is_whole(self.folder) or self._counter_known():
            return "sigkill_by_other", lines
        return "unknown", [*lines, "so it may have been the kernel or anybody else"]

    def _counter_known(self) -> bool:
        return life_counts(self.folder, self.event) is not None or counted(self.folder) is not None

    def _witness_lines(self) -> list[str]:
        """Return what the kernel's log and its counter say of this end, or why they say nothing."""
        return [log_line(self.folder), counter_line(self.folder, life_counts(self.folder, self.event))]

    def _child_killed(self) -> Event | None:
        since_t = self.event.t - SHELL_WITHIN_S
        kills = [
            kill
            for kill in kill_events(self.folder)
            if since_t <= kill.t and earliest_t(kill) <= self.event.t
        ]
        return kills[-1] if kills else None


def cause_of_kill(folder: RunFolder, kill: Event) -> Cause:
    """Return what a named kill is: of the VM's limit, of the whole machine, or of a limit that a program keeps."""
    if kill.facts.get("emulated"):
        return "emulated_kill"
    whole = kill.facts.get("whole_machine")
    if whole is None:
        return cause_by_counter(folder)
    return "machine_kill" if whole else "memcg_kill"


def cause_by_counter(folder: RunFolder) -> Cause:
    """Return what a kill is that the counter saw: no line says whose limit it was for, so the VM's own is taken."""
    if is_emulated(folder):
        return "emulated_kill"
    return "machine_kill" if machine_is_vm(folder) else "memcg_kill"


def _kill_of(folder: RunFolder, end: Event, kills: Sequence[Event]) -> Event | None:
    """Return the named kill, of those of servers, that ended this one."""
    if end.facts.get("returncode") not in {SIGKILL, None}:
        return None
    if (life := end.facts.get("life")) is not None:
        return next((kill for kill in kills if kill.facts.get("life") == life), None)
    pid = pid_of(folder, end)
    same = [kill for kill in kills if pid is not None and pid_of(folder, kill) == pid]
    if same or pid is not None:
        return same[-1] if same else None
    before = [kill for kill in kills if kill.t <= end.t + SHELL_WITHIN_S]
    return before[-1] if before else None


def _of_kill(folder: RunFolder, kill: Event) -> Death:
    return Death(
        after_s=_after_s(folder, kill),
        cause=cause_of_kill(folder, kill),
        role=_text(kill, "role"),
        victim=_text(kill, "comm"),
        returncode=None,
        size_mb=number_of(kill, "anon_rss_mb"),
        evidence=tuple(kill_lines(kill)),
    )


def _unnamed(folder: RunFolder) -> list[Death]:
    """Return the kills that only the counter saw, and that end no server."""
    unnamed = kill_total(folder) - len(kill_events(folder)) - len(counted_exits(folder))
    lines = (counter_line(folder), "no line of the kernel's says who it was")
    cause = cause_by_counter(folder)
    return [Death(None, cause, None, None, None, None, lines)] * unnamed


def _after_s(folder: RunFolder, event: Event) -> float:
    return round(event.t - (folder.time_zero_s or 0.0), 1)


def _text(event: Event, key: str) -> str | None:
    return event.text(key) or None
