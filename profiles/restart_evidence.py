"""Why a remote server restarted: what several witnesses saw, each for itself, put together into ends with a cause.

A soak writes down what it sees when it sees it: a start time that moved, an exit that Fly's machines tell of, a line of
a log, a count of Fly's that rose. They come late and in any order, and whoever is killed in between must lose nothing;
so what they add up to is worked out here, from the events alone, whenever a run folder is read.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it is the run folder that asks
    from profiles.run_folder import Event

RESTART_SEEN, MACHINE_EVENT, LOG_KILL, EXIT_OOM = "restart_seen", "machine_event", "log_kill", "exit_oom"
PART_STARTED = "part_started"
ON_PURPOSE = "stopped_on_purpose"
"""A restart that somebody asked for: a deploy, a stop, a machine that was let sleep. It is no death."""
_RAW = frozenset({RESTART_SEEN, MACHINE_EVENT, LOG_KILL, EXIT_OOM, PART_STARTED})
_ENDINGS = frozenset({"load_ended", "health", "recorded"})
NEAR_S = 30.0
"""A line of a log and an exit that lie within this are of one end: logs are shipped and read with a delay."""
SCRAPED_S = 90.0
"""So late Fly's Prometheus may tell of an exit: it is scraped every 15 s, and asked once an interval."""
DEPLOY_WITHIN_S = 180.0
"""An exit that was asked for this close to an update of the machine is the deploy's."""
_CHANGES = frozenset({"update", "replace", "destroy", "create"})
_STOPS = frozenset({"stop", "restart", "suspend"})
_SIGKILL = -9
_SHELL_SIGKILL = 137
_JUST_BEFORE_S = 0.001


@dataclass
class _End:
    """One end of the server: the exit that Fly tells of, the restart that was seen, and what else speaks of it."""

    at: float
    machine: Event | None = None
    seen: Event | None = None
    kills: list[Event] = field(default_factory=list)
    ooms: list[Event] = field(default_factory=list)
    restarted_t: float | None = None

    def distance(self, t: float) -> float:
        """How far a moment is from this end; of one that was not timed, from the stretch in which it must lie."""
        if self.machine is not None or self.seen is None:
            return abs(t - self.at)
        return max(0.0, float(self.seen.facts["last_seen_t"]) - t, t - self.seen.t)  # type: ignore[arg-type]  # a number as written

    @property
    def span_s(self) -> float:
        """How long the stretch is in which this end must lie; 0 of one that was timed."""
        if self.machine is not None or self.seen is None:
            return 0.0
        return self.seen.t - float(self.seen.facts["last_seen_t"])  # type: ignore[arg-type]  # a number as written


def explained(events: Sequence[Event]) -> tuple[Event, ...]:
    """Return the events with the ends and restarts that they add up to, in time's order.

    What is no soak's is returned as it is. Of a soak that was ended and resumed only the last end counts.
    """
    if not any(event.event in _RAW for event in events):
        return tuple(events)
    known = _once(_of_last_part(events))
    ends = _ends(known)
    changes = [e for e in known if e.event == MACHINE_EVENT and e.facts.get("type") in _CHANGES | _STOPS]
    derived = [made for number, end in enumerate(ends, start=1) for made in _told(end, number, changes)]
    servers = {id(_victim(end)) for end in ends if _is_oom(end)}
    children = [
        _child(kill)
        for kill in known
        if kill.event == LOG_KILL and kill.facts.get("told_by") == "kernel" and id(kill) not in servers
    ]
    return tuple(sorted([*known, *derived, *children], key=lambda event: event.t))


def keys_of(event: Event) -> tuple[str, ...]:
    """Return what a derived event rests on, by which it is known again when more is known of it."""
    keys = event.facts.get("rests_on")
    return tuple(map(str, keys)) if isinstance(keys, list) else ()


def _of_last_part(events: Sequence[Event]) -> list[Event]:
    """Leave out how a part ended that was resumed."""
    parts = [index for index, event in enumerate(events) if event.event == PART_STARTED]
    last = parts[-1] if parts else 0
    return [event for index, event in enumerate(events) if index >= last or event.event not in _ENDINGS]


def _once(events: Iterable[Event]) -> list[Event]:
    """Leave out what was written twice, since whoever wrote it was killed before it could note that."""
    kept: dict[str, Event] = {}
    found = []
    for event in events:
        key = _key(event)
        if key and key in kept:
            continue
        kept[key] = event
        found.append(event)
    return found


def _key(event: Event) -> str:
    facts = event.facts
    match event.event:
        case "restart_seen":
            return f"start {facts.get('server_started_s', 0):.0f}"
        case "machine_event":
            return f"machine {facts.get('machine')} {facts.get('id')}"
        case "log_kill":
            # A log may hold the same line twice; one without a time is known by its place.
            place = f"{facts.get('machine')} {facts['at']}" if facts.get("at") else facts.get("offset")
            return f"log {facts.get('told_by')} {place} {facts.get('line')}"
        case "exit_oom":
            return f"exit_oom {facts.get('unix_s')}"
    return ""


def _ends(events: Sequence[Event]) -> list[_End]:
    exits = [event for event in events if event.event == MACHINE_EVENT and event.facts.get("type") == "exit"]
    ends = [_End(event.t, machine=event) for event in sorted(exits, key=_time)]
    for seen in (event for event in events if event.event == RESTART_SEEN):
        _join_restart(ends, seen)
    ends.sort(key=_at)
    span_s = max((end.span_s for end in ends), default=0.0)
    for kill in (event for event in events if event.event == LOG_KILL):
        around = _around(ends, kill.t, NEAR_S + span_s)
        _join(ends, around, kill, NEAR_S, "kills", alone=kill.facts.get("told_by") != "kernel")
    for oom in (event for event in events if event.event == EXIT_OOM):
        _join(ends, _around(ends, oom.t, SCRAPED_S + span_s), oom, SCRAPED_S, "ooms", alone=True)
    starts = [e for e in events if e.event == MACHINE_EVENT and e.facts.get("type") in ("start", "launch")]
    for end, after in zip_longest(ends, ends[1:]):
        end.restarted_t = _restarted_t(end, after, starts)
    return ends


def _join_restart(ends: list[_End], seen: Event) -> None:
    since_t = float(seen.facts["last_seen_t"])  # type: ignore[arg-type]  # a number as written
    inside = [end for end in ends if end.seen is None and since_t - NEAR_S <= end.at <= seen.t]
    if inside:
        inside[-1].seen = seen
    else:
        starts_t = seen.facts.get("starts_t")
        at = float(starts_t) if isinstance(starts_t, int | float) else since_t
        ends.append(_End(min(max(at, since_t), seen.t - _JUST_BEFORE_S), seen=seen))


def _around(ends: Sequence[_End], t: float, within_s: float) -> Sequence[_End]:
    """Return the ends, in time's order, of about a moment: a crash cycle of days has thousands."""
    return ends[bisect_left(ends, t - within_s, key=_at) : bisect_right(ends, t + within_s, key=_at)]


def _at(end: _End) -> float:
    return end.at


def _join(
    ends: list[_End], around: Sequence[_End], event: Event, within_s: float, where: str, *, alone: bool
) -> None:
    """Give the event to the end that it is nearest to; one that is near none is an end by itself, or nobody's.

    `around`: those of the ends, all in time's order, that it may be near to.
    """
    free = [end for end in around if where == "kills" or not end.ooms]
    nearest = min(free, key=lambda end: end.distance(event.t), default=None)
    if nearest is not None and nearest.distance(event.t) <= within_s:
        getattr(nearest, where).append(event)
    elif alone and not any(end.distance(event.t) <= within_s and _is_oom(end) for end in around):
        made = _End(event.t)
        getattr(made, where).append(event)
        insort(ends, made, key=_at)


def _restarted_t(end: _End, after: _End | None, starts: Sequence[Event]) -> float | None:
    if end.seen is not None:
        return end.seen.t
    before_t = float("inf") if after is None else after.at
    found = [start.t for start in starts if end.at <= start.t <= before_t]
    if found:
        return found[0]
    restarting = end.machine is not None and end.machine.facts.get("restarting")
    return end.at + _JUST_BEFORE_S if after is not None or restarting else None


def _victim(end: _End) -> Event | None:
    """Return the line that names who was killed: of several the last, for then the server was gone."""
    named = [kill for kill in end.kills if kill.facts.get("told_by") == "kernel"]
    return named[-1] if named else None


def _is_oom(end: _End) -> bool:
    """Whether somebody says that the server itself was killed for memory.

    Its children may bear its name, and die often: the kernel's line alone is enough only where no other witness
    would have told of the server's own death, as Fly's init and its machines do.
    """
    if end.ooms or any(kill.facts.get("told_by") != "kernel" for kill in end.kills):
        return True
    if end.machine is not None:
        return bool(end.machine.facts.get("oom_killed"))
    return any(not kill.facts.get("machine") for kill in end.kills)


def _told(end: _End, number: int, changes: Sequence[Event]) -> list[Event]:
    """Return the events of an end: the kill or the exit, and the restart."""
    common: dict[str, Any] = {"life": number, "rests_on": _rests_on(end), "held": _held(end)}
    evidence = _evidence(end)
    why = _purpose(end, changes)
    if _is_oom(end):
        made = [_oom(end, common, evidence), _event(end, "exited", returncode=_SIGKILL, **common)]
    elif why:
        made = [_event(end, ON_PURPOSE, why=why, evidence=evidence, **common)]
    else:
        returncode, cause = _exit(end)
        evidence = evidence if end.machine is not None else [*evidence, "nothing explains it"]
        made = [_event(end, "exited", returncode=returncode, cause=cause, evidence=evidence, **common)]
    if end.restarted_t is not None:
        t = max(end.restarted_t, end.at)
        source = made[0]
        made += [replace(source, t=t, event=name, facts={"t": t, "event": name, "life": number + 1})
                 for name in ("restarted", "ready")]  # fmt: skip
    return made


def _oom(end: _End, common: dict[str, Any], evidence: list[str]) -> Event:
    victim = _victim(end)
    facts = {} if victim is None else victim.facts
    line = str(facts.get("line") or evidence[0])
    return _event(
        end,
        "oom_kill",
        role="server",
        whole_machine=True,
        comm=facts.get("comm"),
        anon_rss_mb=facts.get("anon_rss_mb"),
        line=line,
        told=[said for said in evidence if said != line],
        **common,
    )


def _child(kill: Event) -> Event:
    facts = {**kill.facts, "event": "oom_kill", "role": "child", "whole_machine": True}
    return replace(kill, event="oom_kill", facts=facts)


def _event(end: _End, name: str, **facts: Any) -> Event:
    source = next(event for event in (end.machine, end.seen, *end.kills, *end.ooms) if event is not None)
    return replace(source, t=end.at, event=name, facts={"t": end.at, "event": name, **facts})


def _exit(end: _End) -> tuple[int | None, str]:
    if end.machine is None:
        return None, "crash"
    code, number = end.machine.facts.get("exit_code"), end.machine.facts.get("guest_signal")
    if code == _SHELL_SIGKILL or number == -_SIGKILL or end.machine.facts.get("signal") == -_SIGKILL:
        return _SIGKILL, "sigkill_by_other"
    return (code, "clean_exit" if code == 0 else "crash") if isinstance(code, int) else (None, "crash")


def _purpose(end: _End, changes: Sequence[Event]) -> str:
    """Return who asked for this end, by what was done to the machine; empty where nobody is known to have."""
    asked = end.machine is not None and bool(end.machine.facts.get("requested_stop"))
    around = [event for event in changes if end.distance(event.t) <= DEPLOY_WITHIN_S]
    if any(event.facts.get("type") in _CHANGES for event in around) and (asked or end.machine is None):
        return "a deploy"
    if not asked:
        return ""
    by_hand = any(
        event.facts.get("type") in _STOPS and event.facts.get("source") == "user" for event in around
    )
    return "somebody asked for it" if by_hand else "auto-stop: Fly let the machine sleep"


def _evidence(end: _End) -> list[str]:
    lines = [str(kill.facts.get("line")) for kill in end.kills]
    if end.machine is not None:
        facts = end.machine.facts
        said = ", ".join(f"{name} {facts[name]}" for name in ("oom_killed", "exit_code", "guest_signal",
                         "requested_stop", "error") if facts.get(name) not in (None, ""))  # fmt: skip
        lines.append(f"machine {facts.get('machine')}: exit event of {facts.get('at')}: {said}")
    for oom in end.ooms:
        lines.append(f"fly_instance_exit_oom of {oom.facts.get('instance')} is {oom.facts.get('value')}")  # noqa: PERF401  # beside the others
    if end.seen is not None:
        lines.append(str(end.seen.facts.get("line") or "its start time moved"))
    return [*lines, *_just_before(end)]


def _just_before(end: _End) -> list[str]:
    """Return how much the machine held when somebody told it last, before the end."""
    known = [source.facts for source in (end.seen, end.machine, *end.kills, *end.ooms) if source is not None]
    told = [(facts.get("machine_t"), facts.get("machine_mb")) for facts in known]
    before = [
        (t, mb)
        for t, mb in told
        if isinstance(t, int | float) and isinstance(mb, int | float) and t <= end.at
    ]
    if not before:
        return []
    t, mb = max(before)
    return [f"{end.at - t:.0f} s before, the machine held {mb:,.0f} MB that it could not give back"]


def _held(end: _End) -> object:
    sources = (end.seen, end.machine, *end.kills, *end.ooms)
    return next((held for source in sources if source is not None and (held := source.facts.get("held"))), {})


def _rests_on(end: _End) -> list[str]:
    sources = (end.machine, end.seen, *end.kills, *end.ooms)
    return [_key(source) for source in sources if source is not None]


def _time(event: Event) -> float:
    return event.t
