"""The soak's one loop: every interval all sources are asked, what they say is written, and the last minutes judged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiles.health import HEALTH_PATH
from profiles.proc_files import ProcessFiles
from profiles.report_text import count
from profiles.run_folder import Event
from profiles.soak.alarms import Alarms
from profiles.soak.asked import Asked
from profiles.soak.findings import Finding, Source, Told
from profiles.soak.moments import Axis, Clock, Moment
from profiles.soak.notes import Notes
from profiles.soak.page import held_of
from profiles.soak.readers import Readers
from profiles.soak.record import Record
from profiles.soak.request_tail import RequestTail
from profiles.soak.webhook import Webhook
from profiles.soak.window import Look, Window
from profiles.soak.witnesses import Witnesses
from profiles.vm_size import MIB

TIME_OVER, STOPPED, ALARMED = "the time was over", "it was ended", "an alarm was to end it"
"""Why a soak ended, as its files say it."""
ANSWER_SHARE = 0.7
"""Of an interval, that the sources may take together."""
LONGEST_ANSWER_S = 12.0
ANSWERS_WITHIN_S, ASK_AGAIN_S = 15.0, 3.0
"""One question that failed at the very end is no verdict on a server that was well for days."""
_PAGE = "page"


@dataclass
class Screen:
    """Where a person sees it: lines that stay, and one that lives."""

    line: Callable[[str], None]
    tell: Callable[[str], None]


@dataclass
class Parts:
    """What a soak is made of; each can be another in a test."""

    clock: Clock
    axis: Axis
    sources: Sequence[Source]
    readers: Readers | None
    notes: Notes
    record: Record
    alarms: Alarms
    screen: Screen
    webhook: Webhook | None = None
    watched_before_s: float = 0.0


class Watch:
    """Watches until it is over."""

    def __init__(self, folder: Path, asked: Asked, parts: Parts) -> None:
        self._asked = asked
        self._parts = parts
        self._witnesses = Witnesses(parts.sources, parts.clock, self._note, self._say)
        self._tail = RequestTail(folder / "requests.csv")
        self._self = ProcessFiles(os.getpid())
        self._begun_t = parts.axis.now().t
        self._window = Window(asked.window_s, self._begun_t)
        self._held_bytes: float | None = None
        self._before: dict[str, object] = {}
        self._lives = 0
        self._restarts = 0
        self._peak_mb = 0.0
        self._awaits_service_since: float | None = None
        self._unkept = ""
        self.alarmed = False

    @property
    def watched_s(self) -> float:
        """How long was watched, over all parts."""
        return self._parts.watched_before_s + self._parts.axis.now().t - self._begun_t

    @property
    def page_answers(self) -> bool:
        """Whether the server's page, or else whoever tells of its memory, answered at the last look."""
        told_by = _PAGE if self._asked.metrics else "prometheus"
        return self._witnesses.answers(told_by)

    @property
    def network_lost(self) -> bool:
        """Whether our own network reached nobody at the last look."""
        return self._witnesses.network_lost

    @property
    def health_path(self) -> str:
        """What was asked for the server's health."""
        return self._asked.metrics or self._asked.fly_prometheus or HEALTH_PATH

    def run(self) -> str:
        """Watch; return why it ended."""
        clock = self._parts.clock
        due = clock.monotonic()
        while True:
            self.look(max(0.0, clock.monotonic() - due))
            if self.alarmed and self._asked.on_alarm == "end":
                return ALARMED
            left_s = self._asked.seconds - self.watched_s
            if left_s <= 0:
                return TIME_OVER
            now = clock.monotonic()
            due = max(now, min(due + self._asked.interval_s, now + left_s))
            clock.sleep(due - now)

    def await_answer(self) -> None:
        """Look on for some seconds where nobody answered at the last look, and our own network is not why."""
        clock = self._parts.clock
        until = clock.monotonic() + ANSWERS_WITHIN_S
        while not (self.page_answers or self.network_lost) and clock.monotonic() < until:
            clock.sleep(min(self._asked.interval_s, ASK_AGAIN_S))
            self.look()

    def look(self, late_s: float = 0.0) -> None:
        """Ask all sources once, write what they say, and judge the last minutes."""
        parts = self._parts
        self._note_sleep()
        now = parts.axis.now()
        self._note_clock(now)
        found = self._witnesses.ask(now, min(LONGEST_ANSWER_S, ANSWER_SHARE * self._asked.interval_s))
        now = parts.axis.now()
        for finding in found.values():
            for told in finding.events:
                self._note(told)
        self._write_samples(now, found, late_s)
        if parts.readers is not None:
            for told in parts.readers.look(now.t, parts.axis.shift_s):
                self._note(told)
        self._judge(now)
        self._keep()
        parts.screen.tell(self._told(now))

    def _note_sleep(self) -> None:
        """Tell that this machine slept: no time watched, and what was meanwhile is asked for as after any gap."""
        slept_s = self._parts.axis.slept_s()
        if slept_s:
            self._begun_t += slept_s
            t = self._parts.axis.now().t
            self._note(Told(t, "slept", {"for_s": round(slept_s, 2)}))
            self._say(t, f"this machine slept for {hours(slept_s)} h; the soak goes on")

    def _note_clock(self, now: Moment) -> None:
        by_s = self._parts.axis.jumped_s()
        if by_s:
            self._note(Told(now.t, "clock_jump", {"by_s": round(by_s, 2)}))
            self._say(now.t, f"this machine's clock was set by {by_s:+.0f} s; times go on unbroken")

    def _say(self, t: float, text: str) -> None:
        self._parts.screen.line(f"{hours(t)}  {text}")

    def _note(self, told: Told) -> None:
        facts = dict(told.facts)
        if told.event == "restart_seen":
            self._lives += 1
            self._awaits_service_since = told.t
        if told.event in ("restart_seen", "machine_event", "log_kill", "exit_oom"):
            facts |= {name: value for name, value in self._before.items() if name not in facts}
        self._parts.notes.event(Told(told.t, told.event, facts))

    def _write_samples(self, now: Moment, found: Mapping[str, Finding], late_s: float) -> None:
        own = {
            "late_s": late_s,
            "recorder_cpu_s": time.process_time(),
            "recorder_rss_bytes": self._self.rss_bytes(),
            **({} if self._parts.readers is None else self._parts.readers.usage()),
        }
        samples = [
            {**sample, "t": min(now.t, sample["t"] or 0.0)}
            for one in found.values()
            for sample in one.samples
        ]
        values = {name: value for finding in found.values() for name, value in finding.values.items()}
        if values:  # what others told of lately stands beside what the page says now
            newest = samples.pop() if samples else {}
            samples.append({**newest, **values, "t": now.t})
        for sample in samples[:-1]:
            self._parts.notes.sample(sample)
        if samples:
            self._parts.notes.sample({**samples[-1], **own})
        self._held_bytes = _held_bytes(samples, by_page=bool(self._asked.metrics))
        self._remember(found, now)

    def _remember(self, found: Mapping[str, Finding], now: Moment) -> None:
        """Keep what held the memory at this look: of whatever ends before the next, it is what held it just before."""
        page = found.get(_PAGE)
        if page is not None and page.page is not None:
            self._before |= {"held": held_of(page.page), "held_t": round(now.t, 2)}
        for finding in found.values():
            for sample in finding.samples:  # at the time that it was taken: it is told late
                if (held_bytes := sample.get("anon_bytes")) is not None:
                    told_t = round(min(now.t, sample.get("t") or now.t), 2)
                    self._before |= {"machine_mb": round(held_bytes / MIB, 1), "machine_t": told_t}

    def _judge(self, now: Moment) -> None:
        """Hold the last minutes against the thresholds, and tell of each end of the server."""
        counts = self._tail.look()
        counts = counts.in_own_gap() if self._witnesses.in_own_gap else counts
        restarts = 0
        for end in self._parts.notes.ends(now.t):
            planned = end.event == "stopped_on_purpose"
            restarts += not planned
            self._lives += not self._asked.metrics
            self._say(end.t, end_text(end))
        self._restarts += restarts
        since = self._awaits_service_since
        if since is not None and counts.served_t is not None and counts.served_t > since:
            self._awaits_service_since = None
            self._note(Told(counts.served_t, "serving_again"))
        if self._parts.readers is not None and counts.highest_reader >= 0:
            self._parts.readers.next_reader = max(self._parts.readers.next_reader, counts.highest_reader + 1)
        self._window.add(Look(now.t, self._held_bytes, counts, restarts, self._lives))
        for alarm in self._parts.alarms.look(self._window, now):
            self._tell_alarm(alarm)
        for reason in self._parts.webhook.failures() if self._parts.webhook is not None else ():
            self._note(Told(now.t, "webhook_failed", {"reason": reason}))
            self._say(now.t, f"--webhook: {reason}; the soak goes on")

    def _tell_alarm(self, alarm: dict[str, object]) -> None:
        begins = alarm["state"] == "raised"
        self.alarmed = self.alarmed or begins
        word = "ALARM" if begins else "over"
        self._say(float(str(alarm["t"])), f"{word}: {alarm['alarm']}: {alarm['text']}")
        if self._parts.webhook is not None:
            self._parts.webhook.tell({"target": self._asked.target, **alarm})

    def _keep(self) -> None:
        """Note where a soak that is killed now would go on; a disk that is full for a while ends nothing."""
        parts = self._parts
        next_reader = 0 if parts.readers is None else parts.readers.next_reader
        sources = self._witnesses.states()
        try:
            parts.record.keep(parts.axis.anchor(), self.watched_s, sources, next_reader=next_reader)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            if not self._unkept:
                self._say(parts.axis.now().t, f"{parts.record.folder}: {reason}; the soak goes on, make room")
            self._unkept = reason
        else:
            self._unkept = ""

    def _told(self, now: Moment) -> str:
        held_mb = None if self._held_bytes is None else self._held_bytes / MIB
        self._peak_mb = max(self._peak_mb, held_mb or 0.0)
        held = "memory not known" if held_mb is None else f"{held_mb:.0f} MB, at most {self._peak_mb:.0f} MB"
        failed, asked = self._window.failed()
        words = [f"{hours(now.t)} of {hours(self._asked.seconds)}", held]
        words += [f"{count(self._restarts, 'restart', 'restarts')}"] if self._restarts else []
        words += [f"{failed} of {asked} requests failed lately"] if asked else []
        silent = self._witnesses.silent
        words += [f"no answer from {', '.join(silent)}"] if silent else []
        return ", ".join(words)


def end_text(end: Event) -> str:
    """Return an end of the server in words, with its evidence."""
    evidence = end.facts.get("evidence") or [end.facts.get("line")]
    said = "; ".join(map(str, evidence)) if isinstance(evidence, list) else ""
    if end.event == "oom_kill":
        return f"the server was killed for memory: {end.facts.get('line')}"
    if end.event == "exited":
        return f"the server ended by itself: {said}"
    return f"the server was stopped and started: {end.facts.get('why')}"


def _held_bytes(samples: Sequence[Mapping[str, float | None]], *, by_page: bool) -> float | None:
    """Return what is held now: by the processes where the page tells that, else what the machine cannot give back."""
    names = ("server_rss_bytes", "children_rss_bytes") if by_page else ("anon_bytes",)
    for sample in reversed(samples):
        known = [value for name in names if (value := sample.get(name)) is not None]
        if known:
            return sum(known)
    return None


def hours(t: float) -> str:
    """Return a time of the axis as hours, minutes and seconds."""
    minutes, seconds = divmod(int(t), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
