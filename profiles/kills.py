"""Who was killed in a run, from the kernel's lines and its counter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from profiles.run_folder import Event, RunFolder

SIGKILL = -9


def kill_figures(folder: RunFolder) -> dict[str, Any]:
    """Return the kills of a run: how many, whose, when, and what held the memory then.

    The group's counter is the truth of how many; the kernel's lines say whose. A kill without a line is nobody's,
    except that a server which ended by SIGKILL beside one was its victim. What is killed after the load's end, while
    everything is being stopped, does not count.
    """
    zero = folder.time_zero_s or 0.0
    kills = kill_events(folder)
    total = max(len(kills), _counted(folder, len(kills)))
    server = [kill for kill in kills if kill.text("role") == "server"]
    killed_exits = [event for event in folder.named("exited") if event.facts.get("returncode") == SIGKILL]
    unexplained = killed_exits[len(server) :][: total - len(kills)]
    first = next(iter(server or unexplained or kills), None)
    return {
        "killed_after_s": None if first is None else round(first.t - zero, 1),
        "first_kill_s": round(kills[0].t - zero, 1) if kills else None,
        "victim": None if first is None or first in unexplained else _name(first.facts),
        "victim_role": None if first is None else ("server" if server or unexplained else first.text("role")),
        "held_at_kill": {} if first is None else first.facts.get("held", {}),
        "server_kills": len(server) + len(unexplained),
        "child_kills": len(kills) - len(server),
        "oom_kills": total,
        "restarts": len(folder.named("restarted")),
        "served_again": bool(folder.named("serving_again")),
    }


def _name(facts: Mapping[str, object]) -> str:
    size = facts.get("anon_rss_mb")
    return str(facts.get("comm")) + (f" ({size:g} MB)" if isinstance(size, int | float) else "")


def kill_events(folder: RunFolder) -> list[Event]:
    """Return the kills up to the load's end that the kernel's log named."""
    end_t = max((event.t for event in folder.named("load_ended")), default=float("inf"))
    return [kill for kill in folder.named("oom_kill") if kill.t <= end_t]


def _counted(folder: RunFolder, lines: int) -> int:
    """Return the group's counter at the load's end; at the recorder's end if nobody noted it then."""
    for name in ("load_ended", "recorded"):
        counts = [event.facts.get("oom_kills") for event in folder.named(name)]
        known = [count for count in counts if isinstance(count, int)]
        if known and (name == "load_ended" or not lines):
            return max(known)
    return 0
