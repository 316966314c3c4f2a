"""Who was killed in a run, from the kernel's lines and its counter."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from profiles.death_evidence import log_is_whole
from profiles.kill_counter import STARTS, counted, earliest_t, life_counts, life_start_t, load_end_t
from profiles.kill_roles import with_roles
from profiles.run_folder import Event, RunFolder

SIGKILL = -int(signal.SIGKILL)
"""The exit status of a process that SIGKILL ended."""
TOLD_WITHIN_S = 1.0
"""So much later than the end that it explains a kill may have been noted: the recorder looks at its own times."""


def kill_figures(folder: RunFolder) -> dict[str, Any]:
    """Return the kills of a run: how many, whose, when, and what held the memory then.

    The group's counter is the truth of how many; the kernel's lines say whose. A kill without a line is nobody's,
    except that a server which ended by SIGKILL beside one was its victim. What is killed after the load's end, while
    everything is being stopped, does not count. Where neither log nor counter could be read, nobody knows of any.
    """
    zero = folder.time_zero_s or 0.0
    kills = kill_events(folder)
    total = kill_total(folder)
    server = [kill for kill in kills if kill.text("role") == "server"]
    unexplained = counted_exits(folder)
    first = next(iter(server or unexplained or kills), None)
    known = bool(total) or counted(folder) is not None or log_is_whole(folder)
    return {
        "killed_after_s": None if first is None else round(first.t - zero, 1),
        "first_kill_s": round(kills[0].t - zero, 1) if kills else None,
        "victim": None if first is None or first in unexplained else _name(first.facts),
        "victim_role": None if first is None else ("server" if server or unexplained else first.text("role")),
        "held_at_kill": {} if first is None else first.facts.get("held", {}),
        "server_kills": len(server) + len(unexplained) if known else None,
        "child_kills": len(kills) - len(server) if known else None,
        "oom_kills": total if known else None,
        "restarts": len(folder.named("restarted")),
        "served_again": bool(folder.named("serving_again")),
    }


def kill_events(folder: RunFolder) -> list[Event]:
    """Return the kills up to the load's end that the kernel's log named, or the watchdog."""
    ends = [end for end in server_exits(folder) if end.facts.get("returncode") in {SIGKILL, None}]
    started = _started(folder)  # once: there may be thousands of ends
    told = [replace(end, facts={**end.facts, "pid": pid_of(folder, end, started)}) for end in ends]
    return with_roles(_until_load_ended(folder, "oom_kill"), told)


def server_exits(folder: RunFolder) -> list[Event]:
    """Return the ends of the server up to the load's end."""
    return _until_load_ended(folder, "exited")


def kill_total(folder: RunFolder) -> int:
    """Return how many kills there were in the VM, by its counter or by the kernel's lines, whichever saw more.

    Where a whole group is killed the kernel names its first victim twice, and counts it twice. A counter of the whole
    machine's kills has those outside the VM in it.
    """
    named = len(kill_events(folder))
    besides = len(_until_load_ended(folder, "oom_kill_repeated"))
    if machine_is_vm(folder):
        besides += len(outside_kills(folder))
    return max(named, (counted(folder, named=named) or 0) - besides)


def counted_exits(folder: RunFolder) -> list[Event]:
    """Return the ends by SIGKILL that no line of the kernel's explains, and its counter does."""
    exits = [event for event in server_exits(folder) if event.facts.get("returncode") == SIGKILL]
    kills, started = kill_events(folder), _started(folder)
    server = [kill for kill in kills if kill.text("role") == "server"]
    named = Counter(pid_of(folder, kill) for kill in server)
    unnamed = []
    for event in exits:
        pid = pid_of(folder, event, started)
        if pid is not None and named[pid]:
            named[pid] -= 1
        else:
            unnamed.append(event)
    unexplained = [event for event in unnamed[named.total() :] if _counter_rose(folder, event)]
    return unexplained[: kill_total(folder) - len(kills)]


def _counter_rose(folder: RunFolder, end: Event) -> bool:
    """Whether more kills were counted in this server's life than were named; True where its life is not known."""
    counts = life_counts(folder, end)
    if counts is None:
        return True
    start_t = life_start_t(folder, end)
    named = [kill for kill in kill_events(folder) if start_t < kill.t <= end.t + TOLD_WITHIN_S]
    return counts[1] - counts[0] > len(named)


def pid_of(folder: RunFolder, event: Event, started: Sequence[tuple[float, int]] | None = None) -> int | None:
    """Return the process that a kill or an end is about; an end that does not say is the last started server's.

    `started`: when which server was, for who asks of many.
    """
    pid = event.facts.get("pid")
    if isinstance(pid, int) or event.event != "exited":
        return pid if isinstance(pid, int) else None
    known = _started(folder) if started is None else started
    return next((pid for t, pid in reversed(known) if t <= event.t), None)


def _started(folder: RunFolder) -> list[tuple[float, int]]:
    """Return when each server was started that somebody told the number of."""
    starts = ((found.t, found.facts.get("pid")) for found in folder.events if found.event in STARTS)
    return [(t, pid) for t, pid in starts if isinstance(pid, int)]


def outside_kills(folder: RunFolder) -> list[Event]:
    """Return the kills up to the load's end that hit somebody outside the VM."""
    return _until_load_ended(folder, "outside_kill")


def machine_is_vm(folder: RunFolder) -> bool:
    """Whether the whole machine is the VM, so that its running out of memory is what the run is about."""
    return _backend(folder) in {"machine", "uml", "remote"}


def is_attached(folder: RunFolder) -> bool:
    """Whether the run only watched: no limit is the run's own, so any that killed is the true one."""
    return _backend(folder) == "attached"


def is_remote(folder: RunFolder) -> bool:
    """Whether the server ran on a machine of others: its kills are those that somebody told of."""
    return _backend(folder) == "remote"


def is_emulated(folder: RunFolder) -> bool:
    """Whether a program kept the limit, instead of the kernel."""
    return bool(_vm(folder).get("emulated"))


def _until_load_ended(folder: RunFolder, name: str) -> list[Event]:
    end_t = load_end_t(folder)
    return [event for event in folder.named(name) if earliest_t(event) <= end_t]


def _name(facts: Mapping[str, object]) -> str:
    size, comm = facts.get("anon_rss_mb"), facts.get("comm")
    name = f"process {facts.get('pid')}" if comm is None else str(comm)
    return name + (f" ({size:g} MB)" if isinstance(size, int | float) else "")


def _backend(folder: RunFolder) -> object:
    return _vm(folder).get("backend")


def _vm(folder: RunFolder) -> Mapping[str, Any]:
    vm = folder.run.get("vm")
    return vm if isinstance(vm, Mapping) else {}
