"""Whether a server that lived also served: its answers, and what the listeners heard of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from profiles.health import HEALTH_PATH
from profiles.listeners import wait_of
from profiles.ordered_faults import ordered_faults
from profiles.request_figures import AUDIO_KINDS, UNPLAYABLE, asked, failed, failures_by_status
from profiles.run_folder import Request, RunFolder

MOST_FAILED_SHARE = 0.01
"""More failed audio requests than this, without a kill, is an unhealthy server."""
LAST_SHARE = 0.1
"""A server that serves nobody in this last part of the load has gone, however well it began."""

READING_KINDS = frozenset({"readers", "pregenerate", "probe"})
"""Loads that have a document read aloud; of others nothing is known but what their rows say."""

FEWEST_FAILED = 3
"""Fewer failures than the attempts at one block prove no such thing, where the others play what they hold."""


def unserved(folder: RunFolder, values: Mapping[str, Any]) -> list[str]:
    """Return why a server that lived is not healthy, a line each; nothing when it served.

    The first line says too what the upstream was ordered to fail: it is no excuse, but no doing of the server's.
    """
    if values.get("load_kind", "readers") not in READING_KINDS:
        return _refused(folder)
    in_gaps = _in_own_gaps(folder)
    asked, broken = values["audio_requests"] - in_gaps, values["audio_failures"] - in_gaps
    reasons = []
    if broken > MOST_FAILED_SHARE * asked:
        unplayable = sum(row.source.endswith(UNPLAYABLE) for row in folder.requests)
        no_speech = f", {unplayable} of them answered with something that is no speech" if unplayable else ""
        reasons.append(f"{broken} of {asked} requests for audio failed{no_speech}")
    if asked and not values["blocks_played"]:
        reasons.append(f"not one block was played, of {asked} requests for audio")
    reasons += _gone(folder)
    ordered = ordered_faults(folder)
    return [f"{reasons[0]}; {ordered.text}", *reasons[1:]] if reasons and ordered else reasons


def unanswered(folder: RunFolder, values: Mapping[str, Any]) -> list[str]:
    """Return that the server did not answer after the load; nothing when it did, or nobody is to ask it."""
    asked_after = folder.named("health")
    watched = values.get("load_kind") == "none" and not asked_after
    if watched or any(event.facts.get("ok") or event.facts.get("own_network") for event in asked_after):
        return []
    path = next((event.text("path") for event in asked_after), "") or HEALTH_PATH
    return [f"server: did not answer {path} after the load", *_outages(folder)]


def unseen(folder: RunFolder) -> list[str]:
    """Return that a soak's own network was gone for too long at its end to say what became of the server."""
    since_t = _unseen_since(folder)
    if since_t is None:
        return []
    start, end = folder.load_span
    if end - since_t <= LAST_SHARE * (end - start):
        return []
    return [
        f"own network: nobody was reached in the last {end - since_t:.0f} s, so the server's end is not known"
    ]


def _unseen_since(folder: RunFolder) -> float | None:
    """Return since when a soak's own network reached nobody to the end; None where it did."""
    lost = any(event.facts.get("own_network") for event in folder.named("health"))
    return _own_gaps(folder)[-1][0] if lost and folder.named("network_lost") else None


def survival(folder: RunFolder, values: Mapping[str, Any]) -> list[str]:
    """Return what is known of a server that lived."""
    since_t = _unseen_since(folder)
    healthy = "healthy after the load"
    if since_t is not None:
        healthy = f"reached for the last time after {since_t:.0f} s: our own network was gone at the end"
    planned = [
        f"stopped and started, and no death: {event.text('why')}"
        for event in folder.named("stopped_on_purpose")
    ]
    if values.get("load_kind") != "none":
        restart = "" if planned else ", no restart"
        return [f"no kill{restart}, {healthy}", *planned, *_outages(folder)]
    watched_s = values.get("duration_s") or 0.0
    ends = [
        f"it ended with status {end.text('returncode')}, as when it is done or is told to"
        for end in folder.named("exited")
    ]
    return [
        f"no kill{'' if ends else ' and no end'} was seen in {watched_s:.0f} s of watching",
        *([] if since_t is None else [healthy]),
        *ends,
        *planned,
        *_outages(folder),
    ]


def _outages(folder: RunFolder) -> list[str]:
    """Return how often a server that is far away could not be asked: the network may be why, or the server."""
    times = folder.named("unreachable")
    if not times:
        return []
    return [f"times it could not be reached: {len(times)}; the last one: {times[-1].text('reason')}"]


def _in_own_gaps(folder: RunFolder) -> int:
    """Return how many requests for audio had no answer while a soak's own network reached nobody."""
    gaps = _own_gaps(folder)
    return sum(
        row.kind in AUDIO_KINDS and row.status == 0 and _is_within(row, gaps)
        for row in (folder.requests if gaps else ())
    )


def _own_gaps(folder: RunFolder) -> Sequence[tuple[float, float]]:
    """Return when a soak's own network reached nobody: from when somebody was heard last until somebody was again.

    A soak that went on looked anew: a gap that its end left open is over then.
    """
    ends = [event.t for event in folder.events if event.event in ("network_back", "part_started")]
    gaps = []
    for lost in folder.named("network_lost"):
        heard_t = lost.facts.get("heard_t")
        start = float(heard_t) if isinstance(heard_t, int | float) else lost.t
        gaps.append((start, next((t for t in ends if t > lost.t), float("inf"))))
    return gaps


def _is_within(row: Request, gaps: Sequence[tuple[float, float]]) -> bool:
    """Whether a request, or the wait for a block, was under way in a gap: it may have failed long after it for that."""
    begun, ended = row.t, row.t + (row.latency_s or 0.0)
    if row.kind == "play":
        begun -= row.late_s or 0.0
    return any(begun <= end and ended >= start for start, end in gaps)


def _refused(folder: RunFolder) -> list[str]:
    """Whether more than a few of the requests failed that a load of somebody's own left rows of, or all the last."""
    rows = [row for row in asked(folder) if row.status is not None]
    broken = [row for row in rows if failed(row)]
    reasons = []
    if len(broken) > MOST_FAILED_SHARE * len(rows):
        counts = failures_by_status(broken).items()
        how = ", ".join(f"{count} {'had no answer' if status == '0' else status}" for status, count in counts)
        reasons.append(f"{len(broken)} of {len(rows)} requests failed: {how}")
    start, end = folder.load_span
    part_s = (end - start) * LAST_SHARE
    last = [row for row in rows if row.t + (row.latency_s or 0.0) >= end - part_s and row.status != 499]
    if len(last) >= FEWEST_FAILED and all(map(failed, last)):
        reasons.append(f"no request succeeded in the last {part_s:.0f} s of the load: {len(last)} failed")
    return reasons


def _gone(folder: RunFolder) -> list[str]:
    """Whether the last part of the load had failures, or people who waited all through it, and no audio at all.

    A request that its reader gave up is neither: at the end all leave, and some have just asked. Nor is a chunk
    that is missing, for which live speech is asked.
    """
    start, end = folder.load_span
    part_s = (end - start) * LAST_SHARE
    gaps = _own_gaps(folder)
    rows = [
        row
        for row in folder.requests
        if row.t + (row.latency_s or 0.0) >= end - part_s and not (row.status == 0 and _is_within(row, gaps))
    ]
    answered = [
        row
        for row in rows
        if row.kind in AUDIO_KINDS and row.status != 499 and (row.kind, row.status) != ("chunk", 404)
    ]
    failures = sum(map(failed, answered))
    waits = [wait_of(row) for row in rows if row.kind == "play"]
    waiting = sum(not wait.heard and wait.waited_s >= part_s for wait in waits)
    if len(answered) > failures or not (failures >= FEWEST_FAILED or waiting):
        return []
    none = f"no request for audio succeeded in the last {part_s:.0f} s of the load"
    return [f"{none}: {failures} failed, readers who waited all through it: {waiting}"]
