"""A soak, begun or resumed, until its verdict: files opened, readers started, everything ended and judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from profiles.errors import Terminated
from profiles.run_file import finish_run, update_run, write_watched_run
from profiles.run_folder import RunFolder
from profiles.soak.alarms import Alarms, alarms_raised
from profiles.soak.asked import Asked, Secrets
from profiles.soak.checks import page_place
from profiles.soak.findings import Source, Told
from profiles.soak.log_file import LogSource
from profiles.soak.machines import MachinesSource
from profiles.soak.moments import Anchor, Axis, Clock, SystemClock
from profiles.soak.notes import Notes
from profiles.soak.page import PageSource
from profiles.soak.prometheus import PrometheusSource
from profiles.soak.readers import CHAPTERS_FILE, Readers
from profiles.soak.record import Record, anchor_of, last_t, read_state, repair, utc_now
from profiles.soak.request_tail import highest_reader
from profiles.soak.watch import ALARMED, STOPPED, TIME_OVER, Parts, Screen, Watch
from profiles.soak.web import Place
from profiles.soak.webhook import Webhook
from profiles.verdict import judge
from profiles.verdict_record import VerdictRecord

MakeSources = Callable[[Asked, Secrets, Mapping[str, Any]], list[Source]]


@dataclass(frozen=True)
class Ended:
    """How a soak ended: its verdict, and whether an alarm was raised."""

    record: VerdictRecord
    reason: str
    alarms: int

    @property
    def is_over(self) -> bool:
        """Whether nothing of what was asked for is left to be done."""
        return self.reason in (TIME_OVER, ALARMED)


def begin(folder: Path, asked: Asked, limit_mb: float | None, chapters: str | None) -> None:
    """Write the run folder of a soak that is about to start: its conditions."""
    folder.mkdir(parents=True, exist_ok=True)
    vm: dict[str, object] = {"backend": "remote", "memory_mb": limit_mb, "cpus": None, "share_of_core": None}
    target = {"kind": "soak", "what": asked.target}
    write_watched_run(folder, asked.scenario(), {**vm, "emulated": False}, target=target, machine={})
    if chapters is not None:
        (folder / CHAPTERS_FILE).write_text(chapters, encoding="utf-8")
        update_run(folder, upstream="the target's own", **_document(chapters))


def soak(
    folder: Path,
    asked: Asked,
    secrets: Secrets,
    screen: Screen,
    *,
    clock: Clock | None = None,
    make_sources: MakeSources | None = None,
) -> Ended:
    """Watch into a folder that `begin` wrote, or a part of the soak that is there, until it is over.

    Ctrl-C and SIGTERM end it well, with a verdict.

    Raises:
        OomproofError: another soak writes into the folder.
    """
    clock = clock or SystemClock()
    record = Record(folder)
    cut = repair(folder)
    state = read_state(folder)
    axis = Axis(clock, anchor_of(state), last_t(folder))
    sources = (make_sources or _sources)(asked, secrets, state.get("sources") or {})
    notes, alarms = Notes(folder, last_t(folder)), Alarms(folder, asked.most)
    readers = _readers(folder, asked, secrets, state)
    webhook = Webhook(Place(secrets.webhook)) if secrets.webhook else None
    before_s = float(state.get("watched_s") or 0.0)
    parts = Parts(clock, axis, sources, readers, notes, record, alarms, screen, webhook, before_s)
    _begin_part(parts, asked, cut, anchor_of(state))
    watch = Watch(folder, asked, parts)
    reason = STOPPED
    try:
        if readers is not None:
            readers.start(axis.now().t, axis.shift_s)
        reason = watch.run()
    except (KeyboardInterrupt, Terminated):
        pass
    finally:
        _end_part(folder, watch, parts, reason)
    return Ended(judge(folder), reason, alarms_raised(folder))


def _readers(folder: Path, asked: Asked, secrets: Secrets, state: Mapping[str, Any]) -> Readers | None:
    if not asked.readers:
        return None
    # Who began to read after the state was noted has a number too.
    next_reader = max(int(state.get("next_reader") or 0), 1 + highest_reader(folder / "requests.csv"))
    return Readers(folder, asked, secrets.headers, next_reader)


def _begin_part(parts: Parts, asked: Asked, cut: Mapping[str, int], before: Anchor | None) -> None:
    now = parts.axis.now()
    number = parts.record.begin(asked, {"started_at": utc_now(), "t": round(now.t, 2)})
    facts: dict[str, object] = {"part": number, "at": utc_now()}
    if before is not None:
        facts["after_gap_s"] = round(now.t - before.t, 2)
    parts.notes.event(Told(now.t, "part_started", facts))
    for name, size in cut.items():
        parts.notes.event(Told(now.t, "mended", {"file": name, "bytes": size}))
    if parts.axis.went_back_s:
        parts.notes.event(Told(now.t, "clock_jump", {"by_s": -round(parts.axis.went_back_s, 2)}))
    if not RunFolder(parts.record.folder).named(
        "load_started"
    ):  # the first part, or it was killed before this
        parts.notes.event(
            Told(now.t, "recording", {"kernel_log_readable": False, "kernel_log_reason": "a remote machine"})
        )
        parts.notes.event(Told(now.t, "load_started"))


def _end_part(folder: Path, watch: Watch, parts: Parts, reason: str) -> None:
    """End the readers, and write down how it ended: all that the verdict rests on is on disk then."""
    t = parts.axis.now().t
    if parts.readers is not None:
        parts.readers.stop()
    watch.await_answer()
    parts.notes.event(Told(t, "load_ended", {"reason": reason, "oom_kills": None}))
    health: dict[str, object] = {"ok": watch.page_answers, "path": watch.health_path}
    if watch.network_lost:
        health["own_network"] = True
    parts.notes.event(Told(t, "health", health))
    parts.notes.event(Told(t, "recorded", {"owner_gone": False, "oom_kills": None, "peak_vm_bytes": None}))
    if parts.webhook is not None:
        parts.webhook.close()
    parts.notes.close()
    parts.alarms.close()
    parts.record.end(reason, finished=reason in (TIME_OVER, ALARMED))
    parts.record.close()
    finish_run(folder)


def _sources(asked: Asked, secrets: Secrets, known: Mapping[str, Any]) -> list[Source]:
    found: list[Source] = []
    if asked.metrics:
        found.append(PageSource(page_place(asked, secrets), _known(known, "page")))
    app, machine = asked.fly_app or "", asked.fly_machine
    if asked.fly_prometheus:
        place = Place(asked.fly_prometheus, secrets.fly)
        found.append(PrometheusSource(place, app, machine, _known(known, "prometheus")))
    if asked.fly_machines:
        place = Place(asked.fly_machines, secrets.fly)
        found.append(MachinesSource(place, app, machine, _known(known, "machines")))
    if asked.log_path is not None:
        found.append(LogSource(asked.log_path, _known(known, "log")))
    return found


def _known(known: Mapping[str, Any], name: str) -> dict[str, object]:
    found = known.get(name)
    return found if isinstance(found, dict) else {}


def _document(chapters: str) -> dict[str, object]:
    found = json.loads(chapters)
    return {"document_sha256": found.get("documentSha256"), "document_pages": found.get("pages")}
