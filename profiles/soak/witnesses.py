"""The sources of a soak, asked together: each survives its own faults, and a gap of our own network is told as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from profiles.soak.findings import Asking, Finding, Source, Told
from profiles.soak.log_file import LogSource
from profiles.soak.moments import JUMP_S, Clock, Moment
from profiles.soak.web import Fault

_EVENTS = {"page": ("unreachable", "reachable")}
_OTHERS = ("source_lost", "source_back")
"""The page is the server's own, so that its events are those of a server that is only watched."""
_NEAR = LogSource.name
"""A file of this machine: nothing of the network."""


@dataclass
class Outage:
    """A source that does not answer: since when, and how often it was asked."""

    since_t: float
    failed: int = 0


class Witnesses:
    """Asks all sources, and tells of those that cannot be had."""

    def __init__(
        self,
        sources: Sequence[Source],
        clock: Clock,
        note: Callable[[Told], None],
        say: Callable[[float, str], None],
    ) -> None:
        self._asking = [Asking(source) for source in sources]
        self._clock = clock
        self._note = note
        self._say = say
        self._outages: dict[str, Outage] = {}
        self._heard: set[str] = set()
        self._network_since_t: float | None = None
        self._far_heard_t: float | None = None
        self._in_gap = False
        self._ahead_s: dict[str, float] = {}

    @property
    def silent(self) -> list[str]:
        """Those that do not answer now."""
        return sorted(self._outages)

    def states(self) -> dict[str, dict[str, object]]:
        """Return by name what each must remember of what was heard so far."""
        return {asking.source.name: asking.state for asking in self._asking}

    def answers(self, name: str) -> bool:
        """Whether a source answered when it was asked last."""
        return name in self._heard and name not in self._outages

    @property
    def in_own_gap(self) -> bool:
        """Whether our own network reached nobody for some of the time before the last look."""
        return self._in_gap

    @property
    def network_lost(self) -> bool:
        """Whether our own network reaches nobody now."""
        return self._network_since_t is not None

    def ask(self, now: Moment, within_s: float) -> dict[str, Finding]:
        """Return what those said that answered, by name."""
        for asking in self._asking:
            asking.begin(now)
        begun = self._clock.monotonic()
        found: dict[str, Finding] = {}
        faults: dict[str, Fault] = {}
        for asking in self._asking:
            try:
                answer = asking.answer(within_s - (self._clock.monotonic() - begun))
                if answer is not None:
                    found[asking.source.name] = answer
            except Fault as reason:
                faults[asking.source.name] = reason
        self._note_network(now, found, faults)
        for name, fault in faults.items():
            self._note_fault(now, name, fault)
        for name, finding in found.items():
            self._note_answer(now, name)
            self._note_skew(now, name, finding)
        self._heard |= found.keys()
        return found

    def _note_network(self, now: Moment, found: Mapping[str, Finding], faults: Mapping[str, Fault]) -> None:
        """Tell of a gap that is our own network's: nobody far away could be reached, or there was no way at all."""
        far = [fault for name, fault in faults.items() if name != _NEAR]
        heard = any(name != _NEAR for name in found)
        several = len(far) > 1 and all(fault.unconnected for fault in far)
        no_way = bool(far) and all(fault.kind == "network" for fault in far)
        self._in_gap = self._network_since_t is not None
        if self._network_since_t is None and not heard and (several or no_way):
            self._network_since_t, self._in_gap = now.t, True
            heard_t = now.t if self._far_heard_t is None else round(self._far_heard_t, 2)
            self._note(Told(now.t, "network_lost", {"reason": str(far[0]), "heard_t": heard_t}))
            self._say(
                now.t,
                f"our own network: nobody can be reached ({far[0]}); told, and no death of the server's",
            )
        elif self._network_since_t is not None and heard:
            after_s = round(now.t - self._network_since_t, 2)
            self._network_since_t = None
            self._note(Told(now.t, "network_back", {"after_s": after_s}))
        if heard:
            self._far_heard_t = now.t

    def _note_fault(self, now: Moment, name: str, fault: Fault) -> None:
        outage = self._outages.get(name)
        if outage is None:
            outage = self._outages[name] = Outage(now.t)
            ours = self._network_since_t is not None
            facts = {"source": name, "reason": str(fault), "own_network": ours}
            self._note(Told(now.t, _EVENTS.get(name, _OTHERS)[0], facts))
            self._say(now.t, f"{name}: {fault}")
        outage.failed += 1

    def _note_answer(self, now: Moment, name: str) -> None:
        outage = self._outages.pop(name, None)
        if outage is not None:
            facts = {"source": name, "failed": outage.failed, "after_s": round(now.t - outage.since_t, 2)}
            self._note(Told(now.t, _EVENTS.get(name, _OTHERS)[1], facts))
            self._say(now.t, f"{name}: answers again")

    def _note_skew(self, now: Moment, name: str, finding: Finding) -> None:
        """Tell of a clock that is not ours: its times are corrected, those of a log by what Fly's own clock shows."""
        if finding.ahead_s is None or abs(finding.ahead_s - self._ahead_s.get(name, 0.0)) <= JUMP_S:
            return
        self._ahead_s[name] = finding.ahead_s
        self._note(Told(now.t, "clock_skew", {"source": name, "ahead_s": round(finding.ahead_s, 1)}))
        self._say(
            now.t, f"{name}: its clock is {finding.ahead_s:+.0f} s beside ours; its times are corrected"
        )
        for asking in self._asking:
            if isinstance(asking.source, LogSource) and name != "page":
                asking.source.ahead_s = finding.ahead_s
