"""What a heap's report says: sections of sentences and rows, the same for Markdown and the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from profiles.heap_limits import HEAP_LIMITS
from profiles.heap_record import Course, Grown, HeapRecord, Held, Moment, Place, Waves
from profiles.report_text import NONE, count, number
from profiles.vm_size import MIB

MOST_SHARE_THAT_MISLEADS = 0.5
"""A heap that is less than this of the VM's memory is not what fills it, and its lines explain little."""
COURSES: dict[Course, str] = {
    "grows": "grows with both waves: a suspect",
    "slows": "grows less the second time: a cache that fills, or a suspect",
    "stopped": "stopped: a cache or warm-up",
    "late": "only the second time: a pool, or a suspect",
}
SITE_HEAD = ("held", "of the heap", "allocations", "line", "asked for by")
FEWEST_ROWS = 5
SMALLEST_SHARE = 0.005
"""Lines that held less of the heap than this are counted, not listed, unless there are few."""
NOT_QUIET = "The server did not come to rest after wave {}: what it still worked on then is among what grew."
NOTHING_GREW = "No line holds more than 16 KB more than before a wave."
_MOMENTS = {
    "heap_peak": "the heap was largest",
    "vm_peak": "the VM was fullest",
    "end": "the server ended",
}


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and a table: its head, and rows of as many cells."""

    title: str
    sentences: tuple[str, ...] = ()
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def explained(record: HeapRecord) -> str:
    """Return the first thing to know: how much of the VM's memory the server's heap explains at all."""
    moment = record.moment("vm_peak")
    if moment is None:
        peak = record.moment("heap_peak")
        if peak is None:
            return "Nothing is known of the server's heap."
        return (
            f"The server's heap held {_mb(peak.heap_bytes)} at most; what the VM held then was not measured."
        )
    whole, what = _whole(moment)
    heap = f"the server's heap held {_mb(moment.heap_bytes)}"
    if not whole:
        return f"When the VM was fullest, {heap}."
    if moment.heap_bytes > whole:
        return (
            f"When the VM was fullest it held {_mb(whole)} of {what}, and {heap}, more than was in memory: "
            "some was asked for and never touched."
        )
    share = moment.heap_bytes / whole
    little = " So its lines explain little of what fills the VM." if share < MOST_SHARE_THAT_MISLEADS else ""
    return f"Of the {_mb(whole)} of {what} when the VM was fullest, {heap}: {share:.0%}.{_children(moment)}{little}"


def not_heap(record: HeapRecord) -> str:
    """Return what the server's RSS held beside the heap when that was largest, as far as it can be told."""
    peak, start = record.moment("heap_peak"), record.rss_at_start_bytes
    if peak is None or peak.memray_rss_bytes is None:
        return ""
    rest = peak.memray_rss_bytes - peak.heap_bytes
    seen = "" if peak.server_rss_bytes is None else f" ({_mb(peak.server_rss_bytes)} in the nearest sample)"
    rss = f"Its RSS was {_mb(peak.memray_rss_bytes)}{seen}"
    if rest < 0:
        return f"{rss}: {_mb(-rest)} of the heap had been asked for and never touched."
    if start is None:
        return f"{rss}: {_mb(rest)} beside the heap."
    since = max(0, rest - start)
    return (
        f"{rss}: {_mb(rest)} beside the heap. {_mb(min(start, rest))} of it was there before the first line ran "
        f"(Python and memray), {_mb(since)} came since: libraries, what the allocator keeps, memray's notes."
    )


def sections(record: HeapRecord) -> list[Section]:
    """Return the whole report, in the order a reader asks."""
    return [_peak(record), _waves(record), _moments(record), Section("What a heap cannot tell", HEAP_LIMITS)]


def site_rows(sites: Sequence[Held], peak_bytes: int | None) -> tuple[tuple[str, ...], ...]:
    """Return a row for each line: what it held, the share of the heap, allocations, the line, the innermost frame."""
    return tuple(
        (
            _mb(site.bytes),
            f"{site.bytes / peak_bytes:.0%}" if peak_bytes else NONE,
            number(site.count),
            site.name,
            _inner(site),
        )
        for site in sites
    )


def shown_sites(record: HeapRecord) -> list[Held]:
    """Return the lines worth a row: those that held most, and all that held more than a hair of the heap."""
    return [
        site
        for row, site in enumerate(record.sites)
        if row < FEWEST_ROWS or site.bytes >= SMALLEST_SHARE * (record.peak_bytes or 0)
    ]


def grown_rows(sites: Sequence[Grown]) -> tuple[tuple[str, ...], ...]:
    """Return a row for each line: what it held before and after each wave, per session, its course, the line."""
    return tuple(
        (
            *map(_kb, (site.before_bytes, site.after_1_bytes, site.after_2_bytes)),
            NONE if site.bytes_per_session is None else _kb(site.bytes_per_session),
            site.course,
            site.name + (f" ({_kb(site.pools_bytes)} of it the size of pools)" if site.pools_bytes else ""),
            _inner(site),
        )
        for site in sites
    )


def late_waves(waves: Waves) -> str:
    """Return the waves after which the server still worked when its time to rest was over."""
    return " and ".join(str(wave) for wave, quiet in enumerate(waves.quiet, 1) if not quiet)


def _peak(record: HeapRecord) -> Section:
    title = "What held the heap at its peak"
    if record.peak_bytes is None or not record.sites:
        return Section(title, ("The capture could not be read that far.",))
    peak = record.moment("heap_peak")
    when = "" if peak is None or peak.t_s is None else f", {peak.t_s:.1f} s after the load's start"
    shown = shown_sites(record)
    hidden = record.sites[len(shown) :]
    others, held = record.other_sites + len(hidden), record.other_sites_bytes + sum(s.bytes for s in hidden)
    rest = f"{count(others, 'other line', 'other lines')} held {_mb(held)} together."
    sentences = (f"The heap was largest{when}: {_mb(record.peak_bytes)}.", not_heap(record), rest)
    return Section(title, sentences, SITE_HEAD, site_rows(shown, record.peak_bytes))


def _waves(record: HeapRecord) -> Section:
    title, waves = "What each wave of sessions left behind", record.waves
    if waves is None:
        return Section(title, (f"Not known: {record.no_waves or 'the load was played once'}.",))
    before, first, second = waves.heap_bytes
    counted, each = "sessions not counted", ""
    if waves.sessions is not None:
        counted = f"{waves.sessions[0]:,} and {waves.sessions[1]:,} sessions"
        each = f", {_kb((second - first) / waves.sessions[1])} a session" if waves.sessions[1] else ""
    held = f"held {_mb(before)} before, {_mb(first)} after the first and {_mb(second)} after the second wave{each}"
    sentences = [
        f"The same load was played twice ({counted}), with rest for the server after each. The heap {held}."
    ]
    if not all(waves.quiet):
        sentences.append(NOT_QUIET.format(late_waves(waves)))
    if not waves.sites:
        return Section(title, (*sentences, NOTHING_GREW))
    courses = sorted({site.course for site in waves.sites}, key=list(COURSES).index)
    sentences.append("; ".join(COURSES[course] for course in courses).capitalize() + ".")
    head = ("before", "after wave 1", "after wave 2", "a session", "course", "line", "asked for by")
    return Section(title, tuple(sentences), head, grown_rows(waves.sites))


def _moments(record: HeapRecord) -> Section:
    head = ("when", "at", "heap", "server RSS", "children", "their RSS", "VM, anonymous")
    rows = tuple(
        (
            _MOMENTS[moment.name],
            number(moment.t_s, "s", 1),
            _mb(moment.heap_bytes),
            _mb(moment.server_rss_bytes),
            number(moment.children),
            _mb(moment.children_rss_bytes),
            _mb(moment.anon_bytes),
        )
        for moment in record.moments
    )
    said = "RSS counts pages that processes share once for each; the VM's anonymous memory counts each page once."
    return Section("The heap beside the VM", (said,), head, rows)


def _whole(moment: Moment) -> tuple[float | None, str]:
    if moment.anon_bytes is not None:
        return moment.anon_bytes, "anonymous memory"
    parts = [part for part in (moment.server_rss_bytes, moment.children_rss_bytes) if part is not None]
    return (sum(parts), "RSS of all processes") if parts else (None, "")


def _children(moment: Moment) -> str:
    if not moment.children:
        return ""
    held = (
        "an unknown share"
        if moment.children_rss_bytes is None
        else f"{_mb(moment.children_rss_bytes)} of RSS"
    )
    return f" {count(moment.children, 'process', 'processes')} beside it held {held}, and are not in the capture."


def _inner(site: Place) -> str:
    return "itself" if site.innermost == site.name else site.innermost


def _mb(value: float | None) -> str:
    return NONE if value is None else number(value / MIB, "MB", 0 if abs(value) >= 100 * MIB else 1)


def _kb(value: float) -> str:
    return number(value / 1024, "KB", 0 if abs(value) >= 100 * 1024 else 1)
